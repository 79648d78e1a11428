"""Minutes of which a part was not seen, because watching began or paused in them."""

from __future__ import annotations

import math

from streamer.sources.live.spacing import MIN_VALID_S

_MINUTE_S = 60.0


class Cuts:
    """Remarks on the minutes that a start, an absence or a set clock has cut.

    Such a minute has a mean if at least half of it is known, like any other. What is missing is
    reported if it is more than a pause between two samples.

    >>> cuts = Cuts()
    >>> cuts.unseen(-math.inf, 85.0, "watching began")
    >>> cuts.closed(60.0, covered_s=34.0)
    >>> cuts.take()
    [(60.0, 'only 34 s of it are known: watching began in it')]
    """

    def __init__(self) -> None:
        self._lost: dict[float, tuple[float, str]] = {}
        self._partial: list[tuple[float, str]] = []

    def unseen(self, began_s: float, ended_s: float, why: str) -> None:
        """Take note of a time that was not seen.

        Args:
            began_s: its beginning in seconds since 1970; minus infinity before the first start.
            ended_s: its end; infinity if watching continued at another date.
            why: what happened, to be followed by "in it".
        """
        for at_s in {began_s, ended_s}:
            if not math.isfinite(at_s):
                continue
            start_s = _MINUTE_S * (at_s // _MINUTE_S)
            lost_s = min(ended_s, start_s + _MINUTE_S) - max(began_s, start_s)
            if start_s in self._lost:
                lost_s += self._lost[start_s][0]
            self._lost[start_s] = lost_s, why

    def closed(self, start_s: float, covered_s: float) -> None:
        """Take note of a minute that has a mean, and of how many seconds of it are known."""
        if not self._lost:
            return
        lost_s, why = self._lost.pop(start_s, (0.0, ""))
        if min(lost_s, _MINUTE_S - covered_s) >= MIN_VALID_S:
            self._partial.append((start_s, f"only {covered_s:.0f} s of it are known: {why} in it"))

    def take(self) -> list[tuple[float, str]]:
        """Return the partial minutes since the last call: the start of each, and a text."""
        partial, self._partial = self._partial, []
        return partial
