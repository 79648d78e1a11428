"""Heat pump that heats a house and its water."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamer.readings.arrays import DoubleArray
from streamer.training.additions.minutes import DAY, minute_of_day, pieces_means, wandering
from streamer.training.additions.weather import Climate

_Piece = tuple[float, float, float]

_BACKUP_MIN = (15.0, 60.0)
_MIN_RUN, _MIN_PAUSE = 5.0, 5.0
_DRIFT_MIN = 20.0
MAX_DRIFT = 0.25


@dataclass(frozen=True)
class HeatPump:
    """Air-to-water heat pump on a small buffer.

    The house loses heat in proportion to the difference of temperature. A compressor of fixed
    speed runs until the buffer is warm and pauses until it is cold, so runs are longer and pauses
    shorter the colder it is. One with an inverter modulates down to a share of its power, and
    cycles only below that. The power of a run rises as the water warms. In the cold the outdoor
    unit is defrosted now and then. Hot water is made once a day, at more power. The electric
    backup heater runs when it is colder than the pump can do with, and about once a week against
    legionella.

    Attributes:
        power_kw: electrical power of the compressor at full speed.
        lowest_share: smallest share of it; 1 for a compressor of fixed speed.
        loss_kw_per_k: heat that the house loses for each kelvin below `heating_limit_c`, in kW.
        heating_limit_c: outdoor temperature from which on the house is not heated.
        buffer_kwh: heat between a cold buffer and a warm one.
        standby_kw: power of electronics and circulation pump.
        hot_water_h: hour at which hot water is made.
        hot_water_kwh: electrical energy that this takes, on average.
        defrost_below_c: outdoor temperature below which it is defrosted.
        backup_kw: power of the backup heater.
        backup_below_c: outdoor temperature below which it helps.
        drift: relative standard deviation by which the power of a run wanders within 20 minutes,
            as an inverter follows the temperature of the water.
    """

    power_kw: float = 2.4
    lowest_share: float = 1.0
    loss_kw_per_k: float = 0.22
    heating_limit_c: float = 16.0
    buffer_kwh: float = 1.1
    standby_kw: float = 0.025
    hot_water_h: float = 13.0
    hot_water_kwh: float = 1.6
    defrost_below_c: float = 4.0
    backup_kw: float = 3.0
    backup_below_c: float = -8.0
    drift: float = 0.0

    def __post_init__(self) -> None:
        positive = (self.power_kw, self.loss_kw_per_k, self.buffer_kwh, self.hot_water_kwh)
        if min(positive) <= 0 or self.standby_kw < 0 or self.backup_kw < 0:
            raise ValueError(f"powers, loss, buffer and hot water must be positive: {self}")
        if not 0 < self.lowest_share <= 1:
            raise ValueError(f"lowest share {self.lowest_share}, must be above 0 and at most 1")
        if not 0 <= self.drift <= MAX_DRIFT:
            raise ValueError(f"drift {self.drift}, must be from 0 to {MAX_DRIFT}")

    @property
    def largest_kw(self) -> float:
        """Largest mean power of a minute in kW, backup heater included."""
        return (
            1.3 * (1.0 + 2.0 * self.drift) * self.power_kw + 1.05 * self.backup_kw + self.standby_kw
        )

    def kw(
        self, start: np.datetime64, minutes: int, climate: Climate, rng: np.random.Generator
    ) -> DoubleArray:
        """Electrical power.

        Args:
            start: first minute by the clock of the house.
            minutes: number of minutes.
            climate: the weather outdoors.
            rng: source of random numbers.

        Returns:
            (minutes,) kW, `standby_kw` or more.
        """
        outdoor_c = climate.outdoor_c(start, minutes, rng)
        first = float(minute_of_day(np.array([start.astype("datetime64[m]")]))[0])
        pieces, backup = _Run(self, outdoor_c, first, rng).pieces()
        compressor = pieces_means(pieces, minutes)
        if self.drift:
            wander = np.clip(wandering(minutes, _DRIFT_MIN, rng), -2.0, 2.0)
            compressor *= 1.0 + self.drift * wander
        kw = compressor + pieces_means(backup, minutes)
        noise = 1.0 + 0.01 * np.clip(rng.standard_normal(minutes), -3.0, 3.0)
        return self.standby_kw + kw * noise

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> HeatPump:
        """Heat pump of one house of many."""
        power = float(rng.uniform(1.2, 4.0))
        return cls(
            power_kw=power,
            lowest_share=float(rng.uniform(0.25, 0.5)) if rng.random() < 0.6 else 1.0,
            loss_kw_per_k=power * float(rng.uniform(0.06, 0.13)),
            heating_limit_c=float(rng.uniform(13.0, 18.0)),
            buffer_kwh=float(rng.uniform(0.4, 3.0)),
            standby_kw=float(rng.uniform(0.005, 0.06)),
            hot_water_h=float(rng.uniform(0.0, 24.0)),
            hot_water_kwh=float(rng.uniform(0.8, 3.0)),
            backup_kw=float(rng.choice((2.0, 3.0, 6.0))),
        )


class _Run:
    """Runs of a heat pump one after another."""

    def __init__(
        self, pump: HeatPump, outdoor_c: DoubleArray, first: float, rng: np.random.Generator
    ) -> None:
        self._pump, self._outdoor_c, self._rng = pump, outdoor_c, rng
        self._now = -float(rng.uniform(0.0, 30.0))
        self._hot_water = 60.0 * pump.hot_water_h - first + float(rng.normal(0.0, 10.0))
        while self._hot_water < 0.0:
            self._hot_water += DAY
        self._since_defrost = float(rng.uniform(0.0, 60.0))
        self._pieces: list[_Piece] = []
        self._backup: list[_Piece] = []

    def pieces(self) -> tuple[list[_Piece], list[_Piece]]:
        """Pieces of the compressor and of the backup heater: start, end, kW."""
        while self._now < len(self._outdoor_c):
            if self._now >= self._hot_water:
                self._make_hot_water()
            else:
                self._heat()
        return self._pieces, self._backup

    def _heat(self) -> None:
        """One cycle: a run and, unless the house takes all that heat, a pause."""
        pump, rng = self._pump, self._rng
        outdoor = float(self._outdoor_c[max(int(self._now), 0)])
        loss = pump.loss_kw_per_k * (pump.heating_limit_c - outdoor)
        if loss <= 0.0:
            self._now += 30.0
            return
        performance = float(np.clip(3.2 + 0.07 * (outdoor - 2.0), 1.8, 5.5))
        needed = loss / (performance * pump.power_kw)
        share = min(max(needed * rng.normal(1.0, 0.04), pump.lowest_share), 1.0)
        surplus = share * performance * pump.power_kw - loss
        stored = 60.0 * pump.buffer_kwh * float(rng.lognormal(0.0, 0.15))
        if needed >= pump.lowest_share:  # it runs on, at a new speed after a while
            self._compressor(float(rng.uniform(10.0, 30.0)), share)
        else:
            self._compressor(min(max(stored / max(surplus, 0.01), _MIN_RUN), 120.0), share)
            self._now += max(stored / loss, _MIN_PAUSE)
        if outdoor < pump.backup_below_c and (not self._backup or self._backup[-1][1] < self._now):
            self._heat_electrically(self._now)

    def _compressor(self, lasting: float, share: float) -> None:
        """A run: its power rises over some minutes, and a defrost may interrupt it."""
        pump, rng = self._pump, self._rng
        outdoor = float(self._outdoor_c[max(int(self._now), 0)])
        runs_on = bool(self._pieces) and self._pieces[-1][1] == self._now
        self._since_defrost += lasting
        age, end = 20.0 if runs_on else 0.0, self._now + lasting
        level = pump.power_kw * share * float(rng.normal(1.0, 0.01))
        while self._now < end:
            until = min(self._now + 1.0, end)
            warm = 0.92 + 0.12 * (1.0 - np.exp(-age / 8.0))
            self._pieces.append((self._now, until, level * warm))
            self._now, age = until, age + 1.0
        if outdoor < pump.defrost_below_c and self._since_defrost > rng.uniform(60.0, 120.0):
            self._since_defrost = 0.0
            melted = self._now + float(rng.uniform(3.0, 7.0))
            self._pieces.append((self._now, melted, 0.35 * pump.power_kw))
            self._now = melted

    def _make_hot_water(self) -> None:
        """A run at more and more power, once a day; about once a week the backup heater, too."""
        pump, rng = self._pump, self._rng
        lasting = 60.0 * pump.hot_water_kwh / pump.power_kw * float(rng.lognormal(0.0, 0.25))
        start = self._now
        while self._now < start + lasting:
            until = min(self._now + 1.0, start + lasting)
            rising = 0.95 + 0.25 * (self._now - start) / lasting
            self._pieces.append((self._now, until, pump.power_kw * rising))
            self._now = until
        if rng.random() < 1.0 / 7.0 and (not self._backup or self._backup[-1][1] < start):
            self._heat_electrically(start)
        while self._hot_water <= self._now:
            self._hot_water += DAY + float(rng.normal(0.0, 5.0))

    def _heat_electrically(self, start: float) -> None:
        lasting = float(self._rng.uniform(*_BACKUP_MIN))
        self._backup.append((start, start + lasting, self._pump.backup_kw))
