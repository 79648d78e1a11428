"""Fakes and protocol checks for the tests of plug-in sources, models and sinks."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamer.feeds import Feed, FeedItem
from streamer.models import Answer, ForecastStream, MeansHead
from streamer.readings import MINUTE, CounterSample, Link, Notice, Reading, Sample
from streamer.readings.powers import side_powers_of
from streamer.sources import Source

START = datetime(2010, 3, 19, 17, 0)

_FROZEN_WAIT_S = 0.01


def readings(kw: Iterable[float], *, start: datetime = START) -> list[Reading]:
    """Readings one minute apart.

    Args:
        kw: their values in kW; a NaN leaves a gap of one minute.
        start: minute of the first value.

    >>> [reading.at.minute for reading in readings([0.3, math.nan, 0.4])]
    [0, 2]
    """
    return [
        Reading(start + minute * MINUTE, float(value))
        for minute, value in enumerate(kw)
        if not math.isnan(value)
    ]


class ListSource:
    """Source of given items.

    Args:
        items: readings and notices, in order.
        block: number of items returned at once.
        name: the source's name.
    """

    def __init__(
        self, items: Iterable[Reading | Notice], *, block: int = 100, name: str = "list"
    ) -> None:
        self._items = list(items)
        self._block = block
        self._name = name
        self._given = 0
        self.closed = False

    @property
    def name(self) -> str:
        """The source's name."""
        return self._name

    def read(self) -> Sequence[Reading | Notice]:
        """The next block, or an empty one at the end."""
        block = self._items[self._given : self._given + self._block]
        self._given += len(block)
        return block

    def close(self) -> None:
        """Record that the source was closed."""
        self.closed = True


class FixedForecaster:
    """Forecaster of a constant, or of the last reading.

    Args:
        kw: the forecast in kW; None for the last reading (persistence).
        window: readings in a window.
        spread_kw: distance of the quantiles 0.05 and 0.95 from 0.5, in kW; None for no quantiles.
        horizons: numbers of minutes, from 2 to 60 in rising order, whose mean is forecast too,
            with the same values; none by default.
    """

    def __init__(
        self,
        kw: float | None = None,
        *,
        window: int = 49,
        spread_kw: float | None = None,
        horizons: Sequence[int] = (),
    ) -> None:
        self._kw = kw
        self._window = window
        self._spread = spread_kw
        self.horizons: MeansHead | None = None
        if horizons:
            self.horizons = FixedHead(kw, minutes=horizons, spread_kw=spread_kw)

    @property
    def window(self) -> int:
        """Readings in a window."""
        return self._window

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels of the quantiles."""
        return () if self._spread is None else (0.05, 0.5, 0.95)

    def forecast(self, windows: ArrayLike) -> Answer:
        """Forecast the reading after each of (windows, timesteps) in kW."""
        last = np.asarray(windows, dtype=np.float64)[:, -1]
        mean = last.copy() if self._kw is None else np.full(len(last), self._kw)
        offsets = np.array([] if self._spread is None else [-self._spread, 0.0, self._spread])
        return Answer(mean, mean[:, None] + offsets, np.zeros((len(last), 0), np.float32))

    def stream(self) -> ForecastStream:
        """A forecaster for one stream."""
        return _FixedStream(self)


class FixedHead:
    """Head that forecasts a constant, or the last reading, as the mean of the next minutes.

    Args:
        kw: the forecast in kW; None for the last reading.
        minutes: numbers of minutes, in rising order.
        spread_kw: distance of the quantiles 0.05 and 0.95 from the median in kW; None for 0.
    """

    def __init__(
        self, kw: float | None = None, *, minutes: Sequence[int], spread_kw: float | None = None
    ) -> None:
        self.minutes = tuple(minutes)
        self._kw = kw
        spread = spread_kw or 0.0
        self._offsets = np.array([0.0, -spread, 0.0, spread])

    def one(
        self, hidden: NDArray[np.float32], features: NDArray[np.float32], last_kw: float
    ) -> NDArray[np.float64]:
        """Forecast at one reading: (horizons, 4) mean, low, median and high in kW."""
        found: NDArray[np.float64] = self.many(hidden[None], features[None], np.array([last_kw]))[0]
        return found

    def many(
        self,
        hidden: NDArray[np.float32],  # noqa: ARG002 - as the protocol has it
        features: NDArray[np.float32],  # noqa: ARG002
        last_kw: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Forecast at each of several readings: (readings, horizons, 4) in kW."""
        kw = last_kw if self._kw is None else np.full(len(last_kw), self._kw)
        found: NDArray[np.float64] = kw[:, None, None] + self._offsets
        repeated: NDArray[np.float64] = np.repeat(found, len(self.minutes), axis=1)
        return repeated


class _FixedStream:
    def __init__(self, forecaster: FixedForecaster) -> None:
        self._forecaster = forecaster
        self._pushed = 0

    def restart(self, seen: int = 0) -> None:  # noqa: ARG002 - has no lanes to align
        self._pushed = 0

    def push(self, kw: float) -> Answer | None:
        self._pushed += 1
        if self._pushed < self._forecaster.window:
            return None
        return self._forecaster.forecast([[kw]])


class ManualClock:
    """Clock that advances only when it is waited for, by the whole wait at once.

    Args:
        wall: initial date, in seconds since 1970.
        frozen: whether waits do not advance it either: time then passes by `advance` only, and
            a wait returns when notified, after a short moment of real time at most.

    Attributes:
        waits: the waits so far, in seconds.
    """

    def __init__(self, *, wall: float = 0.0, frozen: bool = False) -> None:
        # Pairs, since another thread must never see one value of them without the other.
        self._now_stopped = 0.0, 0.0
        self._wall_asleep = wall, 0.0
        self._frozen = frozen
        self.waits: list[float | None] = []

    def now(self) -> float:
        """Seconds since the clock was made."""
        return self._now_stopped[0]

    def wall(self) -> float:
        """The date, in seconds since 1970."""
        return self._wall_asleep[0] + self.now()

    def stopped(self) -> float:
        """Seconds for which the process was stopped."""
        return self._now_stopped[1]

    def asleep(self) -> float | None:
        """Seconds for which the machine was asleep."""
        return self._wall_asleep[1]

    def advance(self, seconds: float) -> None:
        """Advance the clock."""
        now_s, stopped_s = self._now_stopped
        self._now_stopped = now_s + seconds, stopped_s

    def stop(self, seconds: float) -> None:
        """Advance the clock while the process is stopped."""
        now_s, stopped_s = self._now_stopped
        self._now_stopped = now_s + seconds, stopped_s + seconds

    def sleep(self, seconds: float) -> None:
        """Let the machine sleep: only the date advances."""
        wall_s, asleep_s = self._wall_asleep
        self._wall_asleep = wall_s + seconds, asleep_s + seconds

    def set_wall(self, seconds: float) -> None:
        """Set the date, as a person or a time server would; the monotonic time stays."""
        self._wall_asleep = seconds - self.now(), self._wall_asleep[1]

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Advance by the whole wait at once; without a time limit, really wait until notified."""
        self.waits.append(seconds)
        if seconds is None:
            condition.wait()
        elif self._frozen:
            condition.wait(_FROZEN_WAIT_S)
        else:
            self.advance(seconds)


def read_feed(feed: Feed, samples: int, *, within_s: float = 10.0) -> list[FeedItem]:
    """Read a feed until it has returned enough samples, or has ended.

    Args:
        feed: the feed; it is left open.
        samples: number of samples to wait for; more may be returned.
        within_s: how long to wait.

    Returns:
        All items returned, in order.

    Raises:
        AssertionError: it took too long; the feed is then closed.
        SourceError, OSError: raised by `read`.
    """
    items: list[FeedItem] = []
    failed: list[BaseException] = []

    def read_on() -> None:
        try:
            while sum(isinstance(item, Sample | CounterSample) for item in items) < samples:
                block = feed.read()
                items.extend(block)
                if not block:
                    return
        except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
            failed.append(error)

    reader = threading.Thread(target=read_on, daemon=True)
    reader.start()
    reader.join(within_s)
    if reader.is_alive():
        feed.close()
        raise AssertionError(f"waited {within_s:g} s for {samples} samples, got {items}")
    if failed:
        raise failed[0]
    return items


@overload
def check_source(
    source: Source, *, spacing: timedelta | None = None, samples: int | None = None
) -> list[Reading]: ...
@overload
def check_source(
    source: Feed, *, spacing: timedelta | None = None, samples: int | None = None
) -> list[Sample | CounterSample]: ...
def check_source(
    source: Source | Feed, *, spacing: timedelta | None = None, samples: int | None = None
) -> list[Reading] | list[Sample | CounterSample]:
    """Check by reading that a source, or the feed of a plug-in, follows its protocol.

    Args:
        source: a source that comes to an end, or a feed. It is closed.
        spacing: minimum time between readings; None for any.
        samples: required for a feed: number of samples to read, within ten
            seconds, before it is closed while it waits for more.

    Returns:
        The readings, or the samples, for further checks.

    Raises:
        AssertionError: it does not follow the protocol; the message names the deviation.
    """
    _require(bool(source.name), "name must not be empty")
    if samples is None:
        return _check_readings(source, spacing)
    return _check_samples(source, samples)


def _check_readings(source: Source | Feed, spacing: timedelta | None) -> list[Reading]:
    found: list[Reading] = []
    while block := source.read():
        for item in block:
            _require(
                isinstance(item, Reading | Notice),
                f"read() returned a {type(item).__name__} (for a feed, set samples)",
            )
            if isinstance(item, Reading):
                _require(
                    all(map(math.isfinite, (item.consumption_kw, *item.channels))),
                    f"powers or channels are not finite: {item}",
                )
                if found:
                    _require(
                        side_powers_of(item) == side_powers_of(found[-1]),
                        "solar or battery power must be in all readings or in none, and is not "
                        f"in all at {item.at}",
                    )
                    _require(
                        len(item.channels) == len(found[-1].channels),
                        f"{item.at} has {len(item.channels)} channels, the reading before it "
                        f"{len(found[-1].channels)}",
                    )
                    step = item.at - found[-1].at
                    _require(step > timedelta(0), f"{item.at} does not come after {found[-1].at}")
                    _require(spacing is None or step >= spacing, f"{item.at} follows in {step}")
                found.append(item)
    _require(not source.read(), "read() after the end must return an empty sequence")
    source.close()
    source.close()
    return found


def _check_samples(source: Source | Feed, samples: int) -> list[Sample | CounterSample]:
    _require(isinstance(source, Feed), "a feed must have name, read and close")
    found: list[Sample | CounterSample] = []
    for item in read_feed(source, samples):  # type: ignore[arg-type]
        _require(
            isinstance(item, Sample | CounterSample | Link | Notice),
            f"read() returned a {type(item).__name__}",
        )
        if isinstance(item, Sample | CounterSample):
            value = item.kw if isinstance(item, Sample) else item.kwh
            _require(not math.isinf(value), f"sample at {item.at} is {value}")
            _require(item.at is None or item.at.tzinfo is not None, f"time {item.at} has no zone")
            channel = item.channel if isinstance(item, Sample) else ""
            declared = ("", *getattr(source, "channels", ()))
            _require(channel in declared, f"channel {channel!r} is not in the feed's channels")
            found.append(item)
        elif isinstance(item, Link):
            _require(item.state == Link.UP, f"a feed must report that it is up, not {item.state!r}")
    waiting = threading.Thread(target=_read_to_end, args=(source,), daemon=True)
    waiting.start()
    waiting.join(0.05)
    source.close()
    waiting.join(5.0)
    _require(not waiting.is_alive(), "close() must make a read() that waits return, within 5 s")
    _require(not source.read(), "read() after close() must return an empty sequence")
    source.close()
    return found


def _read_to_end(source: Source | Feed) -> None:
    while source.read():
        pass


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)
