"""Online learning: adapter, prediction intervals, champion and challenger."""
