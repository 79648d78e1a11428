"""Readings with solar and battery power, one by one and in blocks."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from streamer.errors import ReadingError
from streamer.readings import Reading
from streamer.readings.blocks import ReadingBlock
from streamer.readings.coercion import coerced

START = datetime(2016, 6, 1, 12)
MINUTE = timedelta(minutes=1)


def test_a_block_holds_what_its_readings_hold() -> None:
    readings = [
        Reading(START + row * MINUTE, -1.0 + row, solar_kw=2.5, battery_kw=0.25 * row)
        for row in range(4)
    ]
    block = ReadingBlock.of(readings)
    assert list(block) == readings
    assert block[2] == readings[2]
    assert list(block[1:3]) == readings[1:3]
    assert block.consumption_kw.tolist() == [reading.consumption_kw for reading in readings]


def test_blocks_differ_in_what_is_measured() -> None:
    plain = ReadingBlock.of([Reading(START, 0.5)])
    sunny = ReadingBlock.of([Reading(START, 0.5, solar_kw=0.0)])
    assert plain == ReadingBlock.of([Reading(START, 0.5)])
    assert plain != sunny
    assert sunny != ReadingBlock.of([Reading(START, 0.5, solar_kw=1.0)])


def test_solar_power_of_some_readings_alone_is_an_error() -> None:
    readings = [Reading(START, 0.5, solar_kw=1.0), Reading(START + MINUTE, 0.5)]
    with pytest.raises(ReadingError, match="1 of 2 readings have no solar power"):
        ReadingBlock.of(readings)


def test_solar_powers_of_another_shape_are_an_error() -> None:
    at = np.array([START, START + MINUTE], "datetime64[s]")
    with pytest.raises(ReadingError, match=r"shape \(2,\) do not match powers of shape \(1,\)"):
        ReadingBlock(at, np.zeros(2), np.zeros(1))


def test_other_numbers_become_plain() -> None:
    reading = coerced(Reading(START, np.float32(0.5), Decimal("1.5"), np.int64(1)))  # type: ignore[arg-type]
    assert reading == Reading(START, 0.5, 1.5, 1.0)
    assert {type(kw) for kw in (reading.kw, reading.solar_kw, reading.battery_kw)} == {float}


def test_solar_power_that_is_not_a_number_is_an_error() -> None:
    with pytest.raises(ReadingError, match="is 'sunny'"):
        coerced(Reading(START, 0.5, "sunny"))  # type: ignore[arg-type]
