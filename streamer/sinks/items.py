"""Values for sinks alone: the head of a stream, and how it is running."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class About:
    """What is being watched, and with what.

    Attributes:
        source: the source as a person would name it.
        model: the model's name.
        trained_from: first minute that the model was trained on, if known.
        trained_to: last minute that the model was trained on, if known.
        capacity: size of the ring buffer, window and target.
        engine: name of the engine that computes the model.
    """

    source: str
    model: str
    trained_from: datetime | None = None
    trained_to: datetime | None = None
    capacity: int = 50
    engine: str = ""

    def in_sample(self, at: datetime) -> bool:
        """Whether a minute lies inside the span that the model was trained on.

        Only the clock is compared: another house in the same years counts as inside.
        """
        if self.trained_from is None or self.trained_to is None:
            return False
        at = at.replace(tzinfo=None)
        return self.trained_from <= at <= self.trained_to


@dataclass(frozen=True, slots=True)
class Vitals:
    """How the stream is running; a few of these a second.

    Attributes:
        readings_per_s: readings handled a second, lately.
        latency_p50_ms: median time from a reading to its forecast in ms, lately.
        latency_p99_ms: 99th percentile of the same.
        readings: readings handled so far.
        progress: share of a recording that is done, 0 to 1; None where it has no known
            end, or is held back.
        left_s: seconds until it will be done, as far as can be told; None likewise.
    """

    readings_per_s: float
    latency_p50_ms: float
    latency_p99_ms: float
    readings: int = 0
    progress: float | None = None
    left_s: float | None = None
