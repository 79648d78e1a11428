"""Faults of a forecaster: answers that cannot be used, each kind of which is reported once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from streamer.display.lines import one_line
from streamer.errors import ModelError
from streamer.models import Answer
from streamer.models.bounds import MAX_UNITS
from streamer.readings import Notice
from streamer.readings.arrays import DoubleArray

MAX_FORECAST_KW = 1e4
"""Bound on a forecast in kW: beyond it a forecaster has diverged, and its errors would outweigh
all others for ever."""

_MAX_TEXT = 200


class FaultError(ModelError):
    """An answer of a forecaster that cannot be used.

    Args:
        kind: kind of the fault, each of which is reported once.
        what: the fault, as the rest of a sentence about the forecaster.
    """

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(what)
        self.kind = kind


class Faults:
    """Faults of one forecaster so far.

    Args:
        name: name of the forecaster, for messages.
        role: what it is, for messages.

    >>> faults = Faults("mine:Trend")
    >>> for minute in (1, 2):
    ...     faults.add(ValueError("no trend"), "forecast()", datetime(2010, 3, 19, 17, minute))
    >>> [notice.text for notice in faults.gathered()]
    ['model mine:Trend: forecast() raised ValueError: no trend; the minute is not forecast']
    >>> faults.gathered()
    []
    """

    def __init__(self, name: str, role: str = "model") -> None:
        self._title = f"{role} {name}"
        self._known: set[str] = set()
        self._new: list[Notice] = []

    def add(
        self,
        error: Exception,
        call: str,
        at: datetime | None,
        *,
        effect: str = "the minute is not forecast",
    ) -> None:
        """Add a fault, and report it if it is the first of its kind.

        Args:
            error: a `FaultError`, or what the forecaster has raised.
            call: the call that failed, such as ``forecast()``.
            at: the minute of the reading at which it failed.
            effect: consequence of the fault.
        """
        if isinstance(error, FaultError):
            kind, what = error.kind, str(error)
        else:
            kind = type(error).__name__
            what = f"raised {kind}: {error}" if str(error) else f"raised {kind}"
        if (found := f"{call} {kind}") in self._known:
            return
        self._known.add(found)
        text = f"{self._title}: {call} {one_line(what)[:_MAX_TEXT]}; {effect}"
        self._new.append(Notice(Notice.WARNING, text, at, reason=Notice.PLUGIN))

    def gathered(self) -> list[Notice]:
        """Notices about new kinds of faults since the last call."""
        found, self._new = self._new, []
        return found


def numbers_of(result: object, levels: int) -> list[float]:
    """The mean and the quantiles that a forecaster has returned for one window.

    Args:
        result: what it returned: a number, or a sequence of 1 + levels numbers.
        levels: number of its quantiles.

    Returns:
        The mean, and the quantiles in rising order.

    Raises:
        FaultError: they are not finite numbers, too large, or not as many.

    >>> numbers_of([0.5, 0.2, 0.1], levels=2)
    [0.5, 0.1, 0.2]
    """
    wanted = 1 + levels
    try:
        values = np.asarray(result, np.float64)
    except (OverflowError, TypeError, ValueError):
        raise FaultError("type", f"gave {result!r:.60}, not a number of kW") from None
    if values.size != wanted or values.ndim > 1:
        text = "a number" if wanted == 1 else f"{wanted} numbers: the mean, and {levels} quantiles"
        raise FaultError("shape", f"gave an array of shape {values.shape}, not {text}")
    _check_finite(values)
    mean, *quantiles = values.reshape(-1).tolist()
    return [mean, *sorted(quantiles)]


def checked_answer(answer: object, windows: int, levels: int) -> Answer:
    """An answer of a forecaster for some windows, with plain types and quantiles in rising order.

    Raises:
        FaultError: it is not an `Answer`, its arrays have other shapes, or a value is not finite
            or too large.
    """
    if not isinstance(answer, Answer):
        raise FaultError("type", f"gave {type(answer).__name__}, not an Answer")
    mean = _array("mean_kw", answer.mean_kw, (windows,))
    quantiles = _array("quantiles_kw", answer.quantiles_kw, (windows, levels))
    hidden = _array("hidden", answer.hidden, (windows, None))
    for values in (mean, quantiles):
        _check_finite(values)
    if hidden.shape[1] > MAX_UNITS:
        raise FaultError("shape", f"gave {hidden.shape[1]} hidden units, at most {MAX_UNITS} fit")
    with np.errstate(over="ignore"):
        hidden_32 = hidden.astype(np.float32)
    if not np.isfinite(hidden_32).all():
        raise FaultError("finite", "gave a hidden state that is not finite")
    if levels > 1 and (quantiles[:, 1:] < quantiles[:, :-1]).any():
        quantiles = np.sort(quantiles, axis=1)
    return Answer(mean, quantiles, hidden_32)


def _array(name: str, values: object, shape: Sequence[int | None]) -> DoubleArray:
    try:
        found = np.asarray(values, np.float64)
    except (OverflowError, TypeError, ValueError):
        raise FaultError("type", f"gave {name} that are not numbers") from None
    fits = found.ndim == len(shape) and all(
        wanted in (None, size) for size, wanted in zip(found.shape, shape, strict=True)
    )
    if not fits:
        wanted = "(" + ", ".join("units" if each is None else str(each) for each in shape) + ")"
        raise FaultError("shape", f"gave {name} of shape {found.shape}, not {wanted}")
    return found


def _check_finite(values: DoubleArray) -> None:
    # NaN compares as false.
    if not (np.abs(values) <= MAX_FORECAST_KW).all():
        value = values[~(np.abs(values) <= MAX_FORECAST_KW)].flat[0]
        what = "not a plausible power" if np.isfinite(value) else "not a finite number"
        raise FaultError("finite", f"gave {value:g} kW, {what}")
