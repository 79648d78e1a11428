"""A shard: about a thousand meters, each forecast as a pipeline of its own would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.errors import StateError
from streamer.fleet.arranged import MINUTE_US, NEVER, Stretch, accept, plan, stretches
from streamer.fleet.columns import SILENT, Column, Outcome
from streamer.fleet.records import RecordKeeper, running_columns, waiting_columns
from streamer.fleet.settings import FleetSettings
from streamer.fleet.table import Table
from streamer.models.forecaster import NetworkForecaster
from streamer.readings.arrays import BoolArray, DoubleArray, FloatArray, Records, TimeArray

_AHEAD = 100
_FEW = 4
"""One meter in so many may be ahead of the others without being believed; and one of more than a
few, of which it would not be known who is right."""


class Shard:
    """The state of some meters, and what is done with their readings.

    What `streamer.pipeline.Pipeline` does for one meter, here NumPy does for all that have a
    reading in the same round, and the network computes all windows of a call together. The
    rows that come out are the same as those of a pipeline for each meter, made with
    ``adapt="light"`` (or False), forecasts and bands to 1e-5 kW, whatever the order in which
    the readings of different meters come. Left out of it are the alarm of drift and the
    scores of the last hour and day, for which a fleet has no room.

    Args:
        forecaster: the model.
        settings: what all meters have in common.

    >>> import numpy as np
    >>> from streamer.models import load_model
    >>> shard = Shard(load_model())
    >>> minutes = np.datetime64("2010-03-19T17:00", "us") + np.arange(50) * np.timedelta64(1, "m")
    >>> outcome = shard.push(["attic"] * 50, minutes, np.full(50, 0.3))
    >>> outcome.columns["settled"][-1].item(), round(outcome.columns["next_kw"][-1].item(), 1)
    (1, 0.3)
    """

    def __init__(
        self, forecaster: NetworkForecaster, settings: FleetSettings | None = None
    ) -> None:
        self._settings = FleetSettings() if settings is None else settings
        self._forecaster = forecaster
        self._window = forecaster.window
        self._keeper = RecordKeeper(self._settings, forecaster.window, forecaster.levels)
        self._table = Table(self._keeper.first)
        self.late = self.doubled = self.invalid = 0

    @property
    def meters(self) -> list[str]:
        """Names of all meters it has heard of."""
        return self._table.names

    @property
    def latest(self) -> np.datetime64 | None:
        """The latest minute that more than one meter in a hundred has reached; None before any.

        Not the latest of all: a meter whose clock is ahead would make all others look silent.
        So two meters have to have reached it, if there are more than four.
        """
        last_at = self._table.records["last_at"]
        last_at = last_at[last_at != NEVER]
        if not len(last_at):
            return None
        ahead = max((len(last_at) - 1) // _AHEAD, int(len(last_at) > _FEW))
        return np.datetime64(int(np.partition(last_at, -1 - ahead)[-1 - ahead]), "us")

    @property
    def is_silent(self) -> bool:
        """Whether all meters that have been heard are reported as silent."""
        records = self._table.records
        return bool(records["silent"][records["last_at"] != NEVER].all())

    def push(
        self,
        meter: Sequence[str] | NDArray[Any],
        minute: TimeArray,
        kw: DoubleArray,
    ) -> Outcome:
        """Take readings, in any order.

        A meter's readings are taken in order of time. One that is not after the last that
        its meter has had, in this call or before, is late or double: it is counted and
        dropped, so that readings that come again do no harm.

        Args:
            meter: (readings,) names.
            minute: (readings,) times without a zone, all of one: UTC, say.
            kw: (readings,) mean active power in kW. What is not finite is counted and dropped.

        Returns:
            A row for each reading taken.
        """
        names = meter.tolist() if isinstance(meter, np.ndarray) else list(meter)
        rows = self._table.rows(names)
        at = np.asarray(minute).astype("datetime64[us]").astype(np.int64)
        records = self._table.records
        readings = accept(rows, at, np.asarray(kw, np.float64), records["last_at"])
        self.late += readings.late
        self.doubled += readings.doubled
        self.invalid += readings.invalid
        heard = np.array(self._table.names, object)
        parts = []
        with np.errstate(over="ignore"):  # what is too large is cut off where it counts
            for stretch in stretches(readings):
                all_of_them = len(stretch.rows) == len(records)
                some = records if all_of_them else records[stretch.rows]
                for outcome in self._push_stretch(some, stretch):
                    outcome.columns["meter"] = heard[stretch.rows[outcome.columns["meter"]]]
                    parts.append(outcome)
                if not all_of_them:
                    records[stretch.rows] = some
        return Outcome.joined(parts)

    def silent(self, now: np.datetime64) -> Outcome:
        """Report the meters that have fallen silent; each once, until it is heard again.

        Args:
            now: the minute that it is.

        Returns:
            A row for each, at the first minute that nothing came for.
        """
        after = self._settings.silent_after
        records = self._table.records
        spoken = records["last_at"] != NEVER
        quiet = spoken & ~records["silent"]
        now_us = int(now.astype("datetime64[us]").astype(np.int64))
        rows = np.flatnonzero(quiet & (now_us - records["last_at"] >= after * MINUTE_US))
        if not after or not len(rows):
            return Outcome()
        records["silent"][rows] = True
        some = records[rows]
        last = some["last_at"].view("datetime64[us]")
        since = (some["last_at"] + MINUTE_US).view("datetime64[us]")
        text = [f"no reading after that of {np.datetime_as_string(at, 'm')} UTC" for at in last]
        columns: dict[str, Column] = {
            "meter": np.array(self._table.names, object)[rows],
            "minute": since,
            "alarms": np.full(len(rows), SILENT, object),
            "alarm_text": np.array(text, object),
            **running_columns(some),
        }
        return Outcome.of(len(rows), columns)

    def summary(self) -> Outcome:
        """A row for each meter: its last reading, its waiting forecast and its scores so far."""
        records = self._table.records
        columns: dict[str, Column] = {
            "meter": np.array(self._table.names, object),
            "minute": records["last_at"].view("datetime64[us]"),
            "actual_kw": records["last_kw"].copy(),
            **waiting_columns(records),
            **running_columns(records),
            "alarms": np.array(
                [SILENT if silent else None for silent in records["silent"]], object
            ),
        }
        return Outcome.of(len(records), columns)

    def state(self) -> bytes:
        """Everything that the next row depends on."""
        return self._table.state(
            {
                "late": self.late,
                "doubled": self.doubled,
                "invalid": self.invalid,
                "with": self._goes_with(),
            }
        )

    def restore(self, state: bytes) -> None:
        """Go on from a saved state, bit for bit.

        Raises:
            StateError: it is of another version, window, or settings, or damaged.
        """
        about = self._table.restore(state)
        if about.get("with") != self._goes_with():
            raise StateError(
                f"state of a shard goes with {about.get('with')}, this is {self._goes_with()}"
            )
        self.late, self.doubled, self.invalid = (
            int(str(about.get(name))) for name in ("late", "doubled", "invalid")
        )

    def _goes_with(self) -> dict[str, object]:
        settings = self._settings
        return {
            "window": self._window,
            "record": self._table.records.dtype.itemsize,
            "levels": list(self._forecaster.levels),
            "adapt": settings.adapt,
            "confidence": settings.confidence,
        }

    def _push_stretch(self, some: Records, stretch: Stretch) -> list[Outcome]:
        """Take some rounds of readings; "meter" in the outcome is a place among `some`."""
        rounds = plan(
            stretch,
            last_at=some["last_at"],
            held=some["held"],
            window=self._window,
            gaps=self._settings.gap_rule,
        )
        inputs = np.empty((self._window + len(stretch.at), len(some)), np.float32)
        inputs[: self._window] = some["window"].T
        self._forecaster.to_inputs(stretch.kw, out=inputs[self._window :])
        mean, quantiles = self._forecasts(inputs, stretch.kw, rounds.full)
        outcomes = []
        for number, here in enumerate(rounds.present):
            everywhere = bool(here.all())
            part = slice(None) if everywhere else here
            now = some[part]
            outcomes.append(
                self._keeper.push(
                    now,
                    np.flatnonzero(here),
                    at=stretch.at[number, part],
                    kw=stretch.kw[number, part],
                    rounds=rounds.of(number, part),
                    mean=mean[number, part],
                    quantiles=quantiles[number, part],
                )
            )
            if not everywhere:
                some[part] = now
        newest = stretch.counts + np.arange(self._window)[:, None]
        some["window"] = np.take_along_axis(inputs, newest, axis=0).T
        return outcomes

    def _forecasts(
        self, inputs: FloatArray, kw: DoubleArray, full: BoolArray
    ) -> tuple[DoubleArray, DoubleArray]:
        """Forecast after each reading of a stretch whose window is full.

        Args:
            inputs: (window + rounds, meters) the readings before the stretch and in it.
            kw: (rounds, meters) those in it, in kW.
            full: (rounds, meters) where the window is.

        Returns:
            Means (rounds, meters) and quantiles (rounds, meters, levels), NaN elsewhere.
        """
        mean = np.full(full.shape, np.nan)
        quantiles = np.full((*full.shape, len(self._forecaster.levels)), np.nan)
        if not full.any():
            return mean, quantiles
        # Step s of all windows is one unbroken stretch of memory, so nothing is copied:
        # round after round, they begin a round later.
        flat = inputs[1:].reshape(-1)
        by_step = np.lib.stride_tricks.as_strided(
            flat, (self._window, full.size), (inputs.strides[0], inputs.itemsize), writeable=False
        )
        if full.all():
            answer = self._forecaster.forecast_inputs(by_step.T, kw.reshape(-1))
            return answer.mean_kw.reshape(full.shape), answer.quantiles_kw.reshape(quantiles.shape)
        which = np.flatnonzero(full)
        answer = self._forecaster.forecast_inputs(by_step[:, which].T, kw.reshape(-1)[which])
        mean[full], quantiles[full] = answer.mean_kw, answer.quantiles_kw
        return mean, quantiles
