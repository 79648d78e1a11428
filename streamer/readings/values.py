"""Values returned by sources and feeds: readings, samples, notices, connection states.

Power is in kW, import positive. Times are `datetime` values as provided by the feed:
naive where the feed has no zone, aware where it has one, never mixed in one stream.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from streamer.readings.meterdemand import MeterDemand

MINUTE = timedelta(minutes=1)
"""The interval that one reading covers."""

CHANNELS = ("solar", "battery")
"""Channels that may be measured beside the power at the grid connection."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Mean active power over one minute.

    Where solar or battery power is measured, the consumption of the house is forecast apart from
    them. A stream has them in all of its readings, or in none: where that changes, the window
    begins anew. A minute for which one of them is not known is a gap, rather than a reading
    without it.

    Attributes:
        at: the minute that the value belongs to.
        kw: mean active power at the grid connection in kW; negative when the house exports.
        solar_kw: mean power of the solar panels in kW, positive but for what an inverter takes
            on standby; None where it is not measured.
        battery_kw: mean power into the battery in kW, negative while it is discharged; None
            where it is not measured.
        channels: means over the minute of the further channels that the model takes (reactive
            power, voltage, sub-meters), in its order and units; empty for a model of the power
            alone. A minute for which one of them is not known is a gap likewise.
        meter_demand: demand registers of the meter at the end of the minute; None for most
            meters, and in recordings. A `ReadingBlock` has none.

    >>> Reading(datetime(2016, 6, 1, 12), -1.5, solar_kw=2.5, battery_kw=0.75).consumption_kw
    0.25
    """

    at: datetime
    kw: float
    solar_kw: float | None = None
    battery_kw: float | None = None
    channels: tuple[float, ...] = ()
    meter_demand: MeterDemand | None = field(default=None, repr=False)

    @property
    def consumption_kw(self) -> float:
        """Power that the house itself uses in kW: grid + solar - battery, as far as measured."""
        solar, battery = self.solar_kw, self.battery_kw
        kw = self.kw if solar is None else self.kw + solar
        return kw if battery is None else kw - battery


@dataclass(frozen=True, slots=True)
class Sample:
    """Power reported by a meter, valid until the next sample of its channel.

    Attributes:
        kw: power in kW, NaN where the meter reports that it is unknown. Positive is import from
            the grid, production of the panels, or charging of the battery. The value of a
            further channel that is no active power is in its own unit: V, A or kvar.
        at: time of the sample, with a zone; None for the time of its arrival.
        channel: what is measured: empty for the grid connection, one of `CHANNELS`, or the name
            of a further channel, such as ``voltage`` or ``boiler``.
        demand: demand registers that the meter sends with it; None for most meters.
    """

    kw: float
    at: datetime | None = None
    channel: str = ""
    demand: MeterDemand | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class CounterSample:
    """Energy register of a meter that reports no power: the energy drawn since some start.

    Attributes:
        kwh: energy in kWh, import positive; NaN where the meter reports that it is unknown.
        at: time of the sample, with a zone; None for the time of its arrival.
        net: whether export is subtracted, so that the register may fall.
    """

    kwh: float
    at: datetime | None = None
    net: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """Event other than a reading that a person should know about.

    Attributes:
        kind: one of the kinds below, for counting.
        text: one line for a person: the event, its place, and its consequence.
        at: stream time of the event, if it has one.
        count: number of events of this kind that the notice represents. A source reports the
            first of a kind in full and may combine later ones in one notice.
        reason: the reason in a few words, by which the events of a kind are counted separately;
            empty if they are not.
    """

    kind: str
    text: str
    at: datetime | None = None
    count: int = 1
    reason: str = ""

    MALFORMED = "malformed"
    """A row that cannot be parsed; skipped."""
    ORDER = "order"
    """A row whose time does not advance; skipped."""
    ABSURD = "absurd"
    """An implausible value, more than a household can draw; skipped."""
    REFUSED = "refused"
    """A request of a sender that is not accepted."""
    CONVERSION = "conversion"
    """Readings that are not rows of the source as they are, but computed from them."""
    WARNING = "warning"
    """Anything else that makes the figures unreliable."""
    EVENT = "event"
    """Information that requires no action."""

    PLUGIN = "plug-in"
    """Reason of a warning about a fault of a plug-in, each kind of which is reported once."""


@dataclass(frozen=True, slots=True)
class Link:
    """State of the connection to a meter.

    A feed provides state, peer and text; the source that reads it adds the rest.

    Attributes:
        state: one of the states below.
        peer: the other end of the connection: a meter, a broker.
        text: reason, for a person; without secrets.
        since: start of this state, with a zone.
        retry_at: time of the next attempt to connect, if the connection is lost.
    """

    state: str
    peer: str = "meter"
    text: str = ""
    since: datetime | None = None
    retry_at: datetime | None = None

    UP = "up"
    """Connected, and samples arrive."""
    SILENT = "silent"
    """Connected, but no sample for a long time."""
    LOST = "lost"
    """Not connected; retried indefinitely."""
