"""Settings of a fleet's forecasts."""

from __future__ import annotations

from dataclasses import dataclass

from streamer.demand.settings import DemandRule
from streamer.errors import UsageError
from streamer.fleet.zones import zone_of
from streamer.readings.gaps import GapRule


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """Settings that all meters of a fleet share.

    Attributes:
        adapt: whether forecasts are corrected by what is learnt of each meter
            (`streamer.online.light`).
        confidence: nominal coverage of the prediction intervals, between 0 and 1.
        gaps: `skip` or `reset`, as in `streamer.readings.gaps.GapRule`.
        max_gap: longest gap in minutes at which `reset` keeps the window.
        silent_after: minutes without a reading after which a meter is silent; 0 for never.
        horizons: whether the mean power of the next 15 and 60 minutes is forecast too, if the
            model can.
        zone: IANA name of the meters' time zone, whose clock on the wall is that of their days.
        demand: minutes of a demand interval, 15 or 60; 0 for none.
        peak_floor_kw: lowest peak that is charged, in kW: no interval below it raises the peak.
        peak_alarms: false alarms about demand intervals that are accepted a month for each meter;
            0 for no alarms at all.
        net: whether export is subtracted within a demand interval; otherwise its minutes count
            as 0.

    Raises:
        UsageError: a setting is out of its range.
    """

    adapt: bool = True
    confidence: float = 0.9
    gaps: str = "skip"
    max_gap: int = 10
    silent_after: int = 15
    horizons: bool = True
    zone: str = "UTC"
    demand: int = 15
    peak_floor_kw: float = 0.0
    peak_alarms: float = 3.0
    net: bool = False

    def __post_init__(self) -> None:
        _ = self.gap_rule, self.demand_rule
        for name in ("adapt", "horizons"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(f"{name} is {getattr(self, name)!r}; give True or False")
        zone_of(self.zone)
        if not 0.0 < self.confidence < 1.0:
            raise UsageError(
                f"confidence is {self.confidence}, must be between 0 and 1; 0.9 is usual"
            )
        if self.silent_after < 0:
            raise UsageError(
                f"a meter cannot be silent after {self.silent_after} minutes: give 0 for never"
            )

    @property
    def gap_rule(self) -> GapRule:
        """Effect of a gap on a meter's window."""
        return GapRule(self.gaps, self.max_gap)

    @property
    def demand_rule(self) -> DemandRule | None:
        """The demand intervals and their bound; None if they are not kept."""
        if self.demand == 0:
            return None
        return DemandRule(
            self.demand,
            floor_kw=self.peak_floor_kw,
            net=self.net,
            alarms_per_month=self.peak_alarms,
        )
