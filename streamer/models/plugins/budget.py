"""Time budget for the calls of a forecaster, which then cannot hold up a stream."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar, cast

from numpy.typing import ArrayLike

from streamer.models import (
    Answer,
    ChannelStream,
    Forecaster,
    ForecastStream,
    channels_of,
    horizons_of,
)
from streamer.models.plugins import AnyForecaster, SimpleForecaster
from streamer.models.plugins.faults import FaultError
from streamer.models.plugins.traits import name_of, takes_blocks
from streamer.models.plugins.window import Window

BUDGET_S = 5.0
"""Longest wait for one call: the forecast of a minute should be there long before its end."""

_WAITS = 3
"""Calls that still wait for an earlier one to return."""

_OPTIONAL = ("learn", "state", "restore")
_TRAITS = ("window", "levels", "channels")

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(eq=False)
class _Task:
    call: Callable[[], Any]
    done: threading.Event = field(default_factory=threading.Event)
    result: Any = None
    error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = self.call()
        except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
            self.error = error
        self.done.set()


class Worker:
    """Thread for the calls of one forecaster, which are waited for, but not for ever.

    A call that takes longer cannot be cancelled in Python. The thread stays with it, and what the
    call returns at last is dropped. Until then other calls fail: the first few after a wait of the
    budget, so that one slow call costs a recording at full speed a minute or two, and all later
    ones at once, so that one that hangs holds up nothing. It is a daemon thread, which the end of
    the process does not wait for.

    Args:
        budget_s: longest wait for one call, in seconds.
    """

    def __init__(self, budget_s: float) -> None:
        self._budget_s = budget_s
        self._tasks: SimpleQueue[_Task] = SimpleQueue()
        self._late: _Task | None = None
        self._waits = 0
        self._thread: threading.Thread | None = None

    def call(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Call a function in the thread.

        Raises:
            FaultError: it takes longer than the budget, or an earlier call still does.
            Exception: raised by the function.
        """
        if self._late is not None:
            self._waits += 1
            if not self._late.done.wait(self._budget_s if self._waits <= _WAITS else 0.0):
                raise FaultError("slow", "was not called: an earlier call has not returned yet")
            self._late = None
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="forecaster", daemon=True)
            self._thread.start()
        task = _Task(partial(function, *args, **kwargs))
        self._tasks.put(task)
        if not task.done.wait(self._budget_s):
            self._late, self._waits = task, 0
            raise FaultError("slow", f"took longer than {self._budget_s:g} s")
        if task.error is not None:
            raise task.error
        return cast(_T, task.result)

    def _work(self) -> None:
        while True:
            self._tasks.get().run()


def budgeted(
    forecaster: AnyForecaster, *, name: str | None = None, budget_s: float = BUDGET_S
) -> AnyForecaster:
    """The forecaster, each of whose calls is waited for no longer than the budget.

    Args:
        forecaster: a forecaster with correct traits.
        name: its name in messages; None for its own.
        budget_s: longest wait for one call, in seconds.
    """
    name, worker = name or name_of(forecaster), Worker(budget_s)
    if takes_blocks(forecaster):
        return _BudgetedBlocks(forecaster, name, worker)
    return _Budgeted(cast(SimpleForecaster, forecaster), name, worker)


class _Budgeted:
    """A forecaster of single windows."""

    def __init__(self, forecaster: SimpleForecaster, name: str, worker: Worker) -> None:
        self.name = name
        for trait in _TRAITS:
            if hasattr(forecaster, trait):
                setattr(self, trait, getattr(forecaster, trait))
        for method in _OPTIONAL:
            if hasattr(forecaster, method):
                setattr(self, method, partial(worker.call, getattr(forecaster, method)))
        self._forecaster = forecaster
        self._worker = worker

    def forecast(self, window: Window) -> ArrayLike | None:
        """Forecast the reading after a window."""
        return self._worker.call(self._forecaster.forecast, window)


class _BudgetedBlocks:
    """A forecaster of windows in blocks."""

    def __init__(self, forecaster: Forecaster, name: str, worker: Worker) -> None:
        self.name = name
        self.window = forecaster.window
        self.levels = forecaster.levels
        self.channels = channels_of(forecaster)
        self.horizons = horizons_of(forecaster)
        self._forecaster = forecaster
        self._worker = worker

    def forecast(self, windows: ArrayLike) -> Answer:
        """Forecast the reading after each window."""
        return self._worker.call(self._forecaster.forecast, windows)

    def stream(self) -> ChannelStream:
        """A forecaster for one stream."""
        return _BudgetedStream(self._forecaster.stream(), self._worker, bool(self.channels))


class _BudgetedStream:
    def __init__(self, stream: ForecastStream, worker: Worker, has_channels: bool) -> None:
        self._stream = stream
        self._worker = worker
        self._has_channels = has_channels

    def restart(self, seen: int = 0) -> None:
        self._worker.call(self._stream.restart, seen)

    def push(self, kw: float, channels: Sequence[float] = ()) -> Answer | None:
        if self._has_channels:
            stream = cast(ChannelStream, self._stream)
            return self._worker.call(stream.push, kw, channels)
        return self._worker.call(self._stream.push, kw)
