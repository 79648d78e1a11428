"""Tests of the dashboard as a whole: threads, keys, signals and the terminal."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, Literal

import pytest
from rich.console import Console, ConsoleDimensions

from streamer.dashboard import Dashboard, fullscreen
from streamer.dashboard.background import QUESTION
from streamer.dashboard.chart import plot_columns
from streamer.dashboard.fan import columns_taken
from streamer.dashboard.keys import (
    ANSWER,
    END,
    ESCAPE,
    GONE,
    LEFT,
    PAGE_UP,
    RIGHT,
    SPACE,
    Keys,
)
from streamer.dashboard.screen import BEGIN_UPDATE, END_UPDATE
from streamer.display.themes import ThemeName
from streamer.readings import MINUTE, Alarm, Link, Notice, Sample
from streamer.sinks import Sink
from streamer.stream.pacing import MAX, Pacer
from tests.children import ending
from tests.dashboard.samples import (
    ABOUT,
    METER,
    START,
    SUMMER,
    VITALS,
    alarming,
    foreseeing,
    house,
    make_steps,
    zoned,
)

ENTER, EXIT = "\x1b[?1049h", "\x1b[?1049l"
HOME = "\x1b[H"
SHOW_CURSOR = "\x1b[?25h"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


class TypedKeys(Keys):
    """Keys from a list, in which a function is called instead of a key press."""

    def __init__(self, keys: Iterable[str | Callable[[], object]] = ()) -> None:
        self._keys = list(keys)
        self.held = False
        self.changes: list[bool] = []
        self.asked: list[bytes] = []

    def resume(self) -> None:
        self.held = True
        self.changes.append(True)

    def suspend(self) -> None:
        self.held = False
        self.changes.append(False)

    def ask(self, question: bytes) -> None:
        self.asked.append(question)

    def poll(self, timeout: float) -> str | None:
        if not self._keys:
            return super().poll(min(timeout, 0.005))
        key = self._keys.pop(0)
        if callable(key):
            key()
            return None
        return key


ON_LIGHT, ON_DARK = "\x1b[38;5;31m", "\x1b[38;5;37m"
"""The bars' colours of the two themes."""


class Screen:
    """A dashboard on a terminal that keeps its text."""

    def __init__(
        self,
        keys: Iterable[str | Callable[[], object]] = (),
        *,
        colours: Literal["256"] | None = None,
        **options: Any,
    ) -> None:
        self.file = StringIO()
        self.console = Console(
            file=self.file,
            force_terminal=True,
            width=80,
            height=24,
            color_system=colours,
            legacy_windows=False,
            _environ={"TERM": "xterm"},
        )
        self.pacer = Pacer(MAX)
        self.keys = TypedKeys(keys)
        self.dashboard = Dashboard(
            self.pacer,
            console=self.console,
            keys=self.keys,
            **options,
        )

    @property
    def text(self) -> str:
        return self.file.getvalue()

    @property
    def frames(self) -> list[str]:
        painted = self.text.replace(ENTER + HOME, "").split(EXIT)[0]
        return [part.split(END_UPDATE)[0] for part in painted.split(BEGIN_UPDATE + HOME)[1:]]

    def ending(self) -> None:
        """A stream of an hour."""
        for step in make_steps(house(60)):
            self.dashboard.write(step)

    def endless(self) -> None:
        """A stream that only the pacer can end."""
        self.dashboard.write(ABOUT)
        steps = make_steps(house(60))
        for step in steps:
            self.dashboard.write(step)
        while not self.pacer.stopped:
            self.pacer.hold(datetime(2010, 1, 1))

    def check_restored(self) -> None:
        assert self.text.count(ENTER) == self.text.count(EXIT) > 0
        assert self.text.rindex(EXIT) > self.text.rindex(ENTER)
        assert self.text.rindex(SHOW_CURSOR) > self.text.rindex("\x1b[?25l")
        assert not self.keys.held


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fullscreen, "FRAME_S", 0.0)


def test_the_dashboard_is_a_sink() -> None:
    assert isinstance(Screen().dashboard, Sink)


def test_a_stream_is_shown_to_its_end() -> None:
    screen = Screen()

    def stream() -> None:
        assert threading.current_thread() is not threading.main_thread()
        for item in (ABOUT, *make_steps(house(60)), VITALS):
            screen.dashboard.write(item)
        screen.dashboard.close()

    screen.dashboard.run(stream)
    assert "household_power_consumption.txt" in screen.frames[-1]
    assert "50/50 full" in screen.frames[-1]
    assert "ended" in screen.frames[-1]
    assert not screen.dashboard.interrupted
    assert screen.dashboard.ended_by is None
    assert not screen.pacer.stopped
    screen.check_restored()


def test_the_first_frame_is_painted_before_the_stream_begins() -> None:
    screen = Screen()
    seen: list[str] = []
    screen.dashboard.run(lambda: seen.append(screen.text))
    assert "opening the source" in seen[0]


@pytest.mark.parametrize("key", ["q", ESCAPE, GONE])
def test_q_escape_and_a_hang_up_end_the_run(key: str) -> None:
    screen = Screen([key])
    screen.dashboard.run(screen.endless)
    assert screen.pacer.stopped
    assert not screen.dashboard.interrupted
    screen.check_restored()


def test_keys_control_speed_and_pause() -> None:
    seen: list[object] = []
    pacer: Pacer

    def look() -> None:
        seen.append((pacer.speed, pacer.paused))

    screen = Screen(["-", look, "-", look, "=", look, "+", look, SPACE, look, SPACE, look, "q"])
    pacer = screen.pacer
    screen.dashboard.run(screen.endless)
    speeds = [36000.0, 7200.0, 36000.0, MAX, MAX, MAX]
    assert seen == list(zip(speeds, [False] * 4 + [True, False], strict=True))


def test_n_advances_one_reading_while_paused() -> None:
    screen = Screen()
    taken: list[int] = []
    got_one = threading.Event()

    def stream() -> None:
        while screen.pacer.hold(datetime(2010, 1, 1)):
            taken.append(1)
            got_one.set()

    screen.pacer.toggle_pause()
    screen.keys._keys = ["n", lambda: got_one.wait(30), "q"]
    screen.dashboard.run(stream)
    assert len(taken) == 1


def test_unknown_keys_are_ignored() -> None:
    screen = Screen(["x", "Q", "q"])
    screen.dashboard.run(screen.endless)
    screen.check_restored()


def test_the_question_mark_toggles_the_help() -> None:
    screen = Screen(["?", "?", "q"])
    screen.dashboard.run(screen.endless)
    assert ["close this help" in frame for frame in screen.frames] == [False, True, False]


def _until(screen: Screen, found: Callable[[], bool]) -> Callable[[], object]:
    """A key press that waits until something is found."""

    def wait() -> None:
        if not found():
            screen.keys._keys.insert(0, wait)

    return wait


def test_the_chart_scrolls_back_while_minutes_arrive_and_follows_again() -> None:
    screen = Screen()
    go_on, over = threading.Event(), threading.Event()
    steps = make_steps(house(400))

    def stream() -> None:
        for item in (ABOUT, *steps[:300]):
            screen.dashboard.write(item)
        assert_true(go_on.wait(30))
        for step in steps[300:]:
            screen.dashboard.write(step)
        assert_true(over.wait(30))

    def shows(text: str) -> Callable[[], object]:
        return _until(screen, lambda: text in screen.frames[-1])

    first, newest = "2010-03-21 03:40", "2010-03-21 05:20"
    columns = plot_columns(80)
    end = datetime(2010, 3, 21, 3, 41) - columns * MINUTE
    page_end, left_end = (f"{at:%Y-%m-%d %H:%M}" for at in (end, end - columns // 8 * MINUTE))
    screen.keys._keys = [
        *(shows(first), PAGE_UP, shows(f"to {page_end} · 1 min a column"), LEFT),
        *(shows(f"to {left_end}"), go_on.set, shows(newest), shows(f"to {left_end}")),
        *(END, shows("speed"), "]", shows("2 min a column"), "[", over.set),
    ]
    screen.dashboard.run(stream)
    assert "a column" not in screen.frames[-1]
    screen.check_restored()


def test_the_fan_is_beside_the_newest_minutes_and_a_page_back_ends_where_they_began() -> None:
    screen = Screen(horizons=(60,))
    over = threading.Event()
    steps = foreseeing(make_steps(house(300)))

    def stream() -> None:
        for item in (ABOUT, *steps):
            screen.dashboard.write(item)
        assert_true(over.wait(30))

    def shows(text: str) -> Callable[[], object]:
        return _until(screen, lambda: text in screen.frames[-1])

    axis = "15 30  60"
    taken = columns_taken(steps[-1].next_means, (60,), 80)
    end = datetime(2010, 3, 21, 3, 41) - (plot_columns(80) - taken) * MINUTE
    screen.keys._keys = [
        *(shows(axis), PAGE_UP, shows(f"to {end:%Y-%m-%d %H:%M} · 1 min a column")),
        *(_until(screen, lambda: axis not in screen.frames[-1]), END, shows(axis), over.set),
    ]
    screen.dashboard.run(stream)
    assert "mean of the next hour" in screen.frames[-1]
    screen.check_restored()


def test_a_jumps_to_an_alarm_and_shows_it() -> None:
    screen = Screen()
    steps = make_steps(house(400))
    steps = alarming(steps, Alarm(Alarm.ANOMALY, steps[100].reading.at, "odd\x1b[2J", 1.5))

    def stream() -> None:
        for item in (ABOUT, *steps):
            screen.dashboard.write(item)
        while not screen.pacer.stopped:
            screen.pacer.hold(START)

    ready = _until(screen, lambda: "05:20" in screen.frames[-1])
    shown = _until(screen, lambda: "a column" in screen.frames[-1])
    screen.keys._keys = [ready, "a", shown, "A", "q"]
    screen.dashboard.run(stream)
    assert any("2010-03-21 00:21 anomaly: odd?[2J" in frame for frame in screen.frames)
    assert "\x1b[2J" not in screen.text


def test_keys_before_the_first_minute_change_nothing() -> None:
    screen = Screen([LEFT, RIGHT, PAGE_UP, END, "a", "A", "[", "x"])
    frames = _idle(screen, screen.keys._keys)
    assert "a column" not in "".join(frames)


def test_s_saves_a_picture_and_shows_its_name(tmp_path: Path) -> None:
    screen = Screen(["s", "x", "q"], save_dir=tmp_path)
    screen.dashboard.run(screen.endless)
    (path,) = tmp_path.glob("streamer-*.svg")
    assert path.read_text(encoding="utf-8").startswith("<svg")
    assert any("saved " in frame for frame in screen.frames)
    assert "saved " not in screen.frames[-1]


def test_a_failure_to_save_a_picture_is_shown(tmp_path: Path) -> None:
    screen = Screen(["s", "q"], save_dir=tmp_path / "missing")
    screen.dashboard.run(screen.endless)
    assert "not saved: " in screen.text
    screen.check_restored()


def test_an_error_of_the_stream_is_raised_after_the_terminal_is_restored() -> None:
    screen = Screen()

    def stream() -> None:
        raise LookupError("no such meter")

    with pytest.raises(LookupError, match="no such meter"):
        screen.dashboard.run(stream)
    screen.check_restored()


def test_an_error_while_painting_restores_the_terminal_and_stops_the_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = Screen(["?"])

    def broken() -> str:
        if screen.frames:
            raise ZeroDivisionError
        return ""

    monkeypatch.setattr(screen.dashboard, "_speed", broken)
    with pytest.raises(ZeroDivisionError):
        screen.dashboard.run(screen.endless)
    assert screen.pacer.stopped
    screen.check_restored()


def test_a_stream_that_hangs_does_not_block_leaving(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fullscreen, "_JOIN_S", 0.01)
    screen = Screen(["q"])
    free = threading.Event()
    screen.dashboard.run(lambda: assert_true(free.wait(30)))
    free.set()
    screen.check_restored()


def assert_true(value: object) -> None:
    assert value


@POSIX
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
def test_signals_end_the_run_and_their_handlers_are_restored(name: str) -> None:
    number = getattr(signal, name)
    before = signal.getsignal(number)
    screen = Screen([lambda: os.kill(os.getpid(), number)])
    screen.dashboard.run(screen.endless)
    assert screen.dashboard.ended_by == number
    assert screen.dashboard.interrupted == (name == "SIGINT")
    assert screen.pacer.stopped
    assert signal.getsignal(number) is before
    screen.check_restored()


@POSIX
def test_a_second_interrupt_raises_keyboard_interrupt() -> None:
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    screen = Screen([twice])
    with pytest.raises(KeyboardInterrupt):
        screen.dashboard.run(screen.endless)
    screen.check_restored()


@POSIX
def test_ctrl_z_restores_the_terminal_until_continued(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    stopped: list[tuple[int, bool, bool]] = []
    real_kill = os.kill

    def kill(pid: int, number: int) -> None:
        if number == signal.SIGSTOP:
            stopped.append((pid, screen.keys.held, screen.text.endswith(EXIT)))
        else:
            real_kill(pid, number)

    monkeypatch.setattr(os, "kill", kill)
    screen.keys._keys = [lambda: kill(os.getpid(), signal.SIGTSTP), "x", "q"]
    screen.dashboard.run(screen.endless)
    assert stopped == [(os.getpid(), False, True)]
    assert screen.keys.changes[:3] == [True, False, True]
    assert screen.text.count(ENTER) >= 2
    screen.check_restored()


def test_the_dashboard_runs_outside_the_main_thread() -> None:
    screen = Screen(["q"])
    thread = threading.Thread(target=screen.dashboard.run, args=(screen.endless,))
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    screen.check_restored()


def test_a_closed_terminal_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    write = screen.file.write

    def fail_once_started(text: str) -> int:
        if screen.frames:
            raise OSError(5, "Input/output error")
        return write(text)

    monkeypatch.setattr(screen.file, "write", fail_once_started)
    screen.dashboard.run(screen.endless)
    assert screen.pacer.stopped


def test_no_frame_is_painted_without_a_change() -> None:
    screen = Screen(["x"] * 30 + ["q"])
    screen.dashboard.run(lambda: screen.pacer.hold(datetime(2010, 1, 1)) and None)
    assert len(screen.frames) <= 2


def test_a_resize_paints_a_frame_of_the_new_size() -> None:
    screen = Screen()
    seen = threading.Event()

    def resize() -> None:
        screen.console.size = ConsoleDimensions(40, 12)

    screen.keys._keys = [resize, "x", seen.set]
    screen.dashboard.run(lambda: assert_true(seen.wait(30)))
    before, after = (frame.split("\n") for frame in screen.frames[:2])
    assert (len(before), max(map(len, before))) == (24, 80)
    assert (len(after), max(map(len, after))) == (12, 40)


def test_ascii_paints_ascii_only() -> None:
    screen = Screen(["?", "q"], ascii=True)
    screen.dashboard.run(screen.endless)
    assert screen.text.isascii()


class SettableClock:
    """A wall clock that a test sets."""

    def __init__(self) -> None:
        self.now = START.replace(tzinfo=SUMMER)

    def __call__(self) -> datetime:
        return self.now

    def later(self, seconds: float) -> Callable[[], None]:
        def move() -> None:
            self.now += timedelta(seconds=seconds)

        return move


def _idle(screen: Screen, keys: Sequence[str | Callable[[], object]]) -> list[str]:
    """The frames of a stream without items, until all keys are pressed."""
    over = threading.Event()
    screen.keys._keys = [*keys, over.set]
    screen.dashboard.run(lambda: assert_true(over.wait(30)))
    return screen.frames


def _lost(now: datetime) -> Link:
    return Link(Link.LOST, "broker", "connection refused", now, now + timedelta(seconds=9))


def test_keys_do_not_control_a_meter() -> None:
    seen: list[object] = []
    pacer: Pacer

    def look() -> None:
        seen.append((pacer.speed, pacer.paused))

    screen = Screen([SPACE, look, "-", look, "n", look, "+", look, "?", "x", "?", "q"], live=True)
    pacer = screen.pacer
    screen.dashboard.run(screen.endless)
    assert set(seen) == {(MAX, False)}
    assert not any("pause" in frame or "faster" in frame for frame in screen.frames)
    assert [" live" in frame for frame in screen.frames] == [True] * len(screen.frames)
    assert any("close this help" in frame for frame in screen.frames)
    screen.check_restored()


def test_a_lost_connection_counts_down_without_items() -> None:
    clock = SettableClock()
    screen = Screen(live=True, clock=clock)
    for item in (METER, *zoned(make_steps(house(60))), Link(Link.UP), _lost(clock.now)):
        screen.dashboard.write(item)
    frames = _idle(screen, ["x", clock.later(0.5), "x"] * 6)
    matches = [re.search(r"trying again in (\d+) s", frame) for frame in frames]
    assert [found and int(found[1]) for found in matches] == [9, 8, 7, 6]


def test_an_established_connection_is_repainted_only_when_its_age_changes() -> None:
    clock = SettableClock()
    screen = Screen(live=True, clock=clock)
    for item in (METER, Link(Link.UP, since=clock.now), Sample(0.5, clock.now)):
        screen.dashboard.write(item)
    first, second = _idle(screen, [clock.later(1), "x"] * 30 + [clock.later(60), "x"])
    assert " live" in first
    assert "live · 1 min ago" in second


def test_a_notice_without_a_time_gets_the_present_time() -> None:
    clock = SettableClock()
    screen = Screen(["q"], live=True, clock=clock)
    for item in (METER, Notice(Notice.WARNING, "the disk is full")):
        screen.dashboard.write(item)
    screen.dashboard.run(screen.endless)
    assert "03-20 22:40  ! the disk is full" in screen.text


def test_the_picture_of_a_meter_uses_its_clock(tmp_path: Path) -> None:
    clock = SettableClock()
    screen = Screen(["s", "x", "q"], save_dir=tmp_path, live=True, clock=clock)
    for item in (METER, Sample(1.234, clock.now), _lost(clock.now)):
        screen.dashboard.write(item)
    screen.dashboard.run(screen.endless)
    (path,) = tmp_path.glob("streamer-*.svg")
    assert "broker&#160;away&#160;for&#160;0&#160;s" in path.read_text(encoding="utf-8")


def test_the_default_clock_has_a_zone() -> None:
    screen = Screen(live=True)
    now = datetime.now().astimezone()
    for item in (METER, Link(Link.UP, since=now), Sample(1.234, now - timedelta(minutes=3.5))):
        screen.dashboard.write(item)
    assert "live · 3 min ago" in _idle(screen, ["x"])[0]


@POSIX
def test_a_real_terminal_is_restored(tmp_path: Path) -> None:
    """The whole dashboard in a process of its own, on a pseudo-terminal."""
    import termios

    person, program = os.openpty()
    before = termios.tcgetattr(program)
    script = (
        "from streamer.dashboard import Dashboard\n"
        "from streamer.stream.pacing import Pacer\n"
        "from tests.dashboard.samples import ABOUT, START\n"
        "pacer = Pacer()\n"
        "pacer.toggle_pause()\n"
        "dashboard = Dashboard(pacer)\n"
        "dashboard.run(lambda: (dashboard.write(ABOUT), pacer.hold(START)))\n"
        "print('left:', dashboard.interrupted)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=program,
        stdout=program,
        stderr=program,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"},
        start_new_session=True,
    )
    seen = b""

    def see(words: bytes) -> None:
        nonlocal seen
        while words not in seen:
            assert select.select([person], [], [], 60)[0], f"timeout for {words!r}: {seen!r}"
            seen += os.read(person, 65536)

    with ending(process):
        see(b"waiting for readings")
        assert termios.tcgetattr(program) != before
        os.write(person, b"q")
        see(b"left: False")
    assert process.returncode == 0
    assert termios.tcgetattr(program) == before
    assert seen.index(ENTER.encode()) < seen.rindex(EXIT.encode()) < seen.index(b"left:")
    os.close(person)
    os.close(program)


@pytest.fixture
def unknown_background(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A terminal that may be asked for its background."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "COLORFGBG"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("answer", "shown"),
    [("11;rgb:fdfd/f6f6/e3e3", ON_LIGHT), ("11;rgb:0000/2b2b/3636", ON_DARK)],
)
def test_the_theme_is_that_of_the_terminals_background(
    unknown_background: pytest.MonkeyPatch,
    answer: str,
    shown: str,
) -> None:
    screen = Screen([ANSWER + answer], colours="256")
    screen.dashboard.run(screen.ending)
    assert screen.keys.asked == [QUESTION]
    assert shown in screen.text


@pytest.mark.parametrize(
    ("environ", "theme", "shown"),
    [
        ({}, ThemeName.LIGHT, ON_LIGHT),
        ({}, ThemeName.MONO, ""),
        ({"COLORFGBG": "15;0"}, ThemeName.AUTO, ON_DARK),
        ({"NO_COLOR": "1"}, ThemeName.AUTO, ""),
        ({"TERM": "dumb"}, ThemeName.AUTO, ""),
    ],
)
def test_a_background_that_is_known_or_of_no_use_is_not_asked_for(
    unknown_background: pytest.MonkeyPatch, environ: dict[str, str], theme: ThemeName, shown: str
) -> None:
    for name, value in environ.items():
        unknown_background.setenv(name, value)
    screen = Screen(colours="256", theme=theme)
    screen.dashboard.run(screen.ending)
    assert not screen.keys.asked
    assert shown in screen.text
