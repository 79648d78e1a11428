"""Running and rolling scores of forecasts."""
