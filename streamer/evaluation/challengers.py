"""Forecasts by forecasters of one's own, or of other libraries, each minute in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import numpy as np

from streamer.display.numbers import plural
from streamer.evaluation.forecasts import Advance, Forecasts
from streamer.evaluation.stretch import Stretch
from streamer.models.plugins import AnyForecaster
from streamer.models.plugins.single import SingleStream
from streamer.pipeline.race import entries_of


def forecast_challengers(
    challengers: Mapping[str, AnyForecaster],
    stretch: Stretch,
    task: Callable[[str, int], Advance],
    *,
    before: int = 0,
    role: str = "challenger",
) -> tuple[list[Forecasts], list[str]]:
    """Forecast every scored minute by challengers.

    Each forecasts the grid power from itself. A minute without a forecast of one, as until its
    window is full, is scored as if it had forecast the last reading, so that all are
    scored on the same minutes.

    Args:
        challengers: each by its name.
        stretch: the stretch to forecast.
        task: begins a part of the work, by its name and its number of minutes.
        before: number of readings before the stretch that they see as well, if there are as many;
            without any, they see the stretch from its beginning.
        role: what they are, for messages.

    Returns:
        The forecasts of each, and notes about faults and minutes without a forecast.

    Raises:
        ModelError: one has a wrong trait, or takes a channel that the stretch does not have.
    """
    found, notes = [], []
    begin = max(0, stretch.start - before)
    first = stretch.first - begin
    for entry in entries_of(challengers, tuple(stretch.channels)):
        name, advance = entry.traits.name, task(entry.traits.name, stretch.minutes)
        stream = SingleStream(entry.forecaster, entry.traits, role)
        columns = [stretch.channels[each][begin:] for each in entry.traits.channels]
        rows = np.column_stack([stretch.kw[begin:], *columns]).tolist()
        times: list[datetime] = stretch.at[begin:].tolist()
        mean = np.full(len(rows), np.nan)
        for row, (at, (kw, *channels)) in enumerate(zip(times, rows, strict=True)):
            answer = stream.one(at, kw, channels)
            if answer is not None:
                mean[row] = answer.mean_kw[0]
            if row >= first:
                advance(1)
        scored = mean[first - 1 : -1]
        absent = np.isnan(scored)
        found.append(Forecasts(name, np.where(absent, stretch.last_kw, scored)))
        notes += [notice.text for notice in stream.gathered()]
        if absent.any():
            minutes = plural(int(absent.sum()), "minute")
            notes.append(f"{name}: {minutes} without a forecast are scored as the last reading")
    return found, notes
