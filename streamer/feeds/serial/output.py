"""Samples, energy registers and advice from what a serial meter sends."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Final

from streamer.feeds.address import Address
from streamer.feeds.serial.obis import Energy
from streamer.feeds.session import Channel

MAX_POWERLESS: Final = 3
"""After so many telegrams without a power in a row, the meter is taken not to send any."""

_WHOLE: Final = 1e-9


class MeterOutput:
    """Output of a session that reads telegrams.

    The connection is reported up at the first value, so that a port which accepts connections
    and has no meter behind it counts as a failure.

    Args:
        channel: takes the items.
        on_value: called at each value.
        counter: whether the energy is wanted in place of a missing power.
        without_power: advice for a meter that sends neither a power nor a fine energy register.
    """

    def __init__(
        self,
        channel: Channel,
        on_value: Callable[[], None],
        *,
        counter: bool,
        without_power: str,
    ) -> None:
        self._channel = channel
        self._on_value = on_value
        self._counter = counter
        self._without_power = without_power
        self._is_up = False
        self._powerless = 0
        self._is_fine = False

    def malformed(self, why: str) -> None:
        """Report a telegram that cannot be read."""
        self._channel.malformed(why)

    def take(self, kw: float | None, energy: Energy | None, at: datetime | None = None) -> None:
        """Deliver the contents of a telegram.

        Args:
            kw: power in kW, import positive; NaN if it is unknown, None if there is none.
            energy: the counted energy; None if there is none.
            at: time by the meter's clock.
        """
        if kw is not None:
            self._powerless = 0
            self._up()
            self._channel.sample(kw, at)
            return
        # A fine register, too, passes whole kWh now and then.
        self._is_fine |= energy is not None and not _is_whole(energy.kwh)
        if self._counter and self._is_fine and energy is not None:
            self._up()
            self._channel.counter(energy.kwh, at, net=energy.is_net)
            return
        self._powerless += 1
        if self._powerless != MAX_POWERLESS:
            return
        if self._is_up:
            self._channel.sample(math.nan, at)
        self._channel.warn(self._advice(energy))

    def _advice(self, energy: Energy | None) -> str:
        if energy is None:
            return f"the meter sends neither power nor imported energy; {self._without_power}"
        if not self._is_fine:
            return f"the meter sends its energy in whole kWh, and no power; {self._without_power}"
        return (
            "the meter sends its energy, but no power; add counter=yes to take the mean power "
            "from the energy"
        )

    def _up(self) -> None:
        self._on_value()
        if not self._is_up:
            self._is_up = True
            self._channel.up()


def is_counter(address: Address) -> bool:
    """Read the option ``counter`` of an address.

    Raises:
        UsageError: the option is neither ``yes`` nor ``no``.
    """
    return address.choice("counter", ("yes", "no"), "no") == "yes"


def _is_whole(kwh: float) -> bool:
    """Whether an energy is in whole kWh, of which a house needs some hours for one."""
    return not math.isnan(kwh) and abs(kwh - round(kwh)) < _WHOLE
