"""A full screen with a stream in a thread of its own, and frames and keys in the main thread."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from types import FrameType

from rich.console import Console

from streamer.dashboard.background import QUESTION, from_answer, from_environment, may_answer
from streamer.dashboard.keys import ANSWER, Keys, find_keys
from streamer.dashboard.layout import Frame
from streamer.dashboard.screen import Screen
from streamer.dashboard.worker import Worker
from streamer.display.themes import ThemeName
from streamer.stream.pacing import Pacer
from streamer.stream.signals import ENDINGS, end_at_next, handled_signals, leave_at_once

FRAME_S = 0.1
"""Shortest time between two frames."""

_JOIN_S = 1.0

_STOPPING = ("SIGTSTP", "SIGCONT")


class FullScreen:
    """Base of the dashboards: `run` shows their frames, and gives them the keys.

    Args:
        pacer: ends the stream when the user leaves.
        console: console to paint on; by default the terminal.
        keys: source of keys; by default the terminal.
        theme: colours; by default those for the background of the terminal, if it is known.
    """

    def __init__(
        self,
        pacer: Pacer,
        *,
        console: Console | None = None,
        keys: Keys | None = None,
        theme: ThemeName = ThemeName.AUTO,
    ) -> None:
        self._pacer = pacer
        self._console = Console() if console is None else console
        self._keys = keys
        self._theme = from_environment(os.environ) if theme == ThemeName.AUTO else theme
        self._help = False
        self._message = ""
        self._leaving = False
        self._ended_by: signal.Signals | None = None
        self._stop_asked = self._continued = False

    @property
    def ended_by(self) -> signal.Signals | None:
        """The signal that made `run` return, one of `ENDINGS`; None if none did."""
        return self._ended_by

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C made `run` return."""
        return self._ended_by == signal.SIGINT

    def _state(self) -> object:
        """Everything that a frame depends on: equal states give equal frames."""
        raise NotImplementedError

    def _frame(self, width: int, height: int) -> Frame:
        """The frame for the size of the terminal."""
        raise NotImplementedError

    def _act(self, key: str) -> None:
        """Do what a key is for."""
        raise NotImplementedError

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

    def _paint(self, screen: Screen) -> bool:
        """Paint a frame; return False if the terminal is closed."""
        try:
            screen.paint(self._frame(*self._console.size))
        except OSError:
            return False
        return True

    def _press(self, key: str | None) -> None:
        if key is not None and key.startswith(ANSWER):
            self._theme = from_answer(key.removeprefix(ANSWER)) or self._theme
        elif key:
            self._act(key)

    def _leave(self) -> None:
        self._leaving = True

    def _toggle_help(self) -> None:
        self._help = not self._help

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


def local_now() -> datetime:
    """The time, with the zone of this machine."""
    return datetime.now().astimezone()
