"""Tests of the panels below the chart: events with all of their text, and gaps."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from streamer.dashboard import render
from streamer.dashboard.alarms import listed
from streamer.dashboard.panels import events, stream
from streamer.dashboard.words import LABEL, WARNING, line, wrap
from streamer.history.alarms import RaisedAlarm
from streamer.readings import Alarm, Link, Notice
from tests.dashboard.samples import START, alarmed, house, make_steps, snapshot, watched, zoned

ADVICE = (
    "house.csv: the column power has values up to 4,180, which is a house's power in W, not in kW; "
    "give --unit W if that is what they are"
)


def _joined(lines: list[Text]) -> str:
    return " ".join(" ".join(text.plain for text in lines).split())


def test_an_event_keeps_its_advice_at_80_columns() -> None:
    found = snapshot(make_steps(house(60)), notices=[Notice(Notice.WARNING, ADVICE, START)])
    lines = events(found, 80, 3)
    assert _joined(lines) == f"03-20 22:40 ! {ADVICE}"
    assert len(lines) == 3
    assert lines[1].plain.startswith(" " * 14 + lines[1].plain.strip())
    assert ADVICE.split("; ")[1] in " ".join(str(render(found, 80, 24)).split())


def test_an_event_that_does_not_fit_leaves_room_for_none_of_it() -> None:
    notices = [Notice(Notice.EVENT, ADVICE, START), Notice(Notice.EVENT, "short", START)]
    found = snapshot(make_steps(house(60)), notices=notices)
    assert [text.plain.split()[-1] for text in events(found, 80, 3)] == ["short"]
    assert len(events(found, 80, 4)) == 4
    only = events(snapshot(notices=notices[:1]), 80, 1)
    assert len(only) == 1
    assert only[0].plain.endswith("…")


@given(text=st.text(max_size=300), width=st.integers(1, 120), height=st.integers(0, 9))
def test_wrapped_text_fits_and_is_whole_or_one_line(text: str, width: int, height: int) -> None:
    lines = wrap(line(" ", ("12:00", LABEL), "  "), (text, WARNING), width, height)
    assert len(lines) <= height
    assert all(part.cell_len <= width for part in lines)


def test_alarms_are_listed_with_their_times() -> None:
    entries = alarmed().raised
    assert [entry.until is None for entry in entries] == [True, False, True, True]
    lines = listed(entries, 80, 9)
    assert "03-21 02:53 to 03:03 anomaly: 4.69 kW" in _joined(lines)
    assert "03-21 06:37 still on ! anomaly: 2.392 kW" in _joined(lines)
    assert listed((), 80, 9)[0].plain == " none so far"
    assert len(listed(entries, 80, 3)) <= 3


def test_only_the_alarm_that_is_over_gets_an_end() -> None:
    steps = make_steps(house(60))
    one = Alarm(Alarm.ANOMALY, steps[20].reading.at, "one", 1.5)
    other = Alarm(Alarm.ANOMALY, steps[22].reading.at, "other", 1.5)
    steps = [
        replace(step, alarms=tuple(a for a, first, end in ((one, 20, 25), (other, 22, 40))
                                   if first <= index < end))
        for index, step in enumerate(steps)
    ]  # fmt: skip
    assert snapshot(steps[:30]).raised == (
        RaisedAlarm(one, steps[25].reading.at),
        RaisedAlarm(other),
    )


def _gaps(**changes: object) -> str:
    found = watched(zoned(make_steps(house(60))), link=Link.LOST)
    last = found.steps[-1].reading.at
    found = replace(found, now=last + timedelta(minutes=85, seconds=30))
    found = replace(found, **changes)  # type: ignore[arg-type]
    return next(text.plain for text in stream(found, 60) if "gaps" in text.plain)


def test_a_gap_that_lasts_is_a_gap() -> None:
    assert _gaps() == " gaps      1 (83 min), one at present"
    assert _gaps(ended=True) == " gaps      none"


def test_a_minute_that_is_on_its_way_is_no_gap() -> None:
    found = watched(zoned(make_steps(house(60))))
    assert any(text.plain == " gaps      none" for text in stream(found, 60))


def test_a_replay_has_no_present_gap() -> None:
    found = snapshot(make_steps(house(60)))
    assert any(text.plain == " gaps      none" for text in stream(found, 60))


@pytest.mark.parametrize("size", [(40, 12), (60, 30)])
def test_a_small_screen_counts_the_present_gap(size: tuple[int, int]) -> None:
    found = watched(zoned(make_steps(house(60))))
    found = replace(found, now=found.steps[-1].reading.at + timedelta(minutes=85))
    assert "1 gap, one now" in str(render(found, *size, now=found.now))
