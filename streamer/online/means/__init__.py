"""Forecasts of the mean power of the next minutes: issued, settled, and learnt from online."""
