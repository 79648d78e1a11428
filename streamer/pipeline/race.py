"""Race of challengers beside the model of a pipeline, scored on the same minutes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from math import isnan, nan
from typing import Any, NamedTuple, cast

from streamer.errors import ModelError, StateError
from streamer.models.plugins import AnyForecaster, SimpleForecaster
from streamer.models.plugins.single import SingleStream
from streamer.models.plugins.traits import Traits, takes_blocks, traits_of
from streamer.models.plugins.windowed import Windowed
from streamer.pipeline.champion import Succession
from streamer.readings import ErrorScores, Forecast, Notice, Reading
from streamer.readings.challengers import ChallengerScores, Champion
from streamer.readings.saved import count, number
from streamer.scores.parts import MAX_ERROR_KW

_FORECASTERS = ("challenger", "model", "persistence")


@dataclass(frozen=True, slots=True)
class Entry:
    """One challenger, checked.

    Attributes:
        forecaster: the challenger, which is asked one window at a time.
        traits: its traits, with the name by which it is shown.
        places: places of its channels among those of a reading.
    """

    forecaster: SimpleForecaster
    traits: Traits
    places: tuple[int, ...]


def entries_of(
    challengers: Mapping[str, AnyForecaster], channels: Sequence[str]
) -> tuple[Entry, ...]:
    """Check the challengers of a pipeline.

    Args:
        challengers: each by its name.
        channels: names of the channels that readings have, which are those of the model.

    Raises:
        ModelError: one lacks a method, has a wrong trait, or takes a channel that the model does
            not take.
    """
    found = []
    for name, forecaster in challengers.items():
        traits = traits_of(forecaster, name)
        missing = [each for each in traits.channels if each not in channels]
        if missing:
            raise ModelError(
                f"challenger {name}: it takes {', '.join(missing)}, which the model does not take; "
                "choose a model that does"
            )
        places = tuple(map(list(channels).index, traits.channels))
        simple = Windowed(forecaster) if takes_blocks(forecaster) else forecaster
        found.append(Entry(cast(SimpleForecaster, simple), traits, places))
    return tuple(found)


class Raced(NamedTuple):
    """What a step has of a race; see `streamer.readings.Step`."""

    challengers: tuple[ChallengerScores, ...]
    forecast: Forecast | None
    champion: Champion | None


class Race:
    """Challengers of one stream, each of which is asked, scored and taught with every reading.

    They forecast the grid power from itself, also where solar power is measured, and their
    forecasts are scored as they are, without the correction that those of the model get.

    Args:
        entries: the challengers.
        served_confidence: nominal coverage of the band around the best forecast, if that is
            shown; None if the model's always is.

    Attributes:
        succession: what decides whose forecast is shown; None if the model's always is.
    """

    def __init__(self, entries: Sequence[Entry], *, served_confidence: float | None = None) -> None:
        self._runners = [_Runner(entry) for entry in entries]
        self.succession: Succession | None = None
        if served_confidence is not None:
            names = [runner.name for runner in self._runners]
            self.succession = Succession(names, confidence=served_confidence)

    def one(self, reading: Reading, settled: Forecast | None, forecast: Forecast | None) -> Raced:
        """Take a reading.

        Args:
            reading: the reading.
            settled: the forecast shown that it settles; None if there is none.
            forecast: that of the model that is issued at it; None if there is none.
        """
        model_kw, last_kw = (None, nan) if settled is None else (settled.kw, settled.last_kw)
        own_kw = None if self.succession is None else self.succession.settle(reading.kw)
        for runner in self._runners:
            runner.take(reading, model_kw if own_kw is None else own_kw, last_kw)
        scores = tuple(runner.scores() for runner in self._runners)
        if self.succession is None:
            return Raced(scores, forecast, None)
        return Raced(scores, *self.succession.shown(forecast, scores))

    def many(
        self, readings: Iterable[Reading], model_kw: Iterable[float], last_kw: Iterable[float]
    ) -> None:
        """Take consecutive readings, as `one` would in turn, where the model's forecast is shown.

        Args:
            readings: the readings.
            model_kw: the model's mean forecasts of them; NaN where it had none.
            last_kw: the reading before each.
        """
        for reading, model, last in zip(readings, model_kw, last_kw, strict=True):
            for runner in self._runners:
                runner.take(reading, None if isnan(model) else model, last)

    def restart(self) -> None:
        """Begin new windows, as after a long gap."""
        for runner in self._runners:
            runner.restart()
        if self.succession is not None:
            self.succession.restart()

    def gathered(self) -> list[Notice]:
        """Notices about faults since the last call."""
        return list(chain.from_iterable(runner.gathered() for runner in self._runners))

    def state(self) -> dict[str, Any]:
        """Everything that the next scores depend on, by name, as plain JSON values."""
        return {runner.name: runner.state() for runner in self._runners}

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Continue from a saved state; a challenger that is not in it, or not takes it, is new."""
        for runner in self._runners:
            saved = None if state is None else state.get(runner.name)
            if saved is not None:
                runner.restore(saved)


class _Runner:
    """One challenger, its waiting forecast, and its sums."""

    def __init__(self, entry: Entry) -> None:
        self.name = entry.traits.name
        self._places = entry.places
        self._stream = SingleStream(entry.forecaster, entry.traits, "challenger")
        self._waiting_kw: float | None = None
        self._settled = self._absent = 0
        self._squared = [0.0] * len(_FORECASTERS)
        self._absolute = [0.0] * len(_FORECASTERS)

    def take(self, reading: Reading, model_kw: float | None, last_kw: float) -> None:
        if model_kw is not None:
            if self._waiting_kw is None:
                self._absent += 1
            else:
                self._score(reading.kw, (self._waiting_kw, model_kw, last_kw))
        channels = [reading.channels[place] for place in self._places]
        self._waiting_kw = _mean_of(self._stream, reading.at, reading.kw, channels)

    def scores(self) -> ChallengerScores:
        errors = [ErrorScores()] * len(_FORECASTERS)
        if settled := self._settled:
            sums = zip(self._squared, self._absolute, strict=True)
            errors = [ErrorScores(squared / settled, size / settled) for squared, size in sums]
        return ChallengerScores(self.name, self._waiting_kw, settled, self._absent, *errors)

    def restart(self) -> None:
        self._stream.restart()
        self._waiting_kw = None

    def gathered(self) -> list[Notice]:
        return self._stream.gathered()

    def state(self) -> dict[str, Any]:
        return {
            "stream": self._stream.state(),
            "waiting_kw": self._waiting_kw,
            "settled": self._settled,
            "absent": self._absent,
            "squared": self._squared.copy(),
            "absolute": self._absolute.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        try:
            waiting = state["waiting_kw"]
            waiting_kw = None if waiting is None else number(waiting)
            settled, absent = count(state["settled"]), count(state["absent"])
            squared, absolute = (
                [number(each) for each in state[name]] for name in ("squared", "absolute")
            )
            if {len(squared), len(absolute)} != {len(_FORECASTERS)}:
                raise ValueError("the sums are not as many as they should be")
            self._stream.restore(state["stream"])
        except (AttributeError, LookupError, TypeError, ValueError, StateError) as error:
            self._stream.faults.add(error, "restore()", None, effect="it begins anew")
            return
        self._waiting_kw, self._settled, self._absent = waiting_kw, settled, absent
        self._squared, self._absolute = squared, absolute

    def _score(self, actual_kw: float, forecasts_kw: Sequence[float]) -> None:
        self._settled += 1
        for place, kw in enumerate(forecasts_kw):
            error = min(abs(actual_kw - kw), MAX_ERROR_KW)
            self._squared[place] += error * error
            self._absolute[place] += error


def _mean_of(
    stream: SingleStream, at: datetime, kw: float, channels: Sequence[float]
) -> float | None:
    answer = stream.one(at, kw, channels)
    return None if answer is None else answer.mean_kw.item()
