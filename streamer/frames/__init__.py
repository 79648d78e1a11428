"""Forecasts and scores of data frames of pandas, polars and Arrow.

The library of a frame is the caller's: narwhals reaches it through the frame itself, so that
none of them is imported here. Forecasts load nothing that only scores need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamer.frames.evaluate import FrameEvaluation, evaluate_frame
    from streamer.frames.forecast import forecast_frame

__all__ = ["FrameEvaluation", "evaluate_frame", "forecast_frame"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "forecast" if name == "forecast_frame" else "evaluate"
    return getattr(import_module(f"{__name__}.{home}"), name)
