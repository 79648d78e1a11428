"""Polling intervals for meters that answer requests only."""

from __future__ import annotations

import asyncio
import math

from streamer.feeds.address import Address

POLL_OPTIONS = {"every": "seconds between two requests, 0.5 to 300; 5 if not given"}
"""The option that `poll_interval` reads."""


def poll_interval(address: Address) -> float:
    """Read the option ``every`` of an address, in seconds.

    Raises:
        UsageError: the option is not a number, or is out of bounds.
    """
    return address.number("every", 5.0, least=0.5, most=300.0)


class Ticker:
    """Ticks at fixed intervals without drift; missed ticks are dropped.

    Args:
        every_s: seconds between two ticks, counted from the first one.
    """

    def __init__(self, every_s: float) -> None:
        self._every = every_s
        self._start: float | None = None

    def delay(self, now: float) -> float:
        """Seconds from `now` to the next tick; the first tick is immediate."""
        if self._start is None:
            self._start = now
            return 0.0
        return next_tick(self._start, self._every, now) - now

    async def wait(self) -> None:
        """Wait for the next tick."""
        await asyncio.sleep(self.delay(asyncio.get_running_loop().time()))


def next_tick(start: float, every: float, now: float) -> float:
    """Return the first tick after `now`; ticks are `every` seconds apart, counted from `start`.

    >>> next_tick(10.0, 5.0, 11.5), next_tick(10.0, 5.0, 15.0), next_tick(10.0, 5.0, 99.0)
    (15.0, 20.0, 100.0)
    """
    return start + every * (math.floor((now - start) / every) + 1)
