"""Demand intervals: what the running one is heading for, and the month's peak it may raise."""
