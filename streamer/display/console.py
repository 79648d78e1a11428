"""Console for text that may come from outside: no markup, and no control characters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.style import Style

from streamer.display.lines import printable


class PlainConsole(Console):
    """Console that prints text as it is, except for control characters, which become ``?``.

    Square brackets are no markup, and colons no emoji. What moves the cursor or colours the text
    is none of the text's, but of rich's own, so it still works.

    Args:
        stderr: write to standard error instead of standard output.
        width: width in cells; None for that of the terminal.
        file: write to this instead.
    """

    def __init__(
        self, *, stderr: bool = False, width: int | None = None, file: TextIO | None = None
    ) -> None:
        super().__init__(
            stderr=stderr, width=width, file=file, highlight=False, markup=False, emoji=False
        )

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render as rich does, with printable text."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(printable(segment.text, keep="\n"), segment.style)

    def out(
        self,
        *objects: object,
        sep: str = " ",
        end: str = "\n",
        style: str | Style | None = None,
        highlight: bool | None = None,
    ) -> None:
        """Print without wrapping, as rich does, with printable text."""
        texts = [printable(str(each), keep="\n") for each in objects]
        super().out(*texts, sep=sep, end=end, style=style, highlight=highlight)
