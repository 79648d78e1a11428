"""Empty matplotlib figures that need no screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
