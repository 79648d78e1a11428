"""Forecasts and scores of data frames of pandas, polars and Arrow.

The library of a frame is the caller's: narwhals reaches it through the frame itself, so that
none of them is imported here.
"""

from streamer.frames.evaluate import FrameEvaluation, evaluate_frame
from streamer.frames.forecast import forecast_frame

__all__ = ["FrameEvaluation", "evaluate_frame", "forecast_frame"]
