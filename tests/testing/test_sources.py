"""Tests of the protocol checks for the tests of plug-ins."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from streamer.readings import Reading
from streamer.testing import ListSource, check_source, readings


def _sunny() -> list[Reading]:
    return [replace(reading, solar_kw=1.0) for reading in readings([0.1, -0.5, 0.2])]


def test_a_source_with_solar_power_in_all_readings_follows_the_protocol() -> None:
    assert check_source(ListSource(_sunny())) == _sunny()


def test_a_source_without_solar_power_in_one_reading_does_not() -> None:
    first, second, third = _sunny()
    with pytest.raises(AssertionError, match=f"not in all at {second.at}"):
        check_source(ListSource([first, replace(second, solar_kw=None), third]))


@pytest.mark.parametrize("name", ["kw", "solar_kw", "battery_kw"])
def test_powers_have_to_be_finite(name: str) -> None:
    first, *others = [replace(reading, battery_kw=0.0) for reading in _sunny()]
    with pytest.raises(AssertionError, match="not finite"):
        check_source(ListSource([first, replace(others[0], **{name: math.inf})]))
