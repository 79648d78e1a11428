"""Readings from files and from standard input."""
