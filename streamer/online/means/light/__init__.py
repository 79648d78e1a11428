"""Forecasts of the mean of the next 15 and 60 minutes in a small record for each of many meters."""
