"""Electric car that is charged at home."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamer.readings.arrays import DoubleArray
from streamer.training.additions.minutes import DAY, minute_of_day, pieces_means, wandering

POWERS_KW = (3.7, 7.4, 11.0, 22.0)
"""Usual charging powers: one phase of 16 and 32 A, three phases of 16 and 32 A."""

_MIN_SHARE = 6.0 / 16.0
"""A car takes 6 A at least (IEC 61851-1)."""

_Piece = tuple[float, float, float]


@dataclass(frozen=True)
class Car:
    """Car that is charged with constant power, from some second of a minute on.

    The current rises within a minute. A car whose battery becomes full takes less and less in
    the last quarter of an hour, down to 6 of 16 A; others stop at once. Now and then charging
    is interrupted.

    Attributes:
        power_kw: charging power.
        sessions_per_week: mean number of sessions, 7 at most.
        arrival_h: mean hour of arrival.
        arrival_spread_h: its standard deviation.
        energy_kwh: mean energy of a session.
        full_share: share of the sessions that end with a full battery.
        pause_share: share that is interrupted once, for 3 to 40 minutes.
        wobble: relative standard deviation of the power, as the voltage of the grid changes.
    """

    power_kw: float = 11.0
    sessions_per_week: float = 5.0
    arrival_h: float = 18.3
    arrival_spread_h: float = 1.4
    energy_kwh: float = 16.0
    full_share: float = 0.5
    pause_share: float = 0.1
    wobble: float = 0.003

    def __post_init__(self) -> None:
        if self.power_kw <= 0 or self.energy_kwh <= 0 or self.arrival_spread_h < 0:
            raise ValueError(f"power and energy must be positive, spread at least 0: {self}")
        if not 0 <= self.sessions_per_week <= 7:
            raise ValueError(f"{self.sessions_per_week} sessions a week, must be from 0 to 7")
        if not 0 <= self.full_share <= 1 or not 0 <= self.pause_share <= 1:
            raise ValueError(f"shares must be from 0 to 1: {self}")

    def kw(self, start: np.datetime64, minutes: int, rng: np.random.Generator) -> DoubleArray:
        """Charging power.

        Args:
            start: first minute by the clock of the house.
            minutes: number of minutes.
            rng: source of random numbers.

        Returns:
            (minutes,) kW, zero or more.
        """
        first = float(minute_of_day(np.array([start.astype("datetime64[m]")]))[0])
        pieces: list[_Piece] = []
        for midnight in range(0, int(first) + minutes, DAY):
            if rng.random() >= self.sessions_per_week / 7.0:
                continue
            arrival = midnight - first + 60.0 * rng.normal(self.arrival_h, self.arrival_spread_h)
            free = pieces[-1][1] + 10.0 if pieces else 0.0
            pieces += self._session(max(arrival, free), rng)
        kw = pieces_means(pieces, minutes)
        return np.maximum(kw * (1.0 + self.wobble * wandering(minutes, 5.0, rng)), 0.0)

    def _session(self, start: float, rng: np.random.Generator) -> list[_Piece]:
        """Pieces of one session: start and end in minutes, power in kW."""
        energy = float(np.clip(rng.gamma(3.0, self.energy_kwh / 3.0), 1.0, 80.0))
        charging = 60.0 * energy / self.power_kw
        pieces = self._rise(start, rng)
        begin, end = pieces[-1][1], start + charging
        if charging > 10.0 and rng.random() < self.pause_share:
            pause = float(rng.uniform(begin, end))
            length = float(rng.uniform(3.0, 40.0))
            pieces += [(begin, pause, self.power_kw), *self._rise(pause + length, rng)]
            begin, end = pieces[-1][1], max(end + length, pieces[-1][1])
        pieces.append((begin, max(end, begin), self.power_kw))
        if rng.random() < self.full_share:
            pieces += self._taper(pieces[-1][1], rng)
        return pieces

    def _rise(self, start: float, rng: np.random.Generator) -> list[_Piece]:
        """Three steps up within 20 to 60 seconds."""
        step = float(rng.uniform(20.0, 60.0)) / 180.0
        return [
            (start + part * step, start + (part + 1) * step, self.power_kw * (part + 1) / 4.0)
            for part in range(3)
        ]

    def _taper(self, start: float, rng: np.random.Generator) -> list[_Piece]:
        """Decline by the minute, to the least that a car takes."""
        lasting = int(rng.integers(8, 21))
        shares = np.maximum(np.exp(-np.arange(1, lasting + 1) / (0.45 * lasting)), _MIN_SHARE)
        return [
            (start + minute, start + minute + 1.0, self.power_kw * share)
            for minute, share in enumerate(shares.tolist())
        ]

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Car:
        """Car and habits of one household of many."""
        return cls(
            power_kw=float(rng.choice(POWERS_KW, p=(0.2, 0.2, 0.5, 0.1))),
            sessions_per_week=float(rng.uniform(1.0, 6.5)),
            arrival_h=float(rng.normal(18.0, 1.5) if rng.random() < 0.7 else rng.uniform(0, 23)),
            arrival_spread_h=float(rng.uniform(0.2, 2.5)),
            energy_kwh=float(rng.uniform(6.0, 30.0)),
            full_share=float(rng.uniform(0.1, 0.9)),
            pause_share=float(rng.uniform(0.0, 0.3)),
        )
