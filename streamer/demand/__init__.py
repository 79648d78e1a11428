"""Demand intervals: the running one, its forecast, the alarm for it, and their scores."""
