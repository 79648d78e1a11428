"""Formatting for people: numbers, durations, text for one line, tables, bars."""
