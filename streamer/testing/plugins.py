"""Protocol checks for forecasters and sinks."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from functools import partial

from streamer.display.numbers import plural
from streamer.errors import StreamerError
from streamer.models.plugins import AnyForecaster
from streamer.models.plugins.traits import Traits, takes_blocks, traits_of
from streamer.pipeline import Pipeline
from streamer.readings import Link, Notice, Reading, Sample, Step
from streamer.sinks import Item, Sink
from streamer.sinks.items import About, Vitals
from streamer.testing.forecasters import FixedForecaster
from streamer.testing.items import START, readings
from streamer.testing.requirement import require

TOLERANCE_KW = 1e-5
"""Largest difference between forecasts that should be the same."""

_AFTER = 150
_BLOCK = 64


def _ignore(_: str) -> None:
    pass


def check_forecaster(
    make: Callable[[], AnyForecaster],
    *,
    given: Sequence[Reading] | None = None,
    on_passed: Callable[[str], object] = _ignore,
) -> list[Step]:
    """Check by running it that a forecaster follows its protocol.

    Checked are its traits; that each answer is as many finite numbers as its levels need; that the
    same readings give the same forecasts, one by one and in blocks, with a gap among them; and
    that one made anew continues from what `state` has returned, if it has no memory beside that.

    Args:
        make: makes a new forecaster: its class, if that needs no arguments.
        given: readings to forecast, with the channels that it takes; None for drawn ones.
        on_passed: called after each check with what was checked, as one line.

    Returns:
        The steps, for further checks; their forecasts are the forecaster's own.

    Raises:
        AssertionError: it does not follow the protocol; the message names the deviation.

    >>> class Mean:
    ...     def forecast(self, window):
    ...         return sum(window) / len(window)
    >>> steps = check_forecaster(Mean)
    >>> len(steps), steps[48].forecast is None, steps[-1].forecast.kw > 0
    (199, False, True)
    """
    first = make()
    try:
        traits = traits_of(first)
    except StreamerError as error:
        raise AssertionError(str(error)) from error
    has_state, has_restore = (callable(getattr(first, each, None)) for each in ("state", "restore"))
    require(has_state == has_restore, "state() and restore() go together; one of them is missing")
    on_passed(f"traits: {_described(traits)}")
    given = _drawn(traits) if given is None else given
    pipeline = Pipeline(first, adapt=False)
    half = max(traits.window, len(given) // 2)
    steps = [pipeline.push(reading) for reading in given[:half]]
    state = json.loads(json.dumps(pipeline.state()))
    steps += [pipeline.push(reading) for reading in given[half:]]
    _require_no_faults(pipeline)
    forecasts = sum(step.forecast is not None for step in steps)
    require(forecasts > 0, "it has not forecast any of the readings")
    on_passed(f"answers: {forecasts} of {len(steps)} readings forecast, each as finite numbers")
    again = Pipeline(make(), adapt=False)
    in_blocks = [
        step
        for start in range(0, len(given), _BLOCK)
        for step in again.push_many(given[start : start + _BLOCK])
    ]
    _require_no_faults(again)
    _require_same(steps, in_blocks, "made anew, it gives other forecasts of the same readings")
    on_passed(f"repetition: made anew and in blocks of {_BLOCK}, the same forecasts")
    if takes_blocks(first) or has_state or not callable(getattr(first, "learn", None)):
        continued = Pipeline(make(), adapt=False)
        continued.restore(state)
        rest = [continued.push(reading) for reading in given[half:]]
        _require_no_faults(continued)
        _require_same(steps[half:], rest, "made anew and given its state, it forecasts otherwise")
        on_passed(f"state: made anew and given it after {half} readings, the same forecasts")
    else:
        on_passed("state: it has none, so that what it learns begins anew after a restart")
    return steps


def check_sink(sink: Sink, *, on_passed: Callable[[str], object] = _ignore) -> list[Item]:
    """Check that a sink takes all kinds of items, in an order in which a stream gives them.

    Args:
        sink: the sink. It is closed.
        on_passed: called after each check with what was checked, as one line.

    Returns:
        The items that it was given, for further checks.

    Raises:
        AssertionError: it does not follow the protocol; the message names the deviation.
    """
    require(isinstance(sink, Sink), "a sink must have the methods write(item) and close()")
    pipeline = Pipeline(FixedForecaster(window=2, spread_kw=0.1))
    at = START.replace(tzinfo=UTC)
    items: list[Item] = [
        About(source="list", model="fixed"),
        Notice(Notice.EVENT, "begun"),
        Link(Link.UP, "meter", since=at),
        Sample(0.4, at),
        *(pipeline.push(reading) for reading in readings([0.4, 0.6, 1.0, float("nan"), -0.2])),
        Vitals(100.0, 0.1, 0.2, readings=4),
        Link(Link.LOST, "meter", "no answer", since=at, retry_at=at + timedelta(seconds=5)),
    ]
    for item in items:
        _call(f"write({type(item).__name__})", partial(sink.write, item))
    kinds = sorted({type(item).__name__ for item in items})
    on_passed(f"write: {len(items)} items of the kinds {', '.join(kinds)}")
    for _ in range(2):
        _call("close()", sink.close)
    on_passed("close: twice, as it may be")
    return items


def _call(name: str, function: Callable[[], None]) -> None:
    try:
        function()
    except Exception as error:
        raise AssertionError(f"{name} raised {type(error).__name__}: {error}") from error


def _described(traits: Traits) -> str:
    levels = ", ".join(f"{level:g}" for level in traits.levels)
    return (
        f"a window of {plural(traits.window, 'reading')}, quantiles {levels or 'none'}, "
        f"channels {', '.join(traits.channels) or 'none'}"
    )


def _drawn(traits: Traits) -> list[Reading]:
    """Readings as of a house, minutes apart but for one gap, with the channels of a forecaster."""
    draw = random.Random(26)  # noqa: S311 - no secret
    count = traits.window + _AFTER
    kw = [round(draw.gammavariate(1.5, 0.4), 3) for _ in range(count)]
    kw[count // 3] = -1.5  # a house that exports
    kw[count // 2] = 11.0  # a car
    drawn = readings(kw)
    late = [replace(each, at=each.at + timedelta(hours=2)) for each in drawn[-_AFTER // 3 :]]
    drawn = [*drawn[: -_AFTER // 3], *late]
    places = range(len(traits.channels))
    return [
        replace(each, channels=tuple(round(draw.uniform(0.0, 240.0), 1) for _ in places))
        for each in drawn
    ]


def _require_no_faults(pipeline: Pipeline) -> None:
    faults = [notice.text for notice in pipeline.gathered()]
    require(not faults, "; ".join(faults))


def _require_same(expected: Sequence[Step], found: Sequence[Step], message: str) -> None:
    for one, other in zip(expected, found, strict=True):
        kw, other_kw = _forecast_kw(one), _forecast_kw(other)
        same = kw == other_kw or (
            kw is not None and other_kw is not None and abs(kw - other_kw) <= TOLERANCE_KW
        )
        require(same, f"{message}: at {one.reading.at}, {kw} kW and {other_kw} kW")


def _forecast_kw(step: Step) -> float | None:
    return None if step.forecast is None else step.forecast.kw
