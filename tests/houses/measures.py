"""Figures of a series: errors, intervals and alarms, by hour, by calm and above 9 kW.

All minutes after the first day are scored; alarms are counted after the first week. Hours are
those of the house's own clock.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from streamer.readings import skill
from streamer.readings.arrays import BoolArray, DoubleArray
from tests.houses.traces import Trace

_WARM_UP = np.timedelta64(1, "D")
_FIRST_WEEK = np.timedelta64(7, "D")
_NIGHT, _DAY = range(6), range(10, 16)
_RECENT = 20
_CHARGING_KW = 9.0
_ALPHA = 0.1
_MIN_MINUTES = 60
_NEAR = 2
_KINDS = ("anomaly", "stuck", "drift", "unit")


def figures(trace: Trace, car_kw: DoubleArray | None = None) -> dict[str, Any]:
    """All figures of a series, as JSON; None for parts of less than an hour.

    Calm, middle and rough are thirds of the scored minutes by the mean absolute change of the 20
    readings before. The car charges, most likely, where the reading before is above 9 kW.
    Forecasts of the next minutes' mean are scored from the first on.

    Args:
        trace: its forecasts.
        car_kw: (minutes,) power of the car in kW, if it has one.
    """
    after = trace.at >= trace.at[0] + _WARM_UP
    scored = after & np.isfinite(trace.mean_kw)
    hour = (trace.at - trace.at.astype("datetime64[D]")).astype("timedelta64[h]").astype(np.int64)
    calm, middle, rough = _thirds(trace, scored)
    parts = {
        "all": scored,
        "night": scored & np.isin(hour, _NIGHT),
        "day": scored & np.isin(hour, _DAY),
        "calm": calm,
        "middle": middle,
        "rough": rough,
        "above 9 kW": scored & (trace.last_kw > _CHARGING_KW),
    }
    found: dict[str, Any] = {name: _scores(trace, rows) for name, rows in parts.items()}
    found["hours"] = [_scores(trace, scored & (hour == each)) for each in range(24)]
    found["alarms"] = _alarms(trace)
    found["means"] = {
        str(each.minutes): {
            "settled": each.settled,
            "skill": each.skill,
            "coverage": each.coverage,
            "winkler_kw": each.winkler_kw,
        }
        for each in trace.means
    }
    if car_kw is not None:
        found["charge starts"] = _charge_starts(trace, car_kw)
    return found


def _thirds(trace: Trace, scored: BoolArray) -> list[BoolArray]:
    """The scored minutes with little, middling and much change in the readings before."""
    change = np.abs(np.diff(trace.actual_kw, prepend=trace.actual_kw[:1]))
    total = np.concatenate([[0.0], np.cumsum(change)])
    before = np.full(len(change), np.nan)
    before[_RECENT:] = (total[_RECENT:-1] - total[: -_RECENT - 1]) / _RECENT
    rows = np.flatnonzero(scored & np.isfinite(before))
    ordered = rows[np.argsort(before[rows], kind="stable")]
    parts = []
    for third in np.array_split(ordered, 3):
        part = np.zeros(len(change), np.bool_)
        part[third] = True
        parts.append(part)
    return parts


def _scores(trace: Trace, rows: BoolArray) -> dict[str, Any] | None:
    minutes = int(np.count_nonzero(rows))
    if minutes < _MIN_MINUTES:
        return None
    actual = trace.actual_kw[rows]
    low, high = trace.low_kw[rows], trace.high_kw[rows]
    forecasts = {
        "frozen": trace.frozen_kw[rows],
        "mean": trace.mean_kw[rows],
        "median": trace.median_kw[rows],
        "point": trace.point_kw[rows],
        "persistence": trace.last_kw[rows],
    }
    mse = {name: float(np.square(actual - kw).mean()) for name, kw in forecasts.items()}
    below, above = np.maximum(low - actual, 0.0), np.maximum(actual - high, 0.0)
    outside = {
        name: float(((kw < low) | (kw > high)).mean())
        for name, kw in forecasts.items()
        if name in ("mean", "point")
    }
    return {
        "minutes": minutes,
        "mse_kw2": mse,
        "skill": {name: skill(each, mse["persistence"]) for name, each in mse.items()},
        "mae_w": {
            name: 1000.0 * float(np.abs(actual - kw).mean()) for name, kw in forecasts.items()
        },
        "coverage": float(((actual >= low) & (actual <= high)).mean()),
        "winkler_kw": float((high - low + 2.0 / _ALPHA * (below + above)).mean()),
        "outside": outside,
    }


def _alarms(trace: Trace) -> dict[str, Any]:
    """Alarms by kind, after the first week: a day, on the worst day, and the share of minutes."""
    rows = trace.at >= trace.at[0] + _FIRST_WEEK
    days, day = np.unique(trace.at[rows].astype("datetime64[D]"), return_inverse=True)
    none = np.zeros(len(trace.at), np.bool_)
    found: dict[str, Any] = {}
    for kind in dict.fromkeys([*_KINDS, *trace.active]):
        raised, active = trace.raised.get(kind, none), trace.active.get(kind, none)
        daily = np.bincount(day, raised[rows], minlength=max(len(days), 1))
        found[kind] = {
            "a_day": float(daily.mean()),
            "worst_day": int(daily.max()),
            "active": float(active[rows].mean()) if len(days) else 0.0,
            "first_week": int(raised[~rows].sum()),
        }
    return found


def _charge_starts(trace: Trace, car_kw: DoubleArray) -> dict[str, int]:
    """Starts of charging, and how many of them raised an alarm within two minutes."""
    charging = car_kw > 1.0
    starts = np.flatnonzero(charging[1:] & ~charging[:-1]) + 1
    any_raised = np.zeros(len(trace.at), np.bool_)
    for raised in trace.raised.values():
        any_raised |= raised
    alarmed = [bool(any_raised[start : start + _NEAR + 1].any()) for start in starts]
    return {
        "starts": len(starts),
        "alarmed": sum(alarmed),
        "alarmed_after_third": sum(alarmed[3:]),
    }
