"""The live dashboard of several meters: a table of all, and a screen for each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console

from streamer.dashboard import keys
from streamer.dashboard.app import LIVE
from streamer.dashboard.controls import Action, controls
from streamer.dashboard.fullscreen import FullScreen, local_now
from streamer.dashboard.layout import Frame, render
from streamer.dashboard.meterrows import MeterRow, render_meters
from streamer.dashboard.meterview import MeterView
from streamer.dashboard.picture import frame_svg, save_svg
from streamer.display.themes import ThemeName
from streamer.stream.pacing import Pacer

TABLE_S = 1.0
"""Shortest time between two frames of the table, unless a key is pressed.

Samples of many meters arrive at any time, and each would lead to a frame."""


class MetersDashboard(FullScreen):
    """Shows several meters on the full screen; each view is the sink of a stream.

    Args:
        pacer: ends the streams when the user leaves.
        meters: the views of the meters, each with a name and a clock.
        console: console to paint on; by default the terminal.
        ascii: use only ASCII characters.
        save_dir: folder for saved pictures; by default the working directory.
        keys: source of keys; by default the terminal.
        clock: returns the current time with a zone; by default the local time.
        theme: colours; by default those for the background of the terminal, if it is known.
    """

    def __init__(
        self,
        pacer: Pacer,
        meters: Sequence[MeterView],
        *,
        console: Console | None = None,
        ascii: bool = False,
        save_dir: Path | None = None,
        keys: keys.Keys | None = None,
        clock: Callable[[], datetime] = local_now,
        theme: ThemeName = ThemeName.AUTO,
    ) -> None:
        super().__init__(pacer, console=console, keys=keys, theme=theme)
        self._meters = tuple(meters)
        self._ascii = ascii
        self._save_dir = save_dir
        self._clock = clock
        self._chosen = 0
        self._open = False
        self._table: object = None
        self._table_due = -math.inf

    def _state(self) -> object:
        shown = (self._chosen, self._open, self._help, self._message, self._theme)
        return (self._data(), self._console.size, shown)

    def _data(self) -> object:
        """State of what is measured, as far as it is shown."""
        if self._open:
            return self._meter.state
        now_s = time.monotonic()
        if now_s >= self._table_due:
            self._table_due = now_s + TABLE_S
            self._table = ([each.state for each in self._meters], f"{self._clock():%H:%M}")
        return self._table

    def _frame(self, width: int, height: int, *, picture: bool = False) -> Frame:
        show_help = self._help and not picture
        message = "" if picture else self._message
        if self._open:
            meter = self._meter
            return render(
                meter.snapshot(width),
                width,
                height,
                ascii=self._ascii,
                help=show_help,
                only_demand=meter.only_demand,
                speed=LIVE,
                message=message,
                now=meter.now,
                theme=self._theme,
                several=True,
            )
        return render_meters(
            [MeterRow(each.name, each.snapshot(width), each.failure) for each in self._meters],
            self._chosen,
            width,
            height,
            now=self._clock(),
            ascii=self._ascii,
            help=show_help,
            message=message,
            theme=self._theme,
        )

    @property
    def _meter(self) -> MeterView:
        """The chosen meter."""
        return self._meters[self._chosen]

    def _act(self, key: str) -> None:
        action = self._actions().get(key)
        if action is not None:
            self._meter.begin_key(self._console.width)
            self._message = action() or ""

    def _actions(self) -> dict[str, Action]:
        """What each key does now."""
        actions: dict[str, Action] = {}
        if self._open:
            own: dict[str, Action] = {
                "leave": self._leave,
                "save": self._save,
                "help": self._toggle_help,
                "demand": self._meter.toggle_demand,
            }
            actions |= controls(own, self._meter.navigation, None)
            actions |= dict.fromkeys((keys.ESCAPE, keys.BACKSPACE, "m"), self._show_all)
        else:
            actions |= dict.fromkeys(("q", keys.ESCAPE, keys.GONE), self._leave)
            actions |= {"s": self._save, "?": self._toggle_help, keys.ENTER: self._show_one}
        actions |= {
            keys.UP: lambda: self._choose(self._chosen - 1),
            keys.DOWN: lambda: self._choose(self._chosen + 1),
        }
        for place in range(min(9, len(self._meters))):
            actions[str(place + 1)] = lambda place=place: self._show_one(place)  # type: ignore[misc]
        return actions

    def _choose(self, place: int) -> None:
        self._chosen = min(max(place, 0), len(self._meters) - 1)

    def _show_one(self, place: int | None = None) -> None:
        self._choose(self._chosen if place is None else place)
        self._open = True

    def _show_all(self) -> None:
        self._open = self._help = False

    def _save(self) -> str:
        """Save the screen as a picture; returns the result for the last line."""
        width, height = self._console.size
        frame = self._frame(width, height, picture=True)
        return save_svg(frame_svg(frame, width, height), self._save_dir)
