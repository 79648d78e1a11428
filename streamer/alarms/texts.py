"""Texts of alarms, one line each."""

from __future__ import annotations

BEFORE, SINCE = 5, 4
"""Readings before a lasting rise, and readings for which it must last."""


def anomaly_text(text: str, size: float) -> str:
    """An anomaly: the text of its score, and its size."""
    return f"{text}: {size:.3g} times the limit"


def far_text(y: float, low: float, high: float) -> str:
    """A reading far from its band."""
    return f"{y:.4g} kW where {low:.4g} to {high:.4g} was expected"


def export_text(kw: float, most: float) -> str:
    """An export larger than the largest before, both in kW."""
    if most < 0.01:
        return f"{kw:.4g} kW of export, and none before: check the sign, unless the sun is new here"
    return f"{kw:.4g} kW of export, {kw - most:.3g} kW more export than ever before"


def lasting_text(rise: float) -> str:
    """A lasting rise."""
    return f"{rise:.4g} kW more than before, for {SINCE} readings"


def scale_text(first: float, y: float, middle: float) -> str:
    """Two consecutive readings that seem to be shifted by one decimal."""
    what = "ten times" if first > middle else "a tenth of"
    values = f"{first:.4g} and {y:.4g} kW, with {middle:.4g} kW expected"
    return f"{values}: perhaps {what} the true power"


def stuck_text(kw: float, run: int) -> str:
    """A value repeated many times."""
    return f"{kw:.4g} kW {run} times in a row: more often than this meter repeats a value"


def watts_text(y: float) -> str:
    """Readings too large for kW."""
    return f"{y:.4g} kW looks like watts read as kW: set the unit, for example with --unit W"


def kilo_text(y: float) -> str:
    """Readings too small for W."""
    return f"{y:.4g} kW looks like kW read as watts: set the unit, for example with --unit kW"


def drift_text(before: float, after: float, hours: int) -> str:
    """Errors that have become larger, in kW."""
    times = f"the errors are {after / before:.3g} times what they were"
    return f"{times}: {after:.3g} kW, {before:.3g} kW before, since {hours} h"
