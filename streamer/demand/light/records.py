"""Record of the demand intervals of one meter of a fleet: its layout and its checks."""

from __future__ import annotations

import numpy as np

from streamer.demand.light.alarm import LOGITS
from streamer.demand.probability import MAX_WEIGHT, PRIOR
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

_MONTH = 32 * 1440
_MAX_SUM = 1e6
"""Bound of the restored sums of what is learnt from; they are below it by far."""


def new_record(threshold: float) -> Records:
    """() record of a new meter, with the logit of the alarm's threshold."""
    first = np.zeros((), DEMAND)
    first["peak"] = np.nan
    first["calibration"] = (0.0, 1.0, *PRIOR, 0.0)
    first["threshold"] = threshold
    return first


def are_sound(records: Records, minutes: int) -> bool:
    """Whether restored records are such as intervals of so many minutes leave behind."""
    measured, passed, peak = (records[name] for name in ("measured", "passed", "peak"))
    since_peak = records["start"].astype(np.int64) - records["peak_at"]
    _, _, first, second, both = np.moveaxis(records["calibration"], -1, 0)
    bounds = {
        "passed": (0, minutes),
        "counted": (-minutes * MAX_KW, minutes * MAX_KW),
        "exported": (0.0, minutes * MAX_KW),
        "highest": (0.0, MAX_KW),
        "intervals": (0, 1440 // minutes - 1),
        "calibration": (-MAX_WEIGHT, MAX_WEIGHT),
        "open": (0, minutes - 1),
        "scores": (-_MAX_SUM, _MAX_SUM),
        "sums": (-_MAX_SUM, _MAX_SUM),
        "threshold": LOGITS,
    }
    return bool(
        all(
            ((low <= records[name]) & (records[name] <= high)).all()
            for name, (low, high) in bounds.items()
        )
        and ((measured <= passed) & ((measured > 0) == (passed > 0))).all()
        and (np.isnan(peak) | ((peak >= 0.0) & (peak <= MAX_KW))).all()
        and (np.isnan(peak) | ((since_peak >= 0) & (since_peak < _MONTH))).all()
        and ((first > 0.0) & (second > 0.0) & (both * both <= first * second)).all()
    )
