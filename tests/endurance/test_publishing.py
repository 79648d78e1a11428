"""A simulated day of publications, and a few minutes at the pace of real ones."""

from __future__ import annotations

import sys

import pytest

from tests.endurance.listeners import PROMETHEUS
from tests.endurance.publishing import DAY, Figures, day
from tests.feeds.broker import MOSQUITTO

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks at a process as on Linux"),
]

_GROWTH_MB = 3.0
"""Most that the memory may grow in a day, once what is kept for a day is there."""


def _check(figures: Figures) -> None:
    print("\n".join(figures.lines()))
    assert figures.published == figures.shown == figures.minutes
    assert (figures.repeated, figures.wrong, figures.in_order) == (0, 0, True)
    assert figures.replayed >= 1
    if PROMETHEUS is not None:
        assert figures.scraped_watts == figures.last_watts


def test_no_minute_is_lost_or_repeated() -> None:
    _check(day(40))


@pytest.mark.endurance
def test_for_three_days_no_minute_is_lost_and_the_memory_does_not_grow() -> None:
    figures = day(3 * DAY)
    _check(figures)
    assert figures.growth_mb < _GROWTH_MB
