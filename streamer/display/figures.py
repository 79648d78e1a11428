"""Empty matplotlib figures that need no screen."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from streamer.display.lines import printable
from streamer.extras import optional_import

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(feature: str, width: float, height: float) -> Figure:
    """An empty figure that can only be saved, and needs no window system.

    Args:
        feature: name of the feature that needs it, for the error.
        width: width in inches.
        height: height in inches.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with optional_import(feature, "train"):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: Path, *, dpi: int) -> None:
    """Save a figure as PNG, with its texts as they are: a dollar begins no formula.

    Args:
        figure: the figure; its texts are changed.
        path: the file.
        dpi: pixels an inch.
    """
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)
        text.set_text(printable(text.get_text(), keep="\n"))
    with warnings.catch_warnings():
        # Of a name in a script that the font lacks; boxes are drawn in its place.
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        figure.savefig(path, dpi=dpi, format="png")
