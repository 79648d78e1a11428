"""Tests of the ledger of quarter-hours."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.energy.ledger import DAYS, Ledger
from streamer.readings import QuarterHour
from streamer.readings.seconds import seconds_of
from tests.demand.streams import Stream, elapsed_of, intervals_of, streams

START = datetime(2024, 5, 1)


def _add(ledger: Ledger, stream: Stream, rows: slice = slice(None)) -> None:
    for reading in stream.readings[rows]:
        ledger.add(reading.at, seconds_of(reading.at), reading.kw)


def _columns(rows: Any) -> list[tuple[Any, ...]]:
    return [(row.start.isoformat(), *row[1:]) for row in rows]


@settings(max_examples=25)
@given(streams())
def test_quarter_hours_are_those_of_the_whole_stream(stream: Stream) -> None:
    ledger = Ledger()
    _add(ledger, stream)
    rows, expected = ledger.snapshot(), intervals_of(stream, 15)
    assert [elapsed_of(row.start) for row in rows] == expected.start.tolist()
    assert [row.minutes for row in rows] == expected.minutes.tolist()
    imports, exports = (np.array([row[column] for row in rows]) for column in (1, 2))
    np.testing.assert_allclose(imports, expected.imported / 60.0, rtol=0, atol=6e-7)
    np.testing.assert_allclose(exports, expected.exported / 60.0, rtol=0, atol=6e-7)
    assert all(row.start.minute % 15 == 0 for row in rows)


@settings(max_examples=25)
@given(streams(), st.data())
def test_a_snapshot_never_changes(stream: Stream, data: st.DataObject) -> None:
    ledger = Ledger()
    cut = data.draw(st.integers(0, len(stream.readings)))
    _add(ledger, stream, slice(cut))
    snapshot = ledger.snapshot()
    before = list(snapshot)
    _add(ledger, stream, slice(cut, None))
    assert list(snapshot) == before == [snapshot[place] for place in range(len(snapshot))]
    assert snapshot == before
    assert list(snapshot[-3:]) == before[-3:]
    with pytest.raises(IndexError):
        snapshot[len(before)]


@settings(max_examples=25)
@given(streams(), st.data())
def test_a_restored_ledger_continues_bit_for_bit(stream: Stream, data: st.DataObject) -> None:
    whole, first, second = Ledger(), Ledger(), Ledger()
    cut = data.draw(st.integers(0, len(stream.readings)))
    _add(whole, stream)
    _add(first, stream, slice(cut))
    last_at = stream.readings[cut - 1].at if cut else None
    second.restore(json.loads(json.dumps(first.state())), last_at)
    assert _columns(second.snapshot()) == _columns(first.snapshot())
    _add(second, stream, slice(cut, None))
    assert _columns(second.snapshot()) == _columns(whole.snapshot())
    assert second.state() == whole.state()


def test_forty_days_are_kept_however_long_the_stream() -> None:
    ledger = Ledger()
    early = None
    for quarter in range(2 * DAYS * 96 + 50):
        at = START + quarter * timedelta(minutes=15)
        ledger.add(at, seconds_of(at), 1.0)
        if quarter == DAYS * 96 + 10:
            early = ledger.snapshot(), list(ledger.snapshot())
    rows = ledger.snapshot()
    assert len(rows) == DAYS * 96 + 1
    assert rows[-1].start - rows[0].start == timedelta(days=DAYS)
    assert early is not None
    assert list(early[0]) == early[1]
    assert len(json.dumps(ledger.state())) < 60_000


def test_a_gap_of_months_leaves_the_old_out() -> None:
    ledger = Ledger()
    later = START + timedelta(days=DAYS, minutes=15)
    for at in (START, later):
        ledger.add(at, seconds_of(at), 6.0)
    assert list(ledger.snapshot()) == [QuarterHour(later, 0.1, 0.0, 1)]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("runs",), [["2024-05-01T00:00:00", [1], [0], [16]]]),
        (("runs",), [["2024-05-01T00:00:00", [1], [0], []]]),
        (("runs",), [["2024-05-01T00:00:00", [-1], [0], [3]]]),
        (("runs",), [["2024-05-01T00:00:00", [0.5], [0], [3]]]),
        (("runs",), [["2024-05-01T00:00:00+00:00", [1], [0], [3]]]),
        (("runs",), [["2024-05-01T01:00:00", [1] * 4000, [0] * 4000, [3] * 4000]]),
        (("runs",), [["2024-05-02T00:00:00", [1], [0], [3]]]),
        (("runs",), [["yesterday", [1], [0], [3]]]),
        (("running",), ["2024-05-01T00:15:00", 0, -1.0, 0.0, 3]),
        (("running",), ["2024-05-01T00:15:00", 0, 1.0, float("nan"), 3]),
        (("running",), ["2024-05-01T00:15:00", 0, 1.0, 0.0, 0]),
        (("running",), ["2024-05-01T00:15:00", 0, 1.0, 0.0]),
        (("running",), ["2024-05-01T00:30:00", 0, 1.0, 0.0, 3]),
    ],
)
def test_a_damaged_state_is_an_error(path: tuple[str, ...], value: Any) -> None:
    ledger = Ledger()
    for minute in (0, 1, 16):
        at = START + timedelta(minutes=minute)
        ledger.add(at, seconds_of(at), 1.0)
    state = {**ledger.state(), path[0]: value}
    with pytest.raises((KeyError, TypeError, ValueError)):
        Ledger().restore(state, START + timedelta(minutes=16))
    with pytest.raises(ValueError, match="before the first reading"):
        Ledger().restore(ledger.state(), None)
