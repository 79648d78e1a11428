"""Trees of LightGBM in its text format."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from streamer.display.lines import one_line
from streamer.errors import ModelError, UsageError
from streamer.extras import optional_import
from streamer.models.adapters.fitted import FittedForecaster
from streamer.models.bounded import read_regular
from streamer.models.bounds import MAX_MODEL_BYTES


class LightgbmForecaster(FittedForecaster):
    """Forecasts by the trees of a text file, as `Booster.save_model` writes it.

    They were fitted on rows of consecutive readings in kW, oldest first, and the reading after
    each.

    Args:
        path: the file.

    Raises:
        UsageError: it cannot be read, or LightGBM is not installed.
        ModelError: it is not such a file.
    """

    def __init__(self, path: str = "") -> None:
        if not path:
            raise UsageError("lightgbm: give a file of trees, such as lightgbm:mine.txt")
        try:
            with optional_import("a file of LightGBM", "forecasters"):
                import lightgbm
        except OSError as error:
            raise UsageError(
                f"LightGBM cannot be loaded ({one_line(error)}); it needs the OpenMP library of "
                "GCC, Debian's libgomp1"
            ) from None
        text = read_regular(Path(path), MAX_MODEL_BYTES).decode("utf-8", "replace")
        if not text.startswith("tree"):
            raise ModelError(f"{path}: it is not a text file of LightGBM")
        try:
            trees = lightgbm.Booster(model_str=text)
        except lightgbm.basic.LightGBMError as error:
            raise ModelError(f"{path}: {one_line(error)}") from None
        super().__init__(
            Path(path).stem, trees.num_feature(), partial(trees.predict, num_threads=1)
        )
