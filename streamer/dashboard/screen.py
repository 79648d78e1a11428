"""The terminal's alternate screen, on which each frame is written at once.

A frame is one write. Around it, terminals with synchronized output (DEC private mode 2026) are
asked to show nothing until it is complete. The mode is set without a question first: a terminal
ignores private modes that it does not know, whereas some, such as Terminal on macOS, print a part
of the question.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from rich.console import Console, ConsoleOptions, RenderResult
from rich.control import Control
from rich.segment import ControlType, Segment
from rich.text import Text

from streamer.dashboard.layout import Frame

BEGIN_UPDATE, END_UPDATE = "\x1b[?2026h", "\x1b[?2026l"
"""Around a frame: the terminal shows all of it, or still the frame before."""


class Screen:
    """The alternate screen of a console; the terminal is as before while it is closed.

    Args:
        console: console to paint on.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._is_open = False

    def __enter__(self) -> Screen:
        self.open()
        return self

    def __exit__(self, *exception: object) -> None:
        with suppress(OSError):
            self.close()

    def open(self) -> None:
        """Change to the alternate screen, and hide the cursor."""
        if not self._is_open:
            self._is_open = True
            with self._console:
                self._console.set_alt_screen(True)
                self._console.show_cursor(False)

    def close(self) -> None:
        """Show the cursor, and change back.

        Raises:
            OSError: the terminal is closed.
        """
        if self._is_open:
            self._is_open = False
            with self._console:
                self._console.show_cursor(True)
                self._console.set_alt_screen(False)

    def paint(self, frame: Frame) -> None:
        """Show a frame in place of the one before, in one write.

        Raises:
            OSError: the terminal is closed.
        """
        self._console.print(_Painting(frame), end="", crop=False, no_wrap=True)


class _Painting:
    """A frame and the control sequences around it."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if console.is_dumb_terminal:
            yield from self._padded(console)
            return
        # The old Windows console is driven by calls instead of sequences.
        synchronized = not console.legacy_windows
        if synchronized:
            yield _control(BEGIN_UPDATE)
        yield Control.home().segment
        yield from self._padded(console)
        if synchronized:
            yield _control(END_UPDATE)

    def _padded(self, console: Console) -> Iterator[Segment]:
        """The lines, filled up with spaces to the size of the screen."""
        width, height = console.size
        rows = iter([*self._frame.lines, *[Text()] * (height - len(self._frame.lines))])
        for segment in console.render(self._frame):
            if segment.text == "\n":
                yield Segment(" " * (width - next(rows).cell_len))
            yield segment
        for index, line in enumerate(rows):
            if index:
                yield Segment.line()
            yield Segment(" " * (width - line.cell_len))


def _control(sequence: str) -> Segment:
    # Rich writes the text of a control segment as it is, to terminals only.
    return Segment(sequence, None, [(ControlType.HOME,)])
