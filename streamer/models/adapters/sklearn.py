"""Fitted regressors of scikit-learn, given in Python or as a file of one's own."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from streamer.display.lines import one_line
from streamer.errors import ModelError, StreamerError, UsageError
from streamer.extras import optional_import
from streamer.models.adapters.fitted import FittedForecaster


class SklearnForecaster(FittedForecaster):
    """Forecasts by a fitted regressor from as many readings as it was fitted on.

    It was fitted on rows of consecutive readings in kW, oldest first, and the reading after each.

    Args:
        regressor: the regressor, or a pipeline that ends in one.
        name: its name; None for that of its class.

    Raises:
        ModelError: it has not been fitted.
    """

    def __init__(self, regressor: Any, name: str | None = None) -> None:
        name = name or type(regressor).__name__
        window = getattr(regressor, "n_features_in_", None)
        if window is None:
            raise ModelError(
                f"model {name}: it has not been fitted; fit it on rows of readings in kW first"
            )
        super().__init__(name, window, regressor.predict)


def from_file(path: str = "") -> SklearnForecaster:
    """The forecaster of a regressor that joblib has written.

    Such a file is a pickle: to load it is to run whatever its writer has put in it. So it has to
    belong to the user who loads it, and nobody else may be able to write it. Give nobody's file but
    your own: for others there are formats that hold numbers alone, such as ONNX.

    Args:
        path: the file.

    Raises:
        UsageError: it cannot be read, or is not the user's own.
        MissingExtraError: scikit-learn is not installed.
        ModelError: it holds no fitted regressor.
    """
    if not path:
        raise UsageError(
            "sklearn: give a file that joblib has written, such as sklearn:mine.joblib"
        )
    with optional_import("a regressor of scikit-learn", "forecasters"):
        import joblib
    try:
        with _opened(path) as file:
            regressor = joblib.load(file)
    except StreamerError:
        raise
    except Exception as error:
        # Whatever is in the file is run, and may raise anything.
        what = one_line(f"{type(error).__name__}: {error}")
        raise ModelError(f"{path}: it holds no regressor that joblib can load: {what}") from error
    return SklearnForecaster(regressor, Path(path).stem)


def _opened(path: str) -> Any:
    """The file, opened; checked once it is, so that it cannot be replaced in between."""
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - the caller closes it
    except OSError as error:
        raise UsageError(f"sklearn:{path}: {error.strerror}") from None
    found = os.fstat(file.fileno())
    shared = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if os.name == "posix" and (found.st_uid != os.geteuid() or shared):
        file.close()
        what = "others can write it" if shared else "it belongs to another user"
        raise UsageError(
            f"sklearn:{path}: {what}, and to load it would run what they have put in it; "
            "load files of your own only, or use ONNX"
        )
    return file
