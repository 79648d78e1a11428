"""Tests of what a frame is refused for, in one line that names column and row."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer import forecast_frame
from streamer.errors import ReadingError, StreamerError, UsageError
from streamer.testing import FixedForecaster
from tests.frames.conftest import Maker, minutes, of_pandas, of_polars

MODEL = FixedForecaster(window=1)


def _forecast(frame: Any, **arguments: Any) -> Any:
    return forecast_frame(frame, **{"time": "at", "power": "kw", "model": MODEL} | arguments)


def _message(frame: Any, **arguments: Any) -> str:
    with pytest.raises(StreamerError) as found:
        _forecast(frame, **arguments)
    text = str(found.value)
    assert text.isprintable()
    assert len(text) < 250
    return text


def test_times_that_do_not_advance_are_refused(make: Maker) -> None:
    at = minutes(4)
    frame = make({"at": [at[0], at[1], at[1], at[2]], "kw": [0.1] * 4})
    assert _message(frame) == (
        "row 2 (2010-03-19 17:01:00): column 'at' has the same time as row 1 (2010-03-19 17:01:00)"
        "; keep one row for each minute"
    )
    frame = make({"at": [at[0], at[2], at[1], at[3]], "kw": [0.1] * 4})
    assert _message(frame) == (
        "row 2 (2010-03-19 17:01:00): column 'at' is before row 1 (2010-03-19 17:02:00); sort the "
        "rows by time, or give times with a zone if a clock was set back"
    )


def test_a_time_that_is_missing_is_refused(make: Maker) -> None:
    frame = make({"at": [*minutes(1), None], "kw": [0.1, 0.2]})
    assert _message(frame) == "row 1: column 'at' has no time; drop the row, or give its time"


def test_rows_of_less_than_a_minute_are_refused(make: Maker) -> None:
    at = [datetime(2010, 3, 19, 17, 0, 10 * each) for each in range(4)]
    message = _message(make({"at": at, "kw": [0.1] * 4}))
    assert message.startswith("row 1 (2010-03-19 17:00:10): column 'at' is 10 s after row 0")
    assert message.endswith("give the mean of each minute as one row")


def test_rows_of_quarter_hours_are_refused(make: Maker) -> None:
    at = [datetime(2010, 3, 19) + each * timedelta(minutes=15) for each in range(8)]
    assert _message(make({"at": at, "kw": [0.1] * 8})) == (
        "column 'at': rows are 15 min apart, but single minutes are forecast; give a row for each "
        "minute"
    )


def test_minutes_with_many_gaps_are_taken() -> None:
    at = [each for place, each in enumerate(minutes(200)) if place % 5 < 2]
    assert len(_forecast(of_polars({"at": at, "kw": [0.1] * len(at)}))) == len(at)


def test_seconds_that_jitter_are_taken() -> None:
    at = [each + timedelta(seconds=-3 if place % 2 else 2) for place, each in enumerate(minutes(9))]
    found = _forecast(of_polars({"at": at, "kw": [0.1] * 9}))
    assert found["forecast_kw"].null_count() == 1


@pytest.mark.parametrize("at", [["2010-03-19 17:00"], [1269018000], [date(2010, 3, 19)]])
def test_times_of_other_types_are_refused(make: Maker, at: list[Any]) -> None:
    message = _message(make({"at": at, "kw": [0.1]}))
    assert message.startswith("column 'at' has values of type ")
    assert "not times; convert them first" in message


@pytest.mark.parametrize("kw", [["0.1"], [True]])
def test_powers_of_other_types_are_refused(make: Maker, kw: list[Any]) -> None:
    message = _message(make({"at": minutes(1), "kw": kw}))
    assert message.startswith("column 'kw' has values of type ")
    assert "not numbers" in message


@pytest.mark.parametrize(("kw", "shown"), [(math.inf, "inf"), (-math.inf, "-inf")])
def test_infinite_powers_are_refused(make: Maker, kw: float, shown: str) -> None:
    frame = make({"at": minutes(3), "kw": [0.1, 0.2, kw]})
    assert _message(frame) == (
        f"row 2 (2010-03-19 17:02:00): column 'kw' is {shown}, not a finite number; make it null "
        "if it is not known"
    )


def test_watts_taken_for_kilowatts_are_refused() -> None:
    frame = of_polars({"at": minutes(2), "kw": [0.1, 312.0], "pv": [0.0, 0.0]})
    assert _message(frame) == (
        "row 1 (2010-03-19 17:01:00): column 'kw' is 312 kW, more than a household draws; give "
        "another unit, make it null, or give a max_kw above 100"
    )
    assert _forecast(frame, max_kw=400.0)["actual_kw"].to_list() == [0.1, 312.0]
    frame = of_polars({"at": minutes(1), "kw": [0.1], "pv_kw": [-101.0]})
    assert "column 'pv_kw' is -101 kW" in _message(frame, solar="pv_kw")


def test_units_that_are_unknown_are_refused() -> None:
    frame = of_polars({"at": minutes(1), "power": [0.1], "use_kwh": [0.1]})
    assert _message(frame, power="power") == (
        "the unit of column 'power' is not known; give unit='kW' or unit='W'"
    )
    assert "column 'use_kwh' is in 'kWh', which is no unit of power" in _message(
        frame, power="use_kwh"
    )
    assert "'horses', which is no unit of power" in _message(frame, power="power", unit="horses")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"power": "x"}, "power: the frame has no column 'x'; it has 'at', 'kw'"),
        ({"time": "x"}, "time: the frame has no column 'x'; it has 'at', 'kw'"),
        ({"solar": "kw"}, "column 'kw' is given as power and solar"),
        ({"power": 7}, "power is 7; give the name of a column"),
        ({"power": None}, "power is None; give the name of a column"),
        ({"model": "nobody"}, "no model 'nobody': "),
        ({"horizons": (7,), "model": MODEL}, "horizons has 7, but the model forecasts the mean of"),
        ({"horizons": "5"}, "horizons is '5'; give numbers of minutes, such as (15, 60)"),
        ({"confidence": 2.0}, "2.0"),
        ({"adapt": "heavily"}, "heavily"),
        ({"gaps": "reset"}, "gaps is 'reset'; give a GapRule"),
        ({"demand": 15}, "demand is 15; give a DemandRule"),
    ],
)
def test_arguments_that_are_wrong_are_refused(arguments: dict[str, Any], message: str) -> None:
    frame = of_polars({"at": minutes(1), "kw": [0.1]})
    with pytest.raises(UsageError) as found:
        _forecast(frame, **arguments)
    assert message in str(found.value)


def test_an_index_is_of_pandas_alone() -> None:
    columns = {"at": minutes(1), "kw": [0.1]}
    assert _message(of_polars(columns), time=None) == (
        "time is missing: give the name of the column of times"
    )
    message = _message(of_pandas(columns), time=None)
    assert message.startswith("column time (the index) has values of type Int64, not times")


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pl.LazyFrame({"at": minutes(1), "kw": [0.1]}), "call its collect() first"),
        ({"at": minutes(1), "kw": [0.1]}, "the frame is a dict; give a data frame of pandas"),
        (pl.Series([0.1]), "the frame is a Series; give a data frame"),
        (pl.DataFrame({"at": [], "kw": []}), "the frame has no rows"),
        (
            pd.DataFrame([[1, 2, 3]], columns=["kw", "kw", "at"]),
            "the frame cannot be read: ",
        ),
    ],
    ids=["lazy", "dict", "series", "empty", "twice"],
)
def test_what_is_no_frame_is_refused(frame: Any, message: str) -> None:
    assert message in _message(frame)


def test_names_of_results_are_refused_for_times() -> None:
    frame = of_polars({"next_kw": minutes(1), "kw": [0.1]})
    assert _message(frame, time="next_kw") == (
        "column 'next_kw' has the name of a result; rename it"
    )


def test_foreign_names_are_made_printable() -> None:
    frame = of_polars({"at": minutes(1), "\x1b[2J": [0.1]})
    assert "\\x1b[2J" in _message(frame, power="kw")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-90, 300), min_size=1, max_size=12),
    st.lists(
        st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True, width=32)),
        min_size=13,
        max_size=13,
    ),
)
def test_a_frame_is_taken_as_it_is_or_refused(apart: list[int], kw: list[float | None]) -> None:
    at = [datetime(2010, 3, 19)]
    for seconds in apart:
        at.append(at[-1] + timedelta(seconds=seconds))
    values = kw[: len(at)]
    frame = of_polars({"at": at, "kw": pl.Series(values, dtype=pl.Float64)})
    try:
        found = _forecast(frame)
    except (ReadingError, UsageError):
        assert "\n" not in _message(frame)
        return
    assert min(apart) >= 30
    known = [None if value is None or math.isnan(value) else value for value in values]
    assert found["actual_kw"].to_list() == known
    assert found["at"].to_list() == at
    assert all(abs(value) <= 100.0 for value in known if value is not None)
