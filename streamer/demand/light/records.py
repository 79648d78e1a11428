"""Record of the demand intervals of one meter of a fleet: its layout and its checks."""

from __future__ import annotations

import math

import numpy as np

from streamer.demand.probability import MAX_WEIGHT, PRIOR
from streamer.demand.settings import DemandRule
from streamer.demand.warning import MIN_THRESHOLD, AlarmThreshold
from streamer.energy.ledger import MAX_KW
from streamer.readings.arrays import Records

DAYS = 4
"""Days whose highest intervals are kept, the running one first."""

DEMAND = np.dtype(
    [
        # The running interval.
        ("start", "<i4"),  # its first minute, since 1970
        ("month", "<u2"),  # number of its month, modulo 65,536
        ("measured", "u1"),  # minutes that were measured
        ("passed", "u1"),  # minutes up to the last of those; 0 before the first reading
        ("counted", "<f4"),  # sum over them of what counts in kW
        ("exported", "<f4"),  # the same of the export
        # The month's peak.
        ("peak", "<f4"),  # in kW; NaN before the first
        ("peak_at", "<i4"),  # first minute of its interval, since 1970
        # What the probability is learnt from.
        ("highest", "<f4", DAYS),  # highest complete interval of each day; 0 if there is none
        ("intervals", "u1"),  # complete intervals of the running day
        ("calibration", "<f4", 5),  # intercept, slope, their variances and covariance
        ("open", "u1", 2),  # for each bound, minutes of the interval at which it was open
        ("scores", "<f4", 2),  # for each bound, the sum of the logits at those
        ("sums", "<f4", 5),  # Σp, Σps, Σw, Σws, Σws² at all of them
        # The alarm.
        ("threshold", "<f4"),  # logit of its threshold
        ("raised", "?"),  # whether the running interval has had one
    ]
)
"""State of one meter. A day is one of complete intervals, such as 96 quarter-hours."""

MAX_THRESHOLD = 6.0
"""Bound of the logit of the threshold; the lower one is that of `MIN_THRESHOLD`."""

MIN_LOGIT = math.log(MIN_THRESHOLD / (1.0 - MIN_THRESHOLD))


def new_record(rule: DemandRule) -> Records:
    """() record of a new meter."""
    first = np.zeros((), DEMAND)
    first["peak"] = np.nan
    first["calibration"] = (0.0, 1.0, *PRIOR, 0.0)
    threshold = AlarmThreshold(rule.minutes, rule.alarms_per_month).threshold
    first["threshold"] = math.log(threshold / (1.0 - threshold))
    return first


def are_sound(records: Records, minutes: int) -> bool:
    """Whether restored records are such as intervals of so many minutes leave behind."""
    measured, passed = records["measured"], records["passed"]
    _, _, first, second, both = np.moveaxis(records["calibration"], -1, 0)
    peak = np.nan_to_num(records["peak"], nan=0.0)
    sums = [records[name] for name in ("counted", "exported", "scores", "sums")]
    return bool(
        (measured <= passed).all()
        and (passed <= minutes).all()
        and ((passed == 0) == (measured == 0)).all()
        and (records["intervals"] < 1440 // minutes).all()
        and (records["open"] < minutes).all()
        and ((peak >= 0.0) & (peak <= MAX_KW)).all()
        and ((records["highest"] >= 0.0) & (records["highest"] <= MAX_KW)).all()
        and (np.abs(records["calibration"]) <= MAX_WEIGHT).all()
        and ((first > 0.0) & (second > 0.0) & (both * both <= first * second)).all()
        and (np.abs(records["threshold"]) <= MAX_THRESHOLD).all()
        and all(np.isfinite(each).all() for each in sums)
    )
