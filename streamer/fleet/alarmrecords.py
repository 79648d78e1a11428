"""Records of the alarms of many meters, and the state of a single meter's alarms in one of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from streamer.alarms import loads
from streamer.alarms.active import LASTS
from streamer.alarms.budget import SIZES
from streamer.alarms.detectors import Alarms
from streamer.alarms.repeats import MOST_ZEROS
from streamer.alarms.rules import RULES
from streamer.alarms.scale import DIGITS
from streamer.alarms.texts import BEFORE, SINCE
from streamer.alarms.thresholds import DAY, HOUR, STEADY
from streamer.alarms.units import HUGE_KW, WATTS_READINGS
from streamer.readings import Alarm
from streamer.readings.arrays import Records

KINDS = (Alarm.ANOMALY, Alarm.STUCK, Alarm.UNIT)

LONG_AGO = HOUR + 1
"""Number of readings beyond which no rule distinguishes: none looks back more than an hour.
Times are stored as the count of readings modulo 256, and limited to this age once an hour."""

MEMORY = np.dtype(
    [
        ("export", np.float64),  # the largest export, in kW
        ("known", np.float64),  # the same until some time in the last day
        ("zeros", np.float64),  # the longest run of exact zeros, in readings
        ("small", np.float64),  # the largest number of too small readings in a run
        ("base", np.float64),  # power before the load under way, in kW
        ("low", np.float64),  # its smallest reading, in kW
        ("load", np.float64, loads.SLOTS),  # power of the remembered loads, in kW; 0 if none
        ("exported", np.uint32),  # number of the reading of the last alarm for an export
        ("hours", np.uint16, loads.SLOTS),  # hours since each load came
        ("times", np.uint8, loads.SLOTS),  # times that it came
        ("minutes", np.uint8),  # readings since the load under way came on; 0 if none is
        ("peak", np.uint8),  # the largest number of too small readings in the present run
        ("spare", np.uint8),  # always 0, because padding of the dtype would be undefined
    ],
    align=True,
)

METER = np.dtype(
    [
        ("recent", np.float64, BEFORE + SINCE - 1),  # the last readings, in kW
        ("limits", np.float64, len(RULES)),  # the thresholds
        ("memory", MEMORY),  # exports, loads and long runs
        ("left", np.float64, 3),  # a reading outside its band, middle and width of that; or NaN
        ("level", np.float64),  # mean power of the house, in kW; NaN in the first hour
        ("base", np.float64),  # base load of the house, in kW; NaN before the first reading
        ("drawn", np.float64),  # sum of the absolute readings of this hour, in kW
        ("decimals", np.uint32, DIGITS + 1),  # readings by their number of decimals
        ("seen", np.uint32),  # readings so far
        ("raised", np.uint32, len(SIZES) - 1),  # numbers of those with the last anomalies
        ("run", np.uint16),  # consecutive readings of the last value, at most DAY + 1
        ("repeats", np.uint16),  # level of repetitions in the last day
        ("summed", np.uint8),  # readings in `drawn`
        ("known", np.uint8),  # readings of `recent` since the last gap
        ("odd", np.int8),  # consecutive readings in another unit; negative if kW read as W
        ("events", np.uint8, len(RULES)),  # events of each threshold, at most STEADY
        ("since", np.uint8, len(RULES)),  # beginning of the event of each threshold
        ("last", np.uint8, len(RULES)),  # last time that each threshold was exceeded
        ("kept", np.uint8, len(KINDS)),  # last time that an alarm of each kind was raised or kept
        ("plateau", np.bool_),  # whether the run of the last value began like a plateau
    ],
    align=True,
)
"""State of one meter, without that of drift: 672 hours of errors take several kilobytes."""

_NO_DRIFT = Alarms().state()["drift"]
_AT = "1970-01-01"


def first_record() -> Records:
    """Record of a new meter, read-only and without dimensions."""
    first = np.zeros((), METER)
    first["limits"] = [rule.start for rule in RULES.values()]
    first["left"] = first["level"] = first["base"] = np.nan
    for name in ("since", "last", "kept"):
        first[name] = -LONG_AGO % 256
    first.flags.writeable = False
    return first


def are_sound(records: Records) -> bool:
    """Whether restored records (meters,) can be continued."""
    memory, left, most = records["memory"], records["left"], np.finfo(np.float64).max
    bounds = (
        (records["recent"], -most, most),
        (records["limits"], np.finfo(np.float64).tiny, most),
        (records["drawn"], 0.0, most),
        (np.where(np.isnan(left[:, :1]), 0.0, left), -most, most),
        (memory["export"], 0.0, most),
        (memory["known"], 0.0, most),
        (memory["zeros"], 0.0, MOST_ZEROS),
        (memory["small"], 0.0, HOUR),
        (memory["base"], -most, most),
        (memory["load"], -most, most),
        (memory["minutes"], 0, loads.HOLDS - 1),
    )
    return all(((low <= each) & (each <= high)).all() for each, low, high in bounds)


def state_of(record: Records) -> dict[str, Any]:
    """State of `streamer.alarms.detectors.Alarms` before the next reading, out of a record ().

    Of the active alarms, only the kinds and ends are known; there is no drift.
    """
    seen, memory = record["seen"].item(), record["memory"]
    known, repeated = record["known"].item(), record["recent"][-1].item()
    recent = np.clip(record["recent"], -HUGE_KW, HUGE_KW).tolist()
    following = seen + 1
    since, last, kept = (
        [following - (following - each) % 256 for each in record[name].tolist()]
        for name in ("since", "last", "kept")
    )
    limits = zip(record["limits"].tolist(), record["events"].tolist(), since, last, strict=True)
    left, slots = record["left"].tolist(), [memory[name].tolist() for name in _SLOTS]
    return {
        "drift": _NO_DRIFT,
        "limits": dict(zip(RULES, limits, strict=True)),
        "scale": record["decimals"].tolist(),
        "left": None if math.isnan(left[0]) else left,
        "exports": [memory[name].item() for name in _EXPORTS],
        "loads": {
            "minutes": memory["minutes"].item(),
            "base": memory["base"].item(),
            "low": _finite(memory["low"].item()),
            "slots": list(zip(*slots, strict=True)),
        },
        "budget": record["raised"].tolist(),
        "seen": seen,
        "value": repeated if known else None,
        "run": record["run"].item(),
        "plateau": record["plateau"].item(),
        "base": _finite(record["base"].item()),
        "repeats": record["repeats"].item(),
        "zeros": memory["zeros"].item(),
        "recent": recent[len(recent) - known :],
        "level": _finite(record["level"].item()),
        "odd": record["odd"].item(),
        "peak": memory["peak"].item(),
        "small": memory["small"].item(),
        "sums": [record["drawn"].item(), record["summed"].item(), 0.0, 0.0],
        "on": [
            [kind, _AT, "", 1.0, at + LASTS[kind]]
            for kind, at in zip(KINDS, kept, strict=True)
            if seen <= at + LASTS[kind]
        ],
    }


def put_state(record: Records, state: Mapping[str, Any]) -> None:
    """Put the state of `Alarms` after a reading into a record () that already has that reading."""
    seen, memory = state["seen"], record["memory"]
    values, events, since, last = zip(*state["limits"].values(), strict=True)
    record["limits"], record["events"] = values, np.minimum(events, STEADY)
    oldest = seen - (255 if seen % HOUR else LONG_AGO)
    record["since"], record["last"] = (np.maximum(each, oldest) % 256 for each in (since, last))
    record["decimals"], record["raised"] = state["scale"], state["budget"]
    record["left"] = math.nan if state["left"] is None else state["left"]
    for name in ("base", "level"):
        record[name] = math.nan if state[name] is None else state[name]
    record["run"] = min(state["run"], DAY + 1)
    record["plateau"], record["repeats"] = state["plateau"], state["repeats"]
    record["odd"] = min(state["odd"], WATTS_READINGS)
    record["drawn"], record["summed"], *_ = state["sums"]
    for name, value in zip(_EXPORTS, state["exports"], strict=True):
        memory[name] = value
    load = state["loads"]
    memory["minutes"], memory["base"] = load["minutes"], load["base"]
    memory["low"] = math.inf if load["low"] is None else load["low"]
    for name, column in zip(_SLOTS, zip(*load["slots"], strict=True), strict=True):
        memory[name] = column
    for name in ("zeros", "small", "peak"):
        memory[name] = state[name]
    for kind, *_, until in state["on"]:
        if until == seen + LASTS[kind]:
            record["kept"][KINDS.index(kind)] = seen % 256


_EXPORTS = ("export", "known", "exported")
_SLOTS = ("load", "times", "hours")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
