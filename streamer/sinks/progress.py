"""Progress bar on a terminal, for replays that show nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from streamer.display.bars import bar, done
from streamer.display.durations import duration
from streamer.display.numbers import plural
from streamer.readings import Link, Notice, Step
from streamer.sinks import Item
from streamer.sinks.items import About, Vitals
from streamer.sinks.watch import AlarmWatch

if TYPE_CHECKING:
    from rich.console import Console

    from streamer.readings.blocks import BlockResult

_DELAY_S = 0.3
"""Shorter replays show no bar, which would only flicker."""

_EVERY_S = 0.1
_MAX_BAR, _MIN_BAR = 40, 5
_KEEP_FREE = len("^C") + 1
"""Free cells at the end of the line, for the terminal's echo of Ctrl-C."""

_ASCII = str.maketrans("━─", "=-")


class ProgressSink:
    """Draws and redraws a bar with the readings so far, their rate and the time left.

    A stream of unknown length has figures without a bar. The line is erased before a notice,
    an alarm, a switched load or a link, which another sink may write there, and at the end. The
    cursor is never hidden, so the terminal is intact however the program ends or stops.

    Args:
        out: a terminal to which others write only whole lines.
        now: a monotonic clock, in seconds.
    """

    def __init__(self, out: TextIO, *, now: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._now = now
        self._due = now() + _DELAY_S
        self._drawn = self._gone = False
        self._console: Console | None = None
        self._watch = AlarmWatch()

    def write(self, item: Item) -> None:
        """Redraw the line when that is due, or erase it for a note."""
        if isinstance(item, Step):
            if any(self._watch.see(item)) or item.switched:
                self._wipe()
        elif isinstance(item, Vitals):
            if self._now() >= self._due and self._may_draw():
                self._due = self._now() + _EVERY_S
                self._draw(item)
        elif isinstance(item, Notice | Link):
            self._wipe()
        elif isinstance(item, About):
            # The time to load the model does not count.
            self._due = self._now() + _DELAY_S

    def write_block(self, result: BlockResult) -> None:
        """Ignore the block: `Vitals` contain all the figures."""

    def close(self) -> None:
        """Erase the line."""
        self._wipe()

    def _may_draw(self) -> bool:
        """Whether the terminal exists and this process is in its foreground group."""
        if self._gone:
            return False
        try:
            return os.tcgetpgrp(self._out.fileno()) == os.getpgrp()
        except (AttributeError, OSError):  # Windows, or a terminal without job control
            return True

    def _draw(self, vitals: Vitals) -> None:
        # Imported here, because most replays draw no bar and need not wait for rich.
        from rich.console import Console

        if self._console is None:
            self._console = Console(file=self._out, highlight=False, markup=False, emoji=False)
        console = self._console
        text = _line(vitals, console.width - _KEEP_FREE)
        if console.options.ascii_only or console.legacy_windows:
            text = text.translate(_ASCII)
        # Set first, because Ctrl-C may interrupt the drawing.
        self._drawn = True
        self._put(console, text)

    def _put(self, console: Console, text: str) -> None:
        """Replace the text of the line."""
        from rich.control import Control
        from rich.segment import ControlType

        try:
            with console:  # a single write
                console.control(Control(ControlType.CARRIAGE_RETURN))
                console.print(text, end="", no_wrap=True, overflow="crop")
                console.control(Control((ControlType.ERASE_IN_LINE, 0)))
        except OSError:
            self._gone = True

    def _wipe(self) -> None:
        if self._drawn and self._console is not None and self._may_draw():
            self._put(self._console, "")
            self._drawn = False


def _line(vitals: Vitals, width: int) -> str:
    """Bar and figures, as many as fit the width."""
    rate = f"{vitals.readings_per_s:,.{0 if vitals.readings_per_s >= 100 else 1}f}/s"
    count = plural(vitals.readings, "reading")
    if vitals.progress is None:
        return next((text for text in (f"{count}  {rate}", rate) if len(text) <= width), "")
    left = f"{'-:--' if vitals.left_s is None else duration(vitals.left_s)} left"
    share = f"{done(vitals.progress):>5}"
    for parts in ([share, count, rate, left], [share, rate, left], [share, left], [share]):
        text = "  ".join(parts)
        bar_width = min(_MAX_BAR, width - len(text) - 1)
        if bar_width >= _MIN_BAR:
            return "".join(bar(vitals.progress, bar_width)) + " " + text
    return share if len(share) <= width else ""
