"""Tests of readings in blocks."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from streamer.pipeline import Pipeline
from streamer.readings.blocks import BlockResult, ReadingBlock
from streamer.testing import START, FixedForecaster, readings

KW = [0.25, 0.5, 0.75, 1.0]


def test_block_is_the_sequence_of_its_readings() -> None:
    expected = readings(KW)
    block = ReadingBlock.of(expected)
    assert list(block) == expected
    assert [block[i] for i in range(-4, 4)] == [expected[i] for i in range(-4, 4)]
    assert list(block[1:3]) == expected[1:3]
    assert isinstance(block[1:3], ReadingBlock)
    assert expected[2] in block
    assert type(block[0].kw) is float
    assert type(block[0].at) is datetime
    with pytest.raises(IndexError):
        block[4]


@pytest.mark.parametrize("unit", ["us", "s", "m"])
def test_times_of_any_unit_become_datetimes(unit: str) -> None:
    at = np.array([START, START + timedelta(minutes=1)], f"datetime64[{unit}]")
    block = ReadingBlock(at, np.array(KW[:2]))
    assert list(block) == readings(KW[:2])
    assert block == ReadingBlock.of(readings(KW[:2]))


def test_blocks_are_compared_by_value() -> None:
    block = ReadingBlock.of(readings(KW))
    assert block == ReadingBlock.of(readings(KW))
    assert block != block[:3]
    assert block != readings(KW)
    assert block != ReadingBlock.of(readings(KW, start=START + timedelta(minutes=1)))


def test_block_is_read_only() -> None:
    block = ReadingBlock.of(readings(KW))
    with pytest.raises(ValueError, match="read-only"):
        block.kw[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        block.at[0] = block.at[1]


def test_arrays_of_different_shapes_are_rejected() -> None:
    times = np.array([START], "datetime64[us]")
    with pytest.raises(ValueError, match="do not match"):
        ReadingBlock(times, np.array([0.1, 0.2]))


def test_settled_between_finds_the_minutes_of_settled_forecasts() -> None:
    result: BlockResult = Pipeline(FixedForecaster(window=2)).push_block(
        ReadingBlock.of(readings(KW))
    )
    # The first window of two is full with the second reading; the third settles it.
    third, fourth = result.readings[2].at, result.readings[3].at
    assert not result.settled_between(START, result.readings[1].at)
    assert result.settled_between(START, third)
    assert result.settled_between(fourth, fourth)
    assert not result.settled_between(fourth + timedelta(minutes=1), fourth.replace(year=2011))
