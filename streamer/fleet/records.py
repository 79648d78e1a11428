"""Records of meters: their layout, their update by a reading, and the output columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from streamer.demand.light.records import DEMAND
from streamer.errors import StateError
from streamer.fleet import alarms, guard
from streamer.fleet.alarmrecords import METER, first_record
from streamer.fleet.arranged import MINUTE_US, NEVER, RoundPlan
from streamer.fleet.bands import BAND, Bands
from streamer.fleet.columns import Column, Outcome
from streamer.fleet.demand import FleetDemand
from streamer.fleet.figures import alarm_columns, running_columns, waiting_columns
from streamer.fleet.horizons import FleetHorizons, next_columns
from streamer.fleet.nextreadings import NextReadings
from streamer.fleet.renewal import MODEL, renew, renewal_text, renewed_rows
from streamer.fleet.rows import some_of
from streamer.fleet.running import SCORES
from streamer.fleet.settings import FleetSettings
from streamer.fleet.silence import fall_silent
from streamer.fleet.zones import local_us
from streamer.models import MeansHead
from streamer.online.intervals import TERMS
from streamer.online.light import LIGHT
from streamer.online.means.light.forecasts import HORIZONS
from streamer.readings import Alarm
from streamer.readings.arrays import (
    DoubleArray,
    FloatArray,
    IndexArray,
    IntArray,
    Records,
)


class RecordKeeper:
    """Updates the records of many meters by one reading each, as a pipeline does for one meter.

    The object itself has no state: each meter has a record. The window in the record is kept by
    the shard, which puts a whole block of readings into it at once.

    Args:
        settings: settings of all meters.
        window: size of the network's window in readings.
        levels: levels of its quantiles in increasing order; may be empty.
        head: forecaster of the means of the next minutes; None if the model has none.
        model: its name.

    Attributes:
        first: record of a new meter, without dimensions.
    """

    def __init__(
        self,
        settings: FleetSettings,
        window: int,
        levels: tuple[float, ...],
        head: MeansHead | None = None,
        model: str = "",
    ) -> None:
        self._model, self._window = model, window
        self._confidence, self._zone = settings.confidence, settings.zone
        self._silent_after_us = settings.silent_after * MINUTE_US
        self._next = NextReadings(levels, adapt=settings.adapt, confidence=settings.confidence)
        rule = settings.demand_rule
        self._horizons = FleetHorizons.of(
            head if settings.horizons else None,
            adapt=settings.adapt,
            confidence=settings.confidence,
        )
        ahead = () if self._horizons is None else HORIZONS
        self._demand = (
            None if rule is None else FleetDemand(rule, ahead, confidence=settings.confidence)
        )
        self.first = self._begun(window, adapt=settings.adapt)

    def _begun(self, window: int, *, adapt: bool) -> Records:
        count = "u1" if window < 256 else "<u4"
        dtype: list[Any] = [
            ("last_at", "<i8"),
            ("last_kw", "<f8"),
            ("before_kw", "<f8"),
            ("held", count),  # readings in the window
            ("silent", "?"),
            ("renewed", "?"),  # whether the model has changed since the last reading
            ("slot", count),  # place of the next reading in the window
            ("window", "<f4", window),  # ring of readings in kW
            ("waiting", "?"),  # whether a forecast waits; the next six fields are its values
            ("kw", "<f8"),
            ("frozen_kw", "<f8"),
            ("median_kw", "<f8"),
            ("low_kw", "<f8"),
            ("high_kw", "<f8"),
            ("mean_kw", "<f8"),  # `kw` before it was held inside the band
            ("guard", guard.GUARD),
            ("band", BAND),
            ("scores", SCORES),
            ("alarms", METER),
        ]
        if adapt:
            dtype.append(("light", LIGHT))
        if self._horizons is not None:
            dtype.append(("means", self._horizons.first.dtype))
        if self._demand is not None:
            dtype.append(("demand", DEMAND))
        first = np.zeros((), dtype)
        first["last_at"] = NEVER
        first["band"] = self._next.first_band
        first["alarms"] = first_record()
        if self._horizons is not None:
            first["means"] = self._horizons.first
        if self._demand is not None:
            first["demand"] = self._demand.first
        return first

    def renew(self, records: Records, levels: tuple[float, ...]) -> None:
        """Continue records of another model: see `streamer.fleet.renewal`.

        Args:
            records: (meters,) the records, changed in place.
            levels: levels of the other model's quantiles.
        """
        renew(records, self.first, Bands(self._confidence, levels).first)

    def check(self, records: Records) -> None:
        """Check records that were restored.

        Raises:
            StateError: they are damaged.
        """
        if (records["band"]["places"] >= TERMS).any():
            raise StateError(
                "state of a shard is damaged: the classes of its bands are out of bounds"
            )
        if not guard.are_sound(records["guard"]):
            raise StateError(
                "state of a shard is damaged: the evidence of its guards is out of bounds"
            )
        if self._horizons is not None:
            self._horizons.check(records["means"])
        if self._demand is not None:
            self._demand.check(records["demand"])

    def push(
        self,
        now: Records,
        places: IndexArray,
        *,
        at: IntArray,
        kw: DoubleArray,
        rounds: RoundPlan,
        mean: DoubleArray,
        quantiles: DoubleArray,
        hidden: FloatArray,
    ) -> Outcome:
        """Settle, score, learn and forecast, for one reading of each of some meters.

        Args:
            now: (meters,) their records, changed in place except for the windows.
            places: (meters,) values for the outcome's column "meter".
            at: (meters,) times in microseconds.
            kw: (meters,) the readings in kW.
            rounds: gaps and windows of this round.
            mean: (meters,) the network's mean forecasts in kW; NaN for windows not yet full.
            quantiles: (meters, levels) the network's quantiles in kW.
            hidden: (meters, units) its last hidden states.

        Returns:
            One row per reading, after those of the silences that these readings end.
        """
        silent = fall_silent(now, places, at, self._silent_after_us)
        now["waiting"] &= ~rounds.reset
        waiting = now["waiting"].copy()
        settled = {
            name: np.where(waiting, now[name], np.nan)
            for name in ("kw", "median_kw", "low_kw", "high_kw")
        }
        if waiting.any():
            with some_of(now, waiting) as some:
                self._next.settle(some, kw[waiting])
        middle = settled["median_kw"]
        raised = alarms.settle(
            now["alarms"],
            at=at.view("datetime64[us]"),
            kw=kw,
            middle=np.where(np.isnan(middle), settled["kw"], middle),
            low=settled["low_kw"],
            high=settled["high_kw"],
            missing=rounds.missing,
        )
        for row in renewed_rows(now).tolist():
            text = renewal_text(self._model, self._window - int(rounds.held[row]))
            raised.append((row, Alarm(MODEL, at.view("datetime64[us]")[row].item(), text, 1.0)))
        before_at, local = now["last_at"].copy(), local_us(at, self._zone)
        _take(now, at, kw, rounds)
        now["waiting"] = full = rounds.full
        if full.any():
            with some_of(now, full) as some:
                self._next.issue(some, mean[full], quantiles[full], local[full])
        ahead, next_kw = waiting_columns(now), None
        horizons: dict[str, Column] = {}
        if self._horizons is not None:
            next_kw = self._horizons.take(
                now["means"],
                at=at,
                local=local,
                before_at=before_at,
                kw=kw,
                before_kw=now["before_kw"],
                hidden=hidden,
                full=full,
                next_kw=np.stack([*ahead.values()], axis=1),
            )
            horizons = next_columns(next_kw)
        demand: dict[str, Column] = {}
        if self._demand is not None:
            demand, peaks = self._demand.take(
                now["demand"], at=at, local=local, kw=kw, issued_kw=next_kw
            )
            raised += peaks
        kinds, texts = alarm_columns(len(now), raised)
        columns: dict[str, Column] = {
            "meter": places,
            "minute": at.view("datetime64[us]"),
            "actual_kw": kw,
            "forecast_kw": settled["kw"],
            "median_kw": settled["median_kw"],
            "low_kw": settled["low_kw"],
            "high_kw": settled["high_kw"],
            **ahead,
            **horizons,
            **demand,
            "gap_minutes": rounds.missing.astype(np.int32),
            **running_columns(now),
            "alarms": kinds,
            "alarm_text": texts,
        }
        spoken = Outcome.of(len(now), columns)
        return Outcome.joined([silent, spoken]) if len(silent) else spoken


def _take(now: Records, at: IntArray, kw: DoubleArray, rounds: RoundPlan) -> None:
    """Store the readings as the latest ones."""
    now["held"] = rounds.held
    now["before_kw"] = now["last_kw"]
    now["last_kw"], now["last_at"] = kw, at
    now["silent"] = False
