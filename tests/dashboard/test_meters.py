"""Tests of the dashboard of several meters: whole screens, and the keys.

Approved screens are in ``tests/dashboard/screens/meters``; see `test_screens` for changing them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from streamer.dashboard import MetersDashboard, MeterView, fullscreen
from streamer.dashboard.keys import BACKSPACE, DOWN, ENTER, ESCAPE, GONE, LEFT, UP
from streamer.dashboard.meterrows import MeterRow, recent, render_meters
from streamer.dashboard.meters import TABLE_S
from streamer.dashboard.screen import BEGIN_UPDATE, END_UPDATE
from streamer.display.themes import ThemeName
from streamer.readings import Alarm, Link, Sample
from streamer.sinks import Sink
from streamer.stream.pacing import MAX, Pacer
from tests.dashboard.demandsamples import demanding
from tests.dashboard.samples import METER, alarming, house, make_steps, sunny, watched, zoned
from tests.dashboard.test_app import TypedKeys

SCREENS = Path(__file__).parent / "screens" / "meters"


@cache
def _rows() -> tuple[MeterRow, ...]:
    """Meters in every state."""
    steps = zoned(make_steps(house(480)))
    text = "2.392 kW where 1.403 to 1.482 was expected: 1.64 times the limit"
    odd = alarming(steps, Alarm(Alarm.ANOMALY, steps[474].reading.at, text, 1.84))
    exporting = zoned(sunny(make_steps(house(480), gaps={440: 5})))
    flats = watched(demanding(zoned(make_steps(house(300)))))
    at = flats.now
    assert at is not None
    return (
        MeterRow("house", watched(odd)),
        MeterRow("Roof, east", watched(exporting, kw=-0.25)),
        MeterRow("flats", flats),
        MeterRow("heat pump", watched(link=Link.LOST)),
        MeterRow("car", watched(link=Link.SILENT)),
        MeterRow("a meter with a name far too long", watched([], link=None, kw=None)),
        MeterRow("tenant", replace(watched(), ended=True)),
        MeterRow("old", watched([], link=None, kw=None), "mqtt://pi/old: access denied"),
    )


CASES: dict[str, tuple[int, int, dict[str, Any]]] = {
    "all-80x24": (80, 24, {}),
    "all-120x40": (120, 40, {"chosen": 1}),
    "all-200x60": (200, 60, {"chosen": 2}),
    "all-40x12": (40, 12, {"chosen": 6}),
    "all-ascii": (80, 24, {"ascii": True, "chosen": 3}),
    "failed": (80, 24, {"chosen": 7}),
    "scrolled": (80, 8, {"chosen": 7}),
    "help": (80, 24, {"help": True}),
    "message": (80, 24, {"message": "saved streamer-20260101-000000.svg"}),
}


@cache
def _frame(name: str) -> str:
    width, height, options = CASES[name]
    now = _rows()[0].snapshot.now
    assert now is not None
    return str(
        render_meters(_rows(), width=width, height=height, now=now, **{"chosen": 0, **options})
    )


@pytest.mark.parametrize("name", CASES)
def test_screens_equal_the_approved_ones(name: str) -> None:
    found, path = f"{_frame(name)}\n", SCREENS / f"{name}.txt"
    if os.environ.get("STREAMER_UPDATE_SCREENS"):
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


def test_every_stored_screen_is_tested() -> None:
    assert {path.stem for path in SCREENS.glob("*.txt")} == set(CASES)


def test_the_ascii_screen_is_ascii_only() -> None:
    assert _frame("all-ascii").isascii()


@given(
    width=st.integers(1, 260),
    height=st.integers(1, 90),
    count=st.integers(1, 8),
    chosen=st.integers(0, 7),
    options=st.fixed_dictionaries({"ascii": st.booleans(), "help": st.booleans()}),
)
def test_a_frame_fits_the_screen_and_has_the_chosen_meter(
    width: int, height: int, count: int, chosen: int, options: dict[str, bool]
) -> None:
    rows, chosen = _rows()[:count], min(chosen, count - 1)
    now = rows[0].snapshot.now
    assert now is not None
    lines = str(render_meters(rows, chosen, width, height, now=now, **options)).split("\n")
    assert len(lines) <= height
    assert max(map(cell_len, lines)) <= width
    if not options["help"] and width > 1:
        assert any(line.startswith(">") for line in lines)


def test_texts_from_outside_do_not_reach_the_terminal() -> None:
    row = MeterRow("a\x1b[2J", watched([]), "no\x9b such\tmeter")
    now = row.snapshot.now
    assert now is not None
    assert not {"\x1b", "\x9b", "\t"} & set(str(render_meters([row], 0, 80, 24, now=now)))


def test_recent_minutes_are_bars_with_gaps() -> None:
    steps = make_steps([0.0, 0.5, 1.0], gaps={1: 3})
    assert recent(steps, 6).plain == "  ▁┊▅█"
    assert recent(steps, 2).plain == "▅█"
    assert recent(make_steps([-1.0, 0.0, 1.0]), 3).plain == "▁▅█"
    assert recent([], 3).plain == "   "


class _Screen:
    """A dashboard of three meters on a terminal that keeps its text."""

    def __init__(self, keys: Iterable[str | Callable[[], object]], **options: Any) -> None:
        self.file = StringIO()
        console = Console(
            file=self.file,
            force_terminal=True,
            width=100,
            height=30,
            color_system=None,
            legacy_windows=False,
            _environ={"TERM": "xterm"},
        )
        now = watched().now
        assert now is not None
        self._stopped = threading.Event()
        self.pacer = Pacer(MAX, on_stop=self._stopped.set)
        self.views = [
            MeterView(clock=lambda: now, name=name) for name in ("grid", "roof", "battery")
        ]
        self.dashboard = MetersDashboard(
            self.pacer,
            self.views,
            console=console,
            keys=TypedKeys(keys),
            clock=lambda: now,
            theme=ThemeName.MONO,
            **options,
        )

    def run(self) -> list[str]:
        """The frames, each of which a key has led to."""
        steps = zoned(make_steps(house(60)))
        for view in self.views:
            for item in (METER, Link(Link.UP, "broker"), Sample(1.234), *steps):
                view.write(item)
        self.dashboard.run(lambda: assert_in_time(self._stopped))
        painted = self.file.getvalue()
        return [part.split(END_UPDATE)[0] for part in painted.split(BEGIN_UPDATE)[1:]]


def assert_in_time(event: threading.Event) -> None:
    """Wait for an event."""
    assert event.wait(30)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fullscreen, "FRAME_S", 0.0)


def _shown(frames: list[str]) -> list[str]:
    """What each frame shows: a meter, or the table and the meter chosen in it."""
    found = []
    for frame in frames:
        text = frame.split("\x1b[H")[-1]
        if "q leave   m meters" in text or "back to all meters" in text:
            found.append(text.split("streamer · ")[1].split()[0])
        else:
            chosen = next(line for line in text.split("\n") if line.startswith(">"))
            found.append("> " + chosen[4:].split()[0])
    return found


def test_keys_choose_a_meter_and_open_it() -> None:
    frames = _Screen([DOWN, DOWN, DOWN, UP, ENTER, UP, "m", "3", ESCAPE, "9", BACKSPACE, "q"]).run()
    assert _shown(frames) == [
        *("> grid", "> roof", "> battery", "> roof"),
        *("roof", "grid", "> grid", "battery", "> battery"),
    ]


def test_the_keys_of_an_open_meter_are_those_of_its_dashboard(tmp_path: Path) -> None:
    screen = _Screen(["2", LEFT, "]", "?", "?", "s", "m", "?", "?", "s", "q"], save_dir=tmp_path)
    frames = screen.run()
    assert "back to all meters" in frames[4]
    assert any("saved" in frame for frame in frames)
    assert any("open the meter with this number" in frame for frame in frames)
    saved = list(tmp_path.glob("*.svg"))
    assert saved
    assert "roof" in saved[-1].read_text(encoding="utf-8")
    assert screen.pacer.stopped


def test_samples_lead_to_few_frames_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = _Screen([])
    dashboard, (grid, roof, _) = screen.dashboard, screen.views
    seconds = [100.0]
    monkeypatch.setattr("streamer.dashboard.meters.time.monotonic", lambda: seconds[0])
    before = dashboard._state()
    grid.write(Sample(1.0))
    assert dashboard._state() == before
    dashboard._act(DOWN)
    assert dashboard._state() != before
    before = dashboard._state()
    seconds[0] += TABLE_S
    assert dashboard._state() != before
    dashboard._act(ENTER)
    before = dashboard._state()
    grid.write(Sample(1.0))
    assert dashboard._state() == before
    roof.write(Sample(1.0))
    assert dashboard._state() != before


@pytest.mark.parametrize("key", ["q", ESCAPE, GONE])
def test_leaving_the_table_stops_all(key: str) -> None:
    screen = _Screen([key])
    screen.run()
    assert screen.pacer.stopped


def test_a_view_is_a_sink_with_the_name_of_its_meter() -> None:
    view = MeterView(name="roof")
    assert isinstance(view, Sink)
    view.write(METER)
    about = view.snapshot(80).about
    assert about is not None
    assert about.source == f"roof · {METER.source}"
    view.write(replace(METER, source="roof = a + b"))
    about = view.snapshot(80).about
    assert about is not None
    assert about.source == "roof = a + b"
    view.failure = "refused"
    assert "refused" in view.state
