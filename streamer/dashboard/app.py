"""The live dashboard of one stream."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from streamer.dashboard.controls import Action, controls
from streamer.dashboard.fullscreen import FullScreen, local_now
from streamer.dashboard.keys import Keys
from streamer.dashboard.layout import Frame, render, speed_label
from streamer.dashboard.meterview import MeterView
from streamer.dashboard.picture import render_svg, save_svg
from streamer.display.horizons import SHOWN
from streamer.display.themes import ThemeName
from streamer.sinks import Item
from streamer.stream.pacing import Pacer

if TYPE_CHECKING:
    from streamer.energy.tariff import Tariff
    from streamer.history.archive import Archive

LIVE = "live"
"""Shown instead of the speed of a replay."""


class Dashboard(FullScreen):
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
        super().__init__(pacer, console=console, keys=keys, theme=theme)
        self._ascii = ascii
        self._save_dir = save_dir
        self._live = live
        self._meter = MeterView(
            clock=(clock or local_now) if live else None,
            archive=archive,
            horizons=horizons,
            tariff=tariff,
        )
        own: dict[str, Action] = {
            "leave": self._leave,
            "save": self._save,
            "help": self._toggle_help,
            "demand": self._meter.toggle_demand,
        }
        self._actions = controls(own, self._meter.navigation, None if live else pacer)

    def write(self, item: Item) -> None:
        """Take one item of the stream."""
        self._meter.write(item)

    def close(self) -> None:
        """Mark the stream as ended."""
        self._meter.close()

    def _state(self) -> object:
        pacer, size = self._pacer, self._console.size
        shown = (self._help, self._message, self._theme)
        return (self._meter.state, pacer.speed, pacer.paused, size, shown)

    def _frame(self, width: int, height: int) -> Frame:
        shown = {**self._view(), "help": self._help, "message": self._message}
        return render(self._meter.snapshot(width), width, height, **shown)

    def _view(self) -> dict[str, Any]:
        """Options of a frame on the screen and in a picture."""
        return {
            "ascii": self._ascii,
            "only_demand": self._meter.only_demand,
            "speed": self._speed(),
            "now": self._meter.now,
            "theme": self._theme,
        }

    def _speed(self) -> str:
        if self._live:
            return LIVE
        return speed_label(self._pacer.speed, paused=self._pacer.paused)

    def _act(self, key: str) -> None:
        action = self._actions.get(key)
        if action is not None:
            self._meter.begin_key(self._console.width)
            self._message = action() or ""

    def _save(self) -> str:
        """Save the screen as a picture; returns the result for the last line."""
        width, height = self._console.size
        svg = render_svg(self._meter.snapshot(width), width, height, **self._view())
        return save_svg(svg, self._save_dir)
