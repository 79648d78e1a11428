"""Tests of what callers pass to the library: readings, settings and saved states."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import ReadingError, StateError, StreamerError, UsageError
from streamer.fleet.settings import FleetSettings
from streamer.models import load_model
from streamer.pipeline import Pipeline
from streamer.readings import Reading
from streamer.readings.blocks import ReadingBlock
from streamer.readings.gaps import GapRule
from streamer.sinks.text import TextSink
from streamer.stream.pacing import Pacer
from streamer.testing import START, FixedForecaster, readings
from streamer.training import find_recipe

Push = Callable[[Pipeline, list[Reading]], Any]


def _one_by_one(pipeline: Pipeline, stream: list[Reading]) -> list[Any]:
    return [pipeline.push(reading) for reading in stream]


PUSHES: list[Push] = [_one_by_one, Pipeline.push_many]


@pytest.mark.parametrize("push", PUSHES)
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int16, int, Decimal, Fraction])
def test_any_number_is_taken_as_a_plain_float(push: Push, kind: Callable[[float], Any]) -> None:
    stream = [Reading(each.at, kind(each.kw)) for each in readings([1.0, 3.0, 2.0] * 3)]
    pipeline, plain = (Pipeline(FixedForecaster(window=2)) for _ in range(2))
    steps = push(pipeline, stream)
    assert steps == push(plain, readings([1.0, 3.0, 2.0] * 3))
    assert type(steps[-1].reading.kw) is type(steps[-1].scores.model.mse_kw2) is float
    assert json.loads(json.dumps(pipeline.state())) == plain.state()


class Timestamp(datetime):
    """A time of a library's own class."""


@pytest.mark.parametrize("zone", [None, UTC])
def test_times_of_other_classes_become_plain(zone: Any) -> None:
    step = Pipeline(FixedForecaster()).push(Reading(Timestamp(2010, 3, 19, 17, tzinfo=zone), 0.5))
    assert type(step.reading.at) is datetime
    assert step.reading.at == datetime(2010, 3, 19, 17, tzinfo=zone)


class NotATime(datetime):
    """Like the missing time of pandas, which is a `datetime`."""

    def date(self) -> date:
        raise ValueError("NaT does not support date")


@pytest.mark.parametrize("push", PUSHES)
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Reading(START, "0.5"), "2010-03-19 17:00:00 is '0.5'; give a number of kW"),  # type: ignore[arg-type]
        (Reading(START, True), "is True; give a number"),
        (Reading(START, None), "is None; give a number"),  # type: ignore[arg-type]
        (Reading(START, np.array([0.5])), "give a number"),  # type: ignore[arg-type]
        (Reading(START, 10**5000), "not a finite number"),
        (Reading(START, Decimal("sNaN")), "not a finite number"),  # type: ignore[arg-type]
        (Reading(START, Decimal("inf")), "not a finite number"),  # type: ignore[arg-type]
        (Reading(START, math.nan), "not a finite number"),
        (Reading("2010-03-19 17:00", 0.5), "time of a reading is '2010-03-19 17:00'; give a"),  # type: ignore[arg-type]
        (Reading(date(2010, 3, 19), 0.5), "give a datetime.datetime"),  # type: ignore[arg-type]
        (Reading(np.datetime64("2010-03-19"), 0.5), "give a datetime.datetime"),  # type: ignore[arg-type]
        (Reading(NotATime(2010, 3, 19), 0.5), "give a datetime.datetime"),
        ((START, 0.5), r"is not a reading; give a streamer\.Reading"),
    ],
)
def test_what_is_not_a_reading_is_rejected_in_one_line(
    push: Push, wrong: Any, message: str
) -> None:
    pipeline = Pipeline(FixedForecaster())
    before = pipeline.state()
    with pytest.raises(ReadingError, match=message) as caught:
        push(pipeline, [wrong])
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200
    assert pipeline.state() == before


def test_readings_of_a_generator_are_a_block() -> None:
    assert len(Pipeline(FixedForecaster()).push_many(each for each in readings([0.1, 0.2]))) == 2


@pytest.mark.parametrize("unit", ["ns", "us", "s", "m", "D"])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
def test_block_of_other_types_gives_plain_readings(unit: str, kind: type) -> None:
    at = np.array(["2010-03-19", "2010-03-20"], f"datetime64[{unit}]")
    block = ReadingBlock(at, np.array([1, 2], kind))
    result = Pipeline(FixedForecaster()).push_block(block)
    assert type(result.last.reading.at) is datetime
    assert list(block) == [
        Reading(datetime(2010, 3, 19), 1.0),
        Reading(datetime(2010, 3, 20), 2.0),
    ]


def test_block_of_text_or_without_times_is_rejected() -> None:
    at = np.array(["2010-03-19T17:00", "NaT"], "datetime64[s]")
    with pytest.raises(ReadingError, match="give arrays of datetime64 and float64"):
        ReadingBlock(np.array(["2010-03-19"]), np.array([1.0]))  # type: ignore[arg-type]
    with pytest.raises(ReadingError, match="give arrays of datetime64 and float64"):
        ReadingBlock(at, np.array(["1", "2"]))  # type: ignore[arg-type]
    with pytest.raises(ReadingError, match=r"time of a reading is None; give a datetime"):
        Pipeline(FixedForecaster()).push_block(ReadingBlock(at, np.array([1.0, 2.0])))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (partial(Pipeline, FixedForecaster(), adapt="ful"), "adapt is 'ful'; give True, False or"),
        (partial(Pipeline, FixedForecaster(), gaps="reset"), "gaps is 'reset'; give a GapRule"),
        (partial(Pipeline, FixedForecaster(), confidence="0.9"), "confidence is '0.9'"),
        (partial(FleetSettings, adapt="light"), "adapt is 'light'; give True or False"),
        (partial(GapRule, "rest"), "unknown gap rule 'rest'"),
        (partial(GapRule, "reset", "3"), "the longest gap to bridge is '3'"),
        (partial(load_model, engine="fast"), "no engine 'fast'"),
        (partial(load_model, threads=0), "threads is 0; give a whole number"),
        (partial(load_model, threads="2"), "threads is '2'; give a whole number"),
        (partial(find_recipe, "house"), "no recipe 'house'"),
        (partial(find_recipe, "tutorial", epochs=0), "0 epochs; give at least 1"),
        (partial(Pacer, "fast"), "speed is 'fast'; give a number above 0"),
        (partial(Pacer, math.nan), "speed is nan; give a number above 0"),
        (partial(TextSink, None, "xml"), "no format 'xml': give one of: plain, json, csv"),
    ],
)
def test_unknown_setting_is_rejected_with_its_value(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()


def _state(adapt: Any) -> dict[str, Any]:
    """Saved state with every part in use: readings, an alarm, a full mini-batch."""
    pipeline = Pipeline(FixedForecaster(window=2, spread_kw=0.1), adapt=adapt)
    pipeline.push_many(readings([*np.tile([0.2, 0.5, 0.9], 24), *[0.25] * 25]))
    state: dict[str, Any] = json.loads(json.dumps(pipeline.state()))
    assert state["alarms"]["on"]
    return state


STATES = {adapt: _state(adapt) for adapt in (True, False, "light")}


def _places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Keys and indices on the way to each part of a state, but the state itself."""
    if way:
        yield way
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from _places(value[key], (*way, key))


PLACES = {adapt: list(_places(state)) for adapt, state in STATES.items()}
WRONG = (None, True, "x", "2010-03-19", "", -1, 0, 0.5, 1e308, -1e308, math.nan, math.inf)
WRONG += (10**30, 10**400, [], {}, [[]], ["x"], {"x": 1}, "AAAAAAAA8D8AAAAAAADgvw==")  # type: ignore[assignment]


@given(data=st.data(), adapt=st.sampled_from([True, False, "light"]))
def test_damaged_state_is_rejected_as_a_whole_or_continues(data: Any, adapt: Any) -> None:
    state = copy.deepcopy(STATES[adapt])
    *way, last = data.draw(st.sampled_from(PLACES[adapt]))
    place: Any = state
    for key in way:
        place = place[key]
    if data.draw(st.booleans()):
        place[last] = data.draw(st.sampled_from(WRONG))
    else:
        del place[last]
    pipeline = Pipeline(FixedForecaster(window=2, spread_kw=0.1), adapt=adapt)
    pipeline.push_many(readings([0.2, 0.4, 0.3]))
    before = pipeline.state()
    try:
        pipeline.restore(state)
    except StateError:
        assert pipeline.state() == before
        assert pipeline.push(Reading(START + timedelta(days=1), 0.4)).counts.readings == 4
    else:
        stream = readings([0.3, 0.6, 0.4] * 30, start=START + timedelta(days=1))
        try:
            steps = pipeline.push_many(stream)
        except StreamerError:  # the time of the last reading was changed to one with a zone
            return
        assert all(math.isfinite(step.forecast.kw) for step in steps if step.forecast)
        json.dumps(pipeline.state(), allow_nan=False)


@pytest.mark.parametrize("state", [None, [], "state", 3])
def test_state_that_is_not_a_mapping_is_rejected(state: Any) -> None:
    with pytest.raises(StateError, match="not a mapping"):
        Pipeline(FixedForecaster()).restore(state)


def test_state_for_a_huge_network_allocates_nothing() -> None:
    state = copy.deepcopy(STATES[True])
    state["online"]["adapter"]["units"] = 1000
    with pytest.raises(StateError, match="packed numbers, expected 503506"):
        Pipeline(FixedForecaster(window=2, spread_kw=0.1)).restore(state)
    state["online"]["adapter"]["units"] = 10**9
    with pytest.raises(StateError, match="at most 1024"):
        Pipeline(FixedForecaster(window=2, spread_kw=0.1)).restore(state)
