"""Progress bars on standard error."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

from streamer.display.console import PlainConsole


def progress_bar(
    *figures: ProgressColumn,
    console: Console | None = None,
    width: int = 20,
    stays: bool = False,
) -> Progress:
    """A bar with a description before it, and figures and the time left behind it.

    Args:
        figures: what is shown behind the bar.
        console: where to; by default standard error.
        width: width of the bar in cells.
        stays: whether the bar is still there at the end, and drawn without a terminal, too.
    """
    console = console or PlainConsole(stderr=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=width),
        *figures,
        TimeRemainingColumn(),
        console=console,
        transient=not stays,
        disable=not (stays or console.is_terminal),
    )
