"""Energy of a house by hour or day: import, export, solar production, consumption and own use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamer.readings.arrays import DoubleArray, IntArray
from streamer.reporting.data import MINUTE_S, Minutes


@dataclass(frozen=True, eq=False)
class Energy:
    """Energy of the recorded minutes of some spans in kWh; missing minutes count as zero.

    All that involves the sun is NaN for a span in which solar power was measured in no minute,
    and covers only the minutes in which it was.

    Attributes:
        imported_kwh: (spans,) energy of the minutes above zero; NaN without a minute.
        exported_kwh: (spans,) energy of the minutes below zero, as a positive number, likewise.
        solar_kwh: (spans,) production of the solar panels.
        consumption_kwh: (spans,) what the house itself used: grid + solar - battery.
        used_kwh: (spans,) solar production that was not exported: used in the house, or stored
            in the battery.
        bought_kwh: (spans,) import in the minutes with solar power.
        missing: (spans,) number of minutes without a reading.
    """

    imported_kwh: DoubleArray
    exported_kwh: DoubleArray
    solar_kwh: DoubleArray
    consumption_kwh: DoubleArray
    used_kwh: DoubleArray
    bought_kwh: DoubleArray
    missing: IntArray

    @property
    def has_solar(self) -> bool:
        """Whether solar power was measured in any minute."""
        return bool(np.isfinite(self.solar_kwh).any())

    @property
    def own_use(self) -> DoubleArray:
        """(spans,) self-consumption: share of the solar production that was not exported."""
        return _shares(self.used_kwh, self.solar_kwh)

    @property
    def from_sun(self) -> DoubleArray:
        """(spans,) self-sufficiency: share of the consumption that was not imported.

        What a battery is charged with from the grid counts as imported when it is charged.
        """
        covered = self.consumption_kwh - self.bought_kwh
        return _shares(covered, self.consumption_kwh)


def energy(minutes: Minutes, edges: IntArray) -> Energy:
    """Energy of spans.

    Args:
        minutes: readings in any of the spans.
        edges: (spans + 1,) Unix seconds between them, increasing.
    """
    spans = len(edges) - 1
    span = np.searchsorted(edges, minutes.at, side="right") - 1

    def kwh(kw: DoubleArray) -> DoubleArray:
        known = np.isfinite(kw)
        sums = np.bincount(span[known], kw[known], minlength=spans) / 60.0
        return np.where(np.bincount(span[known], minlength=spans) > 0, sums, np.nan)

    solar = minutes.solar_kw
    imported, exported = np.maximum(minutes.kw, 0.0), np.maximum(-minutes.kw, 0.0)
    battery = np.nan_to_num(minutes.battery_kw)
    expected = np.diff(edges) // MINUTE_S
    return Energy(
        kwh(imported),
        kwh(exported),
        kwh(solar),
        kwh(minutes.kw + solar - battery),
        kwh(np.maximum(solar - exported, 0.0)),
        kwh(np.where(np.isfinite(solar), imported, np.nan)),
        np.maximum(expected - np.bincount(span, minlength=spans), 0),
    )


def _shares(part: DoubleArray, whole: DoubleArray) -> DoubleArray:
    """Shares from 0 to 1; NaN where the whole is not positive."""
    positive = np.where(whole > 0.0, whole, np.nan)
    return np.clip(part / positive, 0.0, 1.0)
