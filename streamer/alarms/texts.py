"""Lines for a person on what raised an alarm."""

from __future__ import annotations

BEFORE, SINCE = 5, 4
"""Readings before a lasting rise, and readings that it must last."""


def anomaly_text(text: str, size: float) -> str:
    """What an anomaly says: the text of its score, and how much it is."""
    return f"{text}: {size:.3g} times the limit"


def far_text(y: float, low: float, high: float) -> str:
    """Of a reading far from its band."""
    return f"{y:.4g} kW where {low:.4g} to {high:.4g} was expected"


def export_text(y: float) -> str:
    """Of a reading far below zero."""
    return f"{y:.4g} kW: more export than this house is known for"


def lasting_text(rise: float) -> str:
    """Of a rise that lasts."""
    return f"{rise:.4g} kW more than before, for {SINCE} readings by now"


def scale_text(first: float, y: float, middle: float) -> str:
    """Of two readings in a row that seem to have another scale."""
    what = "ten times" if first > middle else "a tenth of"
    values = f"{first:.4g} and {y:.4g} kW, with {middle:.4g} kW expected"
    return f"{values}: perhaps {what} the true power"


def stuck_text(kw: float, run: int) -> str:
    """Of a value that has come so many times in a row."""
    return f"{kw:.4g} kW {run} times in a row: more than this meter repeats a value"


def watts_text(y: float) -> str:
    """Of readings that are too large for kW."""
    return f"{y:.4g} kW looks like watts read as kW: give --unit W, or so"


def kilo_text(y: float) -> str:
    """Of readings that are too small for W."""
    return f"{y:.4g} kW looks like kW read as watts: give --unit kW, or so"
