"""Readings with channels beside the power, one by one and in blocks."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from streamer.errors import ReadingError
from streamer.readings import Reading
from streamer.readings.blocks import ReadingBlock
from streamer.readings.coercion import coerced
from streamer.readings.order import all_checked, check_block, checked
from streamer.readings.powers import Powers

START = datetime(2016, 6, 1, 12)
MINUTE = timedelta(minutes=1)
READINGS = [
    Reading(START + row * MINUTE, 0.5 * row, channels=(0.1 * row, 230.0 + row)) for row in range(4)
]


def test_a_block_holds_the_channels_of_its_readings() -> None:
    block = ReadingBlock.of(READINGS)
    assert block.channels is not None
    assert block.channels.shape == (4, 2)
    assert list(block) == READINGS
    assert block[-1] == READINGS[-1]
    assert list(block[1:3]) == READINGS[1:3]
    assert {type(value) for value in block[1].channels} == {float}


@given(
    arrays.arrays(
        np.float64, st.tuples(st.integers(1, 5), st.integers(1, 7)), elements=st.floats(-1e9, 1e9)
    )
)
def test_any_channels_come_back_bit_by_bit(channels: np.ndarray) -> None:  # type: ignore[type-arg]
    readings = [
        Reading(START + row * MINUTE, 0.5, channels=tuple(values))
        for row, values in enumerate(channels.tolist())
    ]
    assert list(ReadingBlock.of(readings)) == readings
    found = Powers.of(readings).channels
    assert found is not None
    assert found.tobytes() == channels.tobytes()


def test_blocks_differ_in_their_channels() -> None:
    block = ReadingBlock.of(READINGS)
    others = np.array([reading.channels for reading in READINGS])
    assert block == ReadingBlock(block.at, block.kw, channels=others)
    assert block != ReadingBlock(block.at, block.kw, channels=others + 1.0)
    assert block != ReadingBlock(block.at, block.kw)


def test_a_block_of_no_channels_is_one_of_the_power_alone() -> None:
    block = ReadingBlock.of([Reading(START, 0.5)])
    assert block == ReadingBlock(block.at, block.kw, channels=np.empty((1, 0)))


def test_channels_of_another_length_are_an_error() -> None:
    block = ReadingBlock.of(READINGS)
    with pytest.raises(ReadingError, match=r"channels of shape \(3, 2\) do not match .* \(4,\)"):
        ReadingBlock(block.at, block.kw, channels=np.zeros((3, 2)))
    with pytest.raises(ReadingError, match=r"give them as \(readings, channels\)"):
        ReadingBlock(block.at, block.kw, channels=np.zeros(4))


def test_channels_of_some_readings_alone_are_an_error() -> None:
    with pytest.raises(ReadingError, match="some readings have 0 channels, some 2"):
        ReadingBlock.of([*READINGS, Reading(START + 9 * MINUTE, 0.5)])


def test_other_numbers_become_plain() -> None:
    values = (np.float32(0.5), Decimal("1.5"), 2)
    reading = coerced(Reading(START, 0.5, channels=values))  # type: ignore[arg-type]
    assert reading.channels == (0.5, 1.5, 2.0)
    assert {type(value) for value in reading.channels} == {float}
    assert coerced(Reading(START, 0.5, channels=np.array([1.0, 2.0]))).channels == (1.0, 2.0)  # type: ignore[arg-type]


def test_plain_channels_are_taken_as_they_are() -> None:
    assert coerced(READINGS[0]) is READINGS[0]


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        (("sunny",), "a channel of reading at 2016-06-01 12:00:00 is 'sunny'; give a number"),
        (3.5, "are 3.5; give a tuple"),
        ("12", "are '12'; give a tuple"),
    ],
)
def test_channels_that_are_not_numbers_are_an_error(channels: object, message: str) -> None:
    with pytest.raises(ReadingError, match=message):
        coerced(Reading(START, 0.5, channels=channels))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_a_channel_that_is_not_finite_is_an_error(value: float) -> None:
    wrong = Reading(START + 9 * MINUTE, 0.5, channels=(1.0, value))
    message = f"channel 2 of reading at 2016-06-01 12:09:00 is {value}, not a finite number"
    with pytest.raises(ReadingError, match=message):
        checked(wrong, None)
    with pytest.raises(ReadingError, match=message):
        all_checked([*READINGS, wrong], None)
    with pytest.raises(ReadingError, match=message):
        check_block(ReadingBlock.of([*READINGS, wrong]), None)
