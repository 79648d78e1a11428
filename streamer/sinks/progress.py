"""Shows a person who sees nothing else of a replay how far it has got."""

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
"""A replay that is done before this shows no bar: it would only flicker."""

_EVERY_S = 0.1
_BAR_AT_MOST, _BAR_AT_LEAST = 40, 5
_KEEP_FREE = len("^C") + 1
"""Cells at the end of the line: what a terminal echoes for Ctrl-C must not break it."""

_ASCII = str.maketrans("━─", "=-")


class ProgressSink:
    """Draws a bar, the readings so far, their speed and the time left, over and over.

    Of a stream without a known end there is no bar, only figures. The line is wiped before
    a notice, an alarm or a link, which another sink may write there, and at the end. The
    cursor is never hidden: whatever ends or stops the program, the terminal is as it was.

    Args:
        out: a terminal that nobody else writes to but line by line.
        now: a clock in seconds.
    """

    def __init__(self, out: TextIO, *, now: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._now = now
        self._due = now() + _DELAY_S
        self._drawn = self._gone = False
        self._console: Console | None = None
        self._watch = AlarmWatch()

    def write(self, item: Item) -> None:
        """Draw the line anew where it is time to, or make room for a notice."""
        if isinstance(item, Step):
            if any(self._watch.see(item)):
                self._wipe()
        elif isinstance(item, Vitals):
            if self._now() >= self._due and self._may_draw():
                self._due = self._now() + _EVERY_S
                self._draw(item)
        elif isinstance(item, Notice | Link):
            self._wipe()
        elif isinstance(item, About):
            # Loading the model is not a part of the replay.
            self._due = self._now() + _DELAY_S

    def write_block(self, passage: BlockResult) -> None:
        """Vitals tell all there is to know."""

    def close(self) -> None:
        """Wipe the line."""
        self._wipe()

    def _may_draw(self) -> bool:
        """Whether the terminal is there and ours; in the background it is the shell's."""
        if self._gone:
            return False
        try:
            return os.tcgetpgrp(self._out.fileno()) == os.getpgrp()
        except (AttributeError, OSError):  # Windows, or a terminal without jobs
            return True

    def _draw(self, vitals: Vitals) -> None:
        # Only here: who sees no bar should not wait for rich.
        from rich.console import Console

        if self._console is None:
            self._console = Console(file=self._out, highlight=False, markup=False, emoji=False)
        console = self._console
        text = _line(vitals, console.width - _KEEP_FREE)
        if console.options.ascii_only or console.legacy_windows:
            text = text.translate(_ASCII)
        # Before it is: Ctrl-C may come in between.
        self._drawn = True
        self._put(console, text)

    def _put(self, console: Console, text: str) -> None:
        """Put a text in place of what stands on the line."""
        from rich.control import Control
        from rich.segment import ControlType

        try:
            with console:  # all in one piece
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
    """The bar and the figures behind it: as much as fits."""
    rate = f"{vitals.readings_per_s:,.{0 if vitals.readings_per_s >= 100 else 1}f}/s"
    count = plural(vitals.readings, "reading")
    if vitals.progress is None:
        return next((text for text in (f"{count}  {rate}", rate) if len(text) <= width), "")
    left = f"{'-:--' if vitals.left_s is None else duration(vitals.left_s)} left"
    share = f"{done(vitals.progress):>5}"
    for parts in ([share, count, rate, left], [share, rate, left], [share, left], [share]):
        text = "  ".join(parts)
        bar_width = min(_BAR_AT_MOST, width - len(text) - 1)
        if bar_width >= _BAR_AT_LEAST:
            return "".join(bar(vitals.progress, bar_width)) + " " + text
    return share if len(share) <= width else ""
