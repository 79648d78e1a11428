"""Demand registers of a meter: quarter-hour means that it counts itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class MonthPeak(NamedTuple):
    """Highest quarter-hour of a month by the meter.

    Attributes:
        start: first minute of the quarter-hour.
        kw: its mean import in kW.
    """

    start: datetime
    kw: float


@dataclass(frozen=True, slots=True)
class MeterDemand:
    """Demand registers of a meter, of the import over fixed quarter-hours.

    Attributes:
        so_far_kw: energy of the running quarter-hour so far, divided by the whole of it, in kW:
            it rises from 0 to the quarter-hour's mean. None if the meter does not send it.
        peak: highest quarter-hour of the running month; None if the meter does not send it.
        months: those of earlier months, oldest first, 13 at most.
        at: time of the registers by the meter's clock; None if it is not known.
    """

    so_far_kw: float | None = None
    peak: MonthPeak | None = None
    months: tuple[MonthPeak, ...] = ()
    at: datetime | None = None
