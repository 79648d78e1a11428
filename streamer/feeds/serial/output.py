"""Samples, energy registers and advice from what a serial meter sends."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from streamer.feeds.address import Address
from streamer.feeds.serial.further import NOTHING, REGISTERS, Further
from streamer.feeds.serial.obis import Energy, code
from streamer.feeds.session import Channel
from streamer.feeds.values import words_for
from streamer.readings.meterdemand import MeterDemand

MAX_POWERLESS: Final = 3
"""After so many telegrams without a power in a row, the meter is taken not to send any."""

MAX_LACKING: Final = 30
"""After so many telegrams without one of the further channels, it is taken not to be sent."""

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
        channels: names of the further channels that are wanted.
    """

    def __init__(
        self,
        channel: Channel,
        on_value: Callable[[], None],
        *,
        counter: bool,
        without_power: str,
        channels: Sequence[str] = (),
    ) -> None:
        self._channel = channel
        self._on_value = on_value
        self._counter = counter
        self._without_power = without_power
        self._is_up = False
        self._powerless = 0
        self._is_fine = False
        self._lacking = dict.fromkeys(channels, 0)

    def malformed(self, why: str) -> None:
        """Report a telegram that cannot be read."""
        self._channel.malformed(why)

    def take(
        self,
        kw: float | None,
        energy: Energy | None,
        at: datetime | None = None,
        further: Further = NOTHING,
        demand: MeterDemand | None = None,
    ) -> None:
        """Deliver the contents of a telegram.

        Args:
            kw: power in kW, import positive; NaN if it is unknown, None if there is none.
            energy: the counted energy; None if there is none.
            at: time by the meter's clock.
            further: values of the further channels.
            demand: demand registers, which go with the power.
        """
        if kw is not None:
            self._powerless = 0
            self._up()
            self._channel.sample(kw, at, demand=demand)
            self._take_further(further, at)
            return
        # A fine register, too, passes whole kWh now and then.
        self._is_fine |= energy is not None and not _is_whole(energy.kwh)
        if self._counter and self._is_fine and energy is not None:
            self._up()
            self._channel.counter(energy.kwh, at, net=energy.is_net)
            self._take_further(further, at)
            return
        self._powerless += 1
        if self._powerless != MAX_POWERLESS:
            return
        if self._is_up:
            self._channel.sample(math.nan, at)
        self._channel.warn(self._advice(energy))

    def _take_further(self, further: Further, at: datetime | None) -> None:
        """Deliver the further channels; one that is not sent once keeps its value."""
        for problem in further.problems:
            self._channel.malformed(problem, effect="the value is unknown")
        for name, value in further.values.items():
            self._channel.sample(value, at, name)
        for name in [each for each in self._lacking if each not in further.values]:
            self._lacking[name] += 1
            if self._lacking[name] == MAX_LACKING:
                registers = " and ".join(map(code, REGISTERS[name][:2]))
                text = f"the meter does not send its {words_for(name)} ({registers} and others)"
                self._channel.warn(f"{text}; take {name} out of channels=")
        for name in further.values:
            self._lacking[name] = 0

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
