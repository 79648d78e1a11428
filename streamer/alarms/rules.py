"""Thresholds of the detectors, and constants that they share."""

from __future__ import annotations

from streamer.alarms.thresholds import Rule

RULES = {
    "far": Rule(0.28, 6.0, 1.0),  # above the middle, over the root of the half width: √kW
    "jump": Rule(0.38, 2.5, 0.3),  # above the middle, in kW
    "lasting": Rule(0.35, 1.5, 0.2),  # risen and not fallen again, in kW
    "scale": Rule(0.3, 0.5, 0.05),  # fourth root of a likelihood ratio
    "fall": Rule(0.1, 15.0, 4.0),  # below the middle, in half widths
    # Repetitions of a value. Small steps: while the threshold is below 15, a stuck meter is
    # detected within 15 readings, and few of these runs come from the house.
    "stuck": Rule(1.0, 14.0, 14.0, caution=1.0, margin=1.1, reach=40.0, step=0.01, adopts=False),
    # Repetitions in what looks like a plateau of the house; nearly all ordinary ones do.
    "plateau": Rule(0.2, 14.0, 14.0, caution=1.0, margin=1.1, reach=40.0, adopts=False),
}

LASTING_WEIGHT = 1.7
"""Factor on the size of a lasting rise in the budget of a day: what lasts is seldom a whim."""

LOAD_KW = 0.5
"""Minimum distance above the middle at which a large load may begin, in kW."""

MIN_WIDTH_KW = 0.02
"""Minimum width of a band in kW; narrower ones count as this wide."""

LEARN_DIGITS = 6
"""Readings between two counts of decimals; an hour is a multiple of it."""
