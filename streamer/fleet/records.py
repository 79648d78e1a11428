"""Records of meters: their layout, their update by a reading, and the output columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from streamer.demand.light.demands import Demands
from streamer.demand.light.records import are_sound
from streamer.errors import StateError
from streamer.fleet import alarmrecords, alarms, demand, guard, horizons
from streamer.fleet.arranged import MINUTE_US, NEVER, RoundPlan
from streamer.fleet.bands import Bands
from streamer.fleet.columns import Outcome, alarm_columns
from streamer.fleet.nextreadings import NextReadings, waiting_columns
from streamer.fleet.renewal import renew, renewal_alarms
from streamer.fleet.rows import some_of
from streamer.fleet.running import SCORES, running_columns
from streamer.fleet.settings import FleetSettings
from streamer.fleet.silence import fall_silent
from streamer.fleet.zones import local_us
from streamer.models.forecaster import NetworkForecaster
from streamer.online.intervals import TERMS
from streamer.online.light import LIGHT
from streamer.online.means.light.forecasts import HORIZONS, LightHorizons, offers
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
        forecaster: the model.

    Attributes:
        first: record of a new meter, without dimensions.
    """

    def __init__(self, settings: FleetSettings, forecaster: NetworkForecaster) -> None:
        adapt, confidence = settings.adapt, settings.confidence
        self._model, self._window = forecaster.card.name, forecaster.window
        self._confidence, self._zone = confidence, settings.zone
        self._silent_after_us = settings.silent_after * MINUTE_US
        self._next = NextReadings(forecaster.levels, adapt=adapt, confidence=confidence)
        self._horizons = self._demands = None
        head = forecaster.horizons
        if settings.horizons and head is not None and offers(head):
            self._horizons = LightHorizons(head, adapt=adapt, confidence=confidence)
        rule = settings.demand_rule
        if rule is not None:
            ahead = () if self._horizons is None else HORIZONS
            self._demands = Demands(rule, ahead, confidence=confidence)
        parts = {
            "guard": np.zeros((), guard.GUARD),
            "band": self._next.first_band,
            "scores": np.zeros((), SCORES),
            "alarms": alarmrecords.first_record(),
        }
        if adapt:
            parts["light"] = np.zeros((), LIGHT)
        if self._horizons is not None:
            parts["means"] = self._horizons.first
        if self._demands is not None:
            parts["demand"] = self._demands.first
        self.first = _first_record(self._window, parts)

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
        sound = {
            "the classes of its bands are": (records["band"]["places"] < TERMS).all(),
            "the evidence of its guards is": guard.are_sound(records["guard"]),
            "the memory of its alarms is": alarmrecords.are_sound(records["alarms"]),
        }
        if self._horizons is not None:
            sound["its horizons are"] = self._horizons.are_sound(records["means"])
        if self._demands is not None:
            minutes = self._demands.rule.minutes
            sound["its demand intervals are"] = are_sound(records["demand"], minutes)
        for what, is_sound in sound.items():
            if not is_sound:
                raise StateError(f"state of a shard is damaged: {what} out of bounds")

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
        settled = waiting_columns(now, prefix="")
        if waiting.any():
            with some_of(now, waiting) as some:
                self._next.settle(some, kw[waiting])
        forecast, middle = settled.pop("kw"), settled["median_kw"]
        raised = alarms.settle(
            now["alarms"],
            at=at.view("datetime64[us]"),
            kw=kw,
            middle=np.where(np.isnan(middle), forecast, middle),
            low=settled["low_kw"],
            high=settled["high_kw"],
            missing=rounds.missing,
        )
        raised += renewal_alarms(now, at, self._window - rounds.held, self._model)
        before_at, local = now["last_at"].copy(), local_us(at, self._zone)
        _take(now, at, kw, rounds)
        now["waiting"] = full = rounds.full
        if full.any():
            with some_of(now, full) as some:
                self._next.issue(some, mean[full], quantiles[full], local[full])
        ahead, issued_kw = waiting_columns(now), None
        if self._horizons is not None:
            issued_kw = horizons.take(
                self._horizons,
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
            ahead |= horizons.next_columns(issued_kw)
        if self._demands is not None:
            columns, peaks = demand.take(
                self._demands, now["demand"], at=at, local=local, kw=kw, issued_kw=issued_kw
            )
            ahead |= columns
            raised += peaks
        kinds, texts = alarm_columns(len(now), raised)
        columns = {
            "meter": places,
            "minute": at.view("datetime64[us]"),
            "actual_kw": kw,
            "forecast_kw": forecast,
            **settled,
            **ahead,
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


def _first_record(window: int, parts: Mapping[str, Records]) -> Records:
    """() record of a new meter, with the records of its parts."""
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
        *((name, part.dtype) for name, part in parts.items()),
    ]
    first = np.zeros((), dtype)
    first["last_at"] = NEVER
    for name, part in parts.items():
        first[name] = part
    return first
