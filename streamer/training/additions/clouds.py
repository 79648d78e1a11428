"""Clouds that pass over a house, as a clear-sky index."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamer.readings.arrays import DoubleArray, IntArray
from streamer.training.additions.minutes import DAY, wandering

_STEPS = 6
"""Steps in a minute: edges of clouds cross a house in seconds."""

_EDGE = 7
"""Steps over which the edge of a cloud passes; an odd number."""

_BRIGHTEST = 1.8


@dataclass(frozen=True)
class Clouds:
    """Clouds of a climate: clouds and gaps of all sizes, in turns.

    Chords of clouds follow a power law over orders of magnitude (Wood and Field 2011, Journal of
    Climate 24:4800), and so do their shadows in time (Mol et al. 2023, Journal of Geophysical
    Research: Atmospheres 128). How long they are and how far apart depends on the cloud cover,
    which changes over hours and days. Thick clouds come with much cover, and gaps between clouds
    are brighter than a clear sky. This describes one point and the sum of direct and diffuse
    light; it knows no fog, no front and no time of day.

    Attributes:
        cover: median cloud cover, between 0 and 1.
        spread: standard deviation of the cover's logit.
        exponent: exponent of the power law of durations, between 1 and 2.
        shortest_min: shortest passage of a cloud at a cover of one half, in minutes.
        longest_min: longest passage likewise.
    """

    cover: float = 0.73
    spread: float = 2.2
    exponent: float = 1.66
    shortest_min: float = 0.4
    longest_min: float = 180.0

    def __post_init__(self) -> None:
        if not 0.0 < self.cover < 1.0 or not 1.0 < self.exponent < 2.0:
            raise ValueError(
                f"cover {self.cover} must be between 0 and 1, exponent {self.exponent} "
                "between 1 and 2"
            )
        if not 0.0 < self.shortest_min < self.longest_min:
            raise ValueError(f"passages from {self.shortest_min} to {self.longest_min} minutes")

    def index(self, minutes: int, rng: np.random.Generator) -> DoubleArray:
        """Clear-sky index: irradiance / irradiance under a clear sky.

        Args:
            minutes: number of minutes.
            rng: source of random numbers.

        Returns:
            (minutes,) means over a minute, from 0 to 1.8.
        """
        slow = wandering(minutes, 1.5 * DAY, rng, 30)
        fast = wandering(minutes, 120.0, rng, 10)
        logit = np.log(self.cover / (1 - self.cover)) + self.spread * (0.8 * slow + 0.6 * fast)
        cover = 1.0 / (1.0 + np.exp(-logit))
        edges = self._edges(logit, rng)
        times = (np.arange(_STEPS * minutes) + 0.5) / _STEPS
        passage = np.searchsorted(edges, times, side="right")
        cover_now = np.interp(times, np.arange(minutes), cover)
        thickness = self._thickness(cover, passage, times, rng)
        enhancement = rng.exponential(1.0, len(edges) + 2)[passage]
        haze = 0.97 + 0.025 * np.interp(times, np.arange(minutes), slow)
        gap = haze + 0.4 * cover_now * (1.0 - cover_now) * enhancement
        # Even passages are gaps.
        steps = np.where(passage % 2 == 0, gap, np.exp(-thickness))
        # The edge of a cloud is half transparent for a while: a mean of _EDGE steps.
        padded = np.pad(steps, _EDGE // 2, mode="edge")
        summed = np.concatenate([[0.0], np.cumsum(padded)])
        soft = (summed[_EDGE:] - summed[:-_EDGE]) / _EDGE
        index: DoubleArray = np.clip(soft.reshape(minutes, _STEPS).mean(axis=1), 0.0, _BRIGHTEST)
        return index

    def _edges(self, logit: DoubleArray, rng: np.random.Generator) -> DoubleArray:
        """Times in minutes at which a cloud begins or ends, the first one a beginning."""
        now, cloudy = 0.0, False
        edges: list[float] = []
        stretch = np.exp(logit / 2.0).tolist()
        while now < len(stretch):
            if len(edges) % 1024 == 0:
                drawn = self._durations(rng.random(1024)).tolist()
            factor = stretch[int(now)]
            now += drawn[len(edges) % 1024] * (factor if cloudy else 1.0 / factor)
            cloudy = not cloudy
            edges.append(now)
        return np.array(edges)

    def _durations(self, uniform: DoubleArray) -> DoubleArray:
        """Durations in minutes: a power law between its ends, by inversion."""
        power = 1.0 - self.exponent
        low, high = self.shortest_min**power, self.longest_min**power
        durations: DoubleArray = (low + uniform * (high - low)) ** (1.0 / power)
        return durations

    def _thickness(
        self, cover: DoubleArray, passage: IntArray, times: DoubleArray, rng: np.random.Generator
    ) -> DoubleArray:
        """(steps,) negative logarithm of the share of light below a cloud."""
        minutes = len(cover)
        slow, fast = wandering(minutes, 180.0, rng, 10), wandering(minutes, 8.0, rng)
        log = np.log(0.45 + 0.9 * cover) + 0.35 * slow + 0.13 * fast
        each = 0.4 * rng.standard_normal(int(passage[-1]) + 1)[passage]
        thickness: DoubleArray = np.exp(np.interp(times, np.arange(minutes), log) + each)
        return thickness
