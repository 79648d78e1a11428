"""Values for sinks only: the description of a stream, and its speed and progress."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class About:
    """Description of a stream: its source and its model.

    Attributes:
        source: name of the source for people.
        model: the model's name.
        trained_from: first minute that the model was trained on, if known.
        trained_to: last minute that the model was trained on, if known.
        capacity: size of the ring buffer in readings: the window and its target.
        engine: name of the engine that computes the model.
        trained_spans: first and last minute of each house, if it was trained on several.
    """

    source: str
    model: str
    trained_from: datetime | None = None
    trained_to: datetime | None = None
    capacity: int = 50
    engine: str = ""
    trained_spans: tuple[tuple[datetime, datetime], ...] = ()

    @property
    def spans(self) -> tuple[tuple[datetime, datetime], ...]:
        """First and last minute of each span that the model was trained on, as far as known."""
        if self.trained_spans or self.trained_from is None or self.trained_to is None:
            return self.trained_spans
        return ((self.trained_from, self.trained_to),)

    def in_sample(self, at: datetime) -> bool:
        """Whether a minute lies inside a span that the model was trained on.

        Only times are compared: another house in the same years counts as inside.
        """
        at = at.replace(tzinfo=None)
        return any(first <= at <= last for first, last in self.spans)


@dataclass(frozen=True, slots=True)
class Vitals:
    """Speed and progress of a stream; sent a few times per second.

    Attributes:
        readings_per_s: recent readings per second.
        latency_p50_ms: recent median time from a reading to its forecast, in ms.
        latency_p99_ms: 99th percentile of the same.
        readings: readings processed so far.
        progress: share of the recording that is done, 0 to 1; None if its length is unknown,
            or if it is replayed at a given speed.
        left_s: estimated seconds to the end; None if `progress` is, or before an estimate.
    """

    readings_per_s: float
    latency_p50_ms: float
    latency_p99_ms: float
    readings: int = 0
    progress: float | None = None
    left_s: float | None = None
