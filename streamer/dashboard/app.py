"""The live dashboard: the stream in a thread of its own, frames and keys in the main thread."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from rich.console import Console

from streamer.dashboard.background import QUESTION, from_answer, from_environment, may_answer
from streamer.dashboard.chart import plot_columns
from streamer.dashboard.controls import Action, controls
from streamer.dashboard.fan import columns_taken
from streamer.dashboard.keys import ANSWER, Keys, find_keys
from streamer.dashboard.layout import render, speed_label
from streamer.dashboard.link import moment
from streamer.dashboard.navigation import Navigation
from streamer.dashboard.picture import render_svg, save_svg
from streamer.dashboard.screen import Screen
from streamer.dashboard.worker import Worker
from streamer.display.horizons import SHOWN
from streamer.display.themes import ThemeName
from streamer.history import History, HistorySnapshot
from streamer.history.past import Past
from streamer.readings import Notice
from streamer.readings.seconds import seconds_of
from streamer.sinks import Item
from streamer.stream.pacing import Pacer
from streamer.stream.signals import ENDINGS, end_at_next, handled_signals, leave_at_once

if TYPE_CHECKING:
    from streamer.energy.tariff import Tariff
    from streamer.history.archive import Archive

FRAME_S = 0.1
"""Shortest time between two frames."""

_JOIN_S = 1.0
_LIVE = "live"
"""Shown instead of the speed of a replay."""

_STOPPING = ("SIGTSTP", "SIGCONT")


class Dashboard:
    """A sink that shows its stream on the full screen.

    `write` may be called from any thread and never waits for the terminal. `run` owns the
    terminal while it runs, and restores it however it ends.

    Args:
        pacer: the pacer that the keys control.
        console: console to paint on; by default the terminal.
        ascii: use only ASCII characters.
        save_dir: folder for saved pictures; by default the working directory.
        keys: source of keys; by default the terminal.
        live: a meter is watched: keys do not control the pacer, and time passes without
            readings.
        clock: returns the current time with a zone, for a meter; by default the local time.
        archive: minutes before those of the stream, to scroll back to.
        theme: colours; by default those for the background of the terminal, if it is known.
        horizons: horizons whose means are shown, in minutes.
        tariff: what the energy costs; None if that is not known.
    """

    def __init__(
        self,
        pacer: Pacer,
        *,
        console: Console | None = None,
        ascii: bool = False,
        save_dir: Path | None = None,
        keys: Keys | None = None,
        live: bool = False,
        clock: Callable[[], datetime] | None = None,
        archive: Archive | None = None,
        theme: ThemeName = ThemeName.AUTO,
        horizons: tuple[int, ...] = SHOWN,
        tariff: Tariff | None = None,
    ) -> None:
        self._pacer = pacer
        self._console = Console() if console is None else console
        self._ascii = ascii
        self._save_dir = save_dir
        self._keys = keys
        self._live = live
        self._clock = _local_time if clock is None else clock
        self._theme = from_environment(os.environ) if theme == ThemeName.AUTO else theme
        self._history = History(horizons, tariff=tariff)
        self._past = Past(self._history.seen, archive)
        self._navigation = Navigation(self._past)
        self._help = self._only_demand = False
        self._message = ""
        self._leaving = False
        self._ended_by: signal.Signals | None = None
        self._stop_asked = self._continued = False
        own: dict[str, Action] = {
            "leave": self._leave,
            "save": self._save,
            "help": self._toggle_help,
            "demand": self._toggle_demand,
        }
        self._actions = controls(own, self._navigation, None if live else pacer)

    @property
    def ended_by(self) -> signal.Signals | None:
        """The signal that made `run` return, one of `ENDINGS`; None if none did."""
        return self._ended_by

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C made `run` return."""
        return self._ended_by == signal.SIGINT

    def write(self, item: Item) -> None:
        """Take one item of the stream."""
        if self._live and isinstance(item, Notice) and item.at is None:
            # It refers to the present, not to the last minute received.
            item = replace(item, at=self._clock())
        self._history.write(item)

    def close(self) -> None:
        """Mark the stream as ended."""
        self._history.end()

    def run(self, stream: Callable[[], None]) -> None:
        """Show a stream until it ends or the user leaves.

        A first frame is painted before the stream is started. Leaving, by key or by signal,
        stops the pacer and waits briefly for the stream; one that hangs in a read is abandoned
        in its daemon thread.

        Args:
            stream: runs the whole stream; called in a thread of its own.

        Raises:
            BaseException: any exception of the stream, after the terminal is restored.
        """
        worker = Worker(stream)
        try:
            with (
                self._signals(),
                self._keys or find_keys() as keys,
                Screen(self._console) as screen,
            ):
                self._loop(screen, keys, worker)
        finally:
            if worker.is_running:
                self._pacer.stop()
                worker.join(_JOIN_S)
        worker.raise_error()

    def _loop(self, screen: Screen, keys: Keys, worker: Worker) -> None:
        """Paint frames and handle keys until the stream ends or the user leaves."""
        if self._theme == ThemeName.AUTO and may_answer(os.environ):
            keys.ask(QUESTION)
        shown = self._state()
        ended = not self._paint(screen)
        due = time.monotonic() + FRAME_S
        worker.start()
        while not self._leaving and not ended:
            self._press(keys.poll(max(0.0, due - time.monotonic())))
            self._obey_job_control(screen, keys)
            ended = not worker.is_running
            if time.monotonic() < due and not ended:
                continue
            due = time.monotonic() + FRAME_S
            state = self._state()
            if state != shown:
                shown = state
                ended = not self._paint(screen) or ended

    def _state(self) -> tuple[object, ...]:
        """Everything that a frame depends on: equal states give equal frames."""
        pacer = self._pacer
        size = self._console.size
        version, times, theme = self._history.version, self._times(), self._theme
        shown = (self._help, self._only_demand, self._message, theme, self._navigation.state)
        return (version, pacer.speed, pacer.paused, size, times, shown)

    def _times(self) -> tuple[str, ...]:
        """All parts of a frame that depend on the time of day."""
        if not self._live:
            return ()
        history = self._history
        return moment(HistorySnapshot(link=history.link, sample=history.sample, now=self._now()))

    def _now(self) -> datetime | None:
        return self._clock() if self._live else None

    def _paint(self, screen: Screen) -> bool:
        """Paint a frame; return False if the terminal is closed."""
        width, height = self._console.size
        shown = {**self._view(), "help": self._help, "message": self._message}
        frame = render(self._snapshot(), width, height, **shown)
        try:
            screen.paint(frame)
        except OSError:
            return False
        return True

    def _view(self) -> dict[str, Any]:
        """Options of a frame on the screen and in a picture."""
        return {
            "ascii": self._ascii,
            "only_demand": self._only_demand,
            "speed": self._speed(),
            "now": self._now(),
            "theme": self._theme,
        }

    def _snapshot(self) -> HistorySnapshot:
        """Everything that a frame shows; the part of the past ends with the latest step."""
        snapshot = self._history.snapshot()
        if snapshot.last is None:
            return snapshot
        navigation, width = self._navigation, self._console.width
        navigation.width = plot_columns(width)
        navigation.taken = columns_taken(snapshot.last.next_means, snapshot.horizons, width)
        return replace(snapshot, past=navigation.view(seconds_of(snapshot.last.reading.at)))

    def _speed(self) -> str:
        if self._live:
            return _LIVE
        return speed_label(self._pacer.speed, paused=self._pacer.paused)

    def _press(self, key: str | None) -> None:
        if key is not None and key.startswith(ANSWER):
            self._theme = from_answer(key.removeprefix(ANSWER)) or self._theme
            return
        action = self._actions.get(key) if key else None
        if action is not None:
            self._navigation.width = plot_columns(self._console.width)
            self._past.retry()
            self._message = action() or ""

    def _leave(self) -> None:
        self._leaving = True

    def _toggle_help(self) -> None:
        self._help = not self._help

    def _toggle_demand(self) -> None:
        self._only_demand = not self._only_demand

    def _save(self) -> str:
        """Save the screen as a picture; returns the result for the last line."""
        width, height = self._console.size
        svg = render_svg(self._snapshot(), width, height, **self._view())
        return save_svg(svg, self._save_dir)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Handle the signals that end or stop the program, so that no frame is cut short."""
        stopping = {
            signal.Signals[name]: self._on_stop
            for name in _STOPPING
            if hasattr(signal, name)  # Windows lacks some of them
        }
        with handled_signals(dict.fromkeys(ENDINGS, self._on_end) | stopping):
            yield

    def _on_end(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._ended_by = signal.Signals(number)
        self._leaving = True
        # A second signal must end the program even if the terminal blocks the current frame.
        end_at_next(leave_at_once)

    def _on_stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if signal.Signals(number).name == "SIGTSTP":
            self._stop_asked = True
        else:
            self._continued = True

    def _obey_job_control(self, screen: Screen, keys: Keys) -> None:
        """Restore the terminal and stop for Ctrl-Z, then repaint when continued."""
        if self._stop_asked:
            self._stop_asked = False
            screen.close()
            keys.suspend()
            os.kill(os.getpid(), signal.SIGSTOP)
            self._continued = True
        if self._continued:
            self._continued = False
            keys.resume()
            screen.close()
            screen.open()
            self._paint(screen)


def _local_time() -> datetime:
    return datetime.now().astimezone()
