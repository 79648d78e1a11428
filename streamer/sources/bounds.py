"""Bounds of plausible values and of steps in time."""

from __future__ import annotations

from datetime import datetime, timedelta

MAX_KW = 100.0
"""More than any household draws: its main fuse would blow."""

LONG_JUMP = timedelta(days=1)
"""A longer step ahead may be a mistake."""


def is_long_jump(before: datetime, at: datetime) -> bool:
    """Whether a step ahead is so long that it may be a mistake."""
    return at - before > LONG_JUMP
