"""Response of a home battery to changes of the net load."""

from __future__ import annotations

from collections.abc import Sequence

from streamer.readings.saved import numbers

MAX_CHANGE_KW = 10.0
"""Bound of a change in one minute, so that a faulty value counts as a few large ones."""

_KEPT = 0.5 ** (1.0 / 20.0)
_PRIOR_KW2 = 0.01


class BatteryResponse:
    """Share of a change of the net load that a battery leaves to the grid.

    An idle battery, or one that charges to a timetable, leaves all of it: 1. One that is
    controlled to keep the grid power at zero leaves next to nothing, and takes on itself what
    the house and the sun do. Which it is changes as it becomes full or empty, or as a tariff
    begins, so the share is the least-squares coefficient of the grid's last changes on the
    net load's, exponentially weighted with a half-life of 20 minutes and with a prior of 1 that
    counts as one change of 100 W.

    **Guarantee.** None; the share is from 0 to 1. **What breaks it.** Noise of the meters that
    is read as changes of both; a battery that overshoots.

    >>> response = BatteryResponse()
    >>> for net_kw in (1.0, 2.0) * 30:
    ...     share = response.push(net_kw, 0.01)
    >>> share < 0.01
    True
    """

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        self._product = self._square = 0.0

    def push(self, net_kw: float, grid_kw: float) -> float:
        """Learn from a reading, and estimate the share for the change after it.

        Args:
            net_kw: consumption less solar power in kW; any finite number.
            grid_kw: power at the grid connection likewise.

        Returns:
            The share, from 0 to 1.
        """
        if self._last is not None:
            net_change, grid_change = (
                min(max(now - before, -MAX_CHANGE_KW), MAX_CHANGE_KW)
                for now, before in zip((net_kw, grid_kw), self._last, strict=True)
            )
            self._product = _KEPT * self._product + net_change * grid_change
            self._square = _KEPT * self._square + net_change * net_change
        self._last = net_kw, grid_kw
        share = (self._product + _PRIOR_KW2) / (self._square + _PRIOR_KW2)
        return min(max(share, 0.0), 1.0)

    def restart(self) -> None:
        """Forget the recent values, as after a gap."""
        self._last = None
        self._product = self._square = 0.0

    def state(self) -> list[float]:
        """Everything that the next estimate depends on, as plain JSON values."""
        return [self._product, self._square, *(self._last or ())]

    def restore(self, state: Sequence[float]) -> None:
        """Continue from a saved state, bit for bit.

        Raises:
            TypeError, ValueError: the state is damaged; nothing has changed.
        """
        product, square, *last = numbers(state, most=4)
        if square < 0.0 or len(last) not in (0, 2):
            raise ValueError("the sums of the battery's response are not those of its changes")
        self._product, self._square = product, square
        self._last = (last[0], last[1]) if last else None
