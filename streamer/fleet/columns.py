"""Output rows of a fleet: one per reading, and one per meter that falls silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.readings import Alarm

Column = NDArray[Any]

COLUMNS = {
    "meter": "string",
    "minute": "timestamp",
    "actual_kw": "double",
    "forecast_kw": "double",
    "median_kw": "double",
    "low_kw": "double",
    "high_kw": "double",
    "next_kw": "double",
    "next_median_kw": "double",
    "next_low_kw": "double",
    "next_high_kw": "double",
    **{
        f"next_{minutes}_{part}": "double"
        for minutes in (15, 60)
        for part in ("kw", "median_kw", "low_kw", "high_kw")
    },
    "demand_start": "timestamp",
    "demand_minutes_left": "int",
    "demand_kw": "double",
    "demand_low_kw": "double",
    "demand_high_kw": "double",
    "p_raises_peak": "double",
    "month_peak_kw": "double",
    "month_peak_at": "timestamp",
    "gap_minutes": "int",
    "settled": "long",
    "mse_kw2": "double",
    "mae_kw": "double",
    "persistence_mse_kw2": "double",
    "frozen_mse_kw2": "double",
    "skill": "double",
    "coverage": "double",
    **{
        f"{name}_{minutes}{unit}": kind
        for minutes in (15, 60)
        for name, unit, kind in (
            ("settled", "", "long"),
            ("mse", "_kw2", "double"),
            ("persistence_mse", "_kw2", "double"),
            ("skill", "", "double"),
            ("coverage", "", "double"),
        )
    },
    "alarms": "string",
    "alarm_text": "string",
}
"""Names and SQL types of the columns, in order.

``forecast_kw``, ``median_kw``, ``low_kw`` and ``high_kw`` are the forecast for this minute,
``next_…`` the one for the next minute, ``next_15_…`` and ``next_60_…`` those for the means of the
next 15 and 60; a model without quantiles has no median.
``demand_start`` is the first minute of the running demand interval, this reading included,
``demand_kw`` its expected mean, and ``month_peak_kw`` the month's highest interval before it.
``gap_minutes`` is the number of minutes without a reading just before. The scores are the meter's
running scores, this minute included. ``alarms`` has the kinds of alarms raised at this minute,
separated by commas. In arrays, a missing number is NaN, a missing text None.
"""

SILENT = "silent"
"""Kind of the alarm of a meter that sends no more readings."""

_DTYPES: dict[str, Any] = {
    "string": object,
    "timestamp": "datetime64[us]",
    "double": np.float64,
    "int": np.int32,
    "long": np.int64,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Output rows as columns.

    Attributes:
        columns: an array (rows,) for each of `COLUMNS`.
    """

    columns: dict[str, Column] = field(default_factory=lambda: _empty(0))

    def __len__(self) -> int:
        return len(self.columns["meter"])

    @classmethod
    def of(cls, rows: int, columns: dict[str, Column]) -> Outcome:
        """Rows in which columns that are not given are empty.

        Args:
            rows: number of rows.
            columns: arrays (rows,) by name.
        """
        return cls({**_empty(rows), **columns})

    @classmethod
    def joined(cls, parts: Sequence[Outcome]) -> Outcome:
        """The rows of several outcomes, concatenated."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls()
        return cls(
            {name: np.concatenate([part.columns[name] for part in parts]) for name in COLUMNS}
        )


def alarm_columns(meters: int, raised: list[tuple[int, Alarm]]) -> tuple[Column, Column]:
    """Output columns of the kinds and texts of the alarms raised at each reading."""
    kinds, texts = np.full(meters, None, object), np.full(meters, None, object)
    for row, alarm in raised:
        first = kinds[row] is None
        kinds[row] = alarm.kind if first else f"{kinds[row]},{alarm.kind}"
        texts[row] = alarm.text if first else f"{texts[row]}; {alarm.text}"
    return kinds, texts


def _empty(rows: int) -> dict[str, Column]:
    nothing: dict[str, Any] = {"string": None, "timestamp": "NaT", "double": np.nan}
    return {
        name: np.full(rows, nothing.get(kind, 0), _DTYPES[kind]) for name, kind in COLUMNS.items()
    }
