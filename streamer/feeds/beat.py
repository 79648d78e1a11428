"""When to ask a meter that speaks only when asked."""

from __future__ import annotations

import asyncio
import math

from streamer.feeds.address import Address

BEAT_OPTIONS = {"every": "seconds between two questions, 0.5 to 300; 5 if not given"}
"""The option that `interval` reads."""


def interval(address: Address) -> float:
    """What an address's option ``every`` says, in seconds.

    Raises:
        UsageError: it is no number, or out of bounds.
    """
    return address.number("every", 5.0, least=0.5, most=300.0)


class Beat:
    """A steady beat: it does not drift, and beats that were missed are not made up for.

    Args:
        every_s: seconds between two beats; they are counted from the first one.
    """

    def __init__(self, every_s: float) -> None:
        self._every = every_s
        self._start: float | None = None

    def delay(self, now: float) -> float:
        """Seconds from `now` to the next beat; the first one is at once."""
        if self._start is None:
            self._start = now
            return 0.0
        return next_beat(self._start, self._every, now) - now

    async def wait(self) -> None:
        """Wait for the next beat."""
        await asyncio.sleep(self.delay(asyncio.get_running_loop().time()))


def next_beat(start: float, every: float, now: float) -> float:
    """The first beat still to come, of those at `start` and every `every` seconds after it.

    >>> next_beat(10.0, 5.0, 11.5), next_beat(10.0, 5.0, 15.0), next_beat(10.0, 5.0, 99.0)
    (15.0, 20.0, 100.0)
    """
    return start + every * (math.floor((now - start) / every) + 1)
