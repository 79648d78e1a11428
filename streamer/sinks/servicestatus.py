"""State of a meter in a few words, for the status line of a service."""

from __future__ import annotations

from collections.abc import Callable

from streamer.display.lines import one_line
from streamer.display.numbers import amount
from streamer.readings import Link, Step
from streamer.sinks import Item


class ServiceStatus:
    """Keeps the status line of a meter up to date: its latest minute, or an outage.

    Args:
        put: takes the line, and does not wait.
    """

    def __init__(self, put: Callable[[str], None]) -> None:
        self._put = put

    def write(self, item: Item) -> None:
        """Update the line by a step or a change of the connection."""
        if isinstance(item, Step):
            self._put(status_line(item))
        elif isinstance(item, Link) and item.state != Link.UP:
            since = f" since {item.since:%H:%M}" if item.since else ""
            reason = f": {one_line(item.text)}" if item.text else ""
            self._put(f"{one_line(item.peer)} {item.state}{since}{reason}")

    def close(self) -> None:
        """Nothing to do: the end is announced by the service itself."""


def status_line(step: Step) -> str:
    """A step in a few words.

    >>> from streamer.pipeline import Pipeline
    >>> from streamer.testing import FixedForecaster, readings
    >>> pipeline = Pipeline(FixedForecaster(kw=0.5, window=1, spread_kw=0.25))
    >>> print(status_line(pipeline.push(readings([0.25])[0])))
    17:00 0.25 kW, next 0.50 kW (0.25 to 0.75)
    """
    line = f"{step.reading.at:%H:%M} {amount(step.reading.kw, 2)} kW"
    forecast = step.forecast
    if forecast is None:
        return line
    low, high = amount(forecast.low_kw, 2), amount(forecast.high_kw, 2)
    return f"{line}, next {amount(forecast.point_kw, 2)} kW ({low} to {high})"
