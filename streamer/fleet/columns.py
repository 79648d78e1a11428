"""What comes out of a fleet: a row for each reading, and one for a meter that falls silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any]

COLUMNS = {
    "meter": "string",
    "minute": "timestamp",
    "actual_kw": "double",
    "forecast_kw": "double",
    "low_kw": "double",
    "high_kw": "double",
    "next_kw": "double",
    "next_low_kw": "double",
    "next_high_kw": "double",
    "gap_minutes": "int",
    "settled": "long",
    "mse_kw2": "double",
    "mae_kw": "double",
    "persistence_mse_kw2": "double",
    "frozen_mse_kw2": "double",
    "skill": "double",
    "coverage": "double",
    "alarms": "string",
    "alarm_text": "string",
}
"""Names and SQL types, in order.

``forecast_kw``, ``low_kw`` and ``high_kw`` are what had been forecast for this minute,
``next_…`` what is forecast for the one after; ``gap_minutes`` counts the minutes without a reading
just before. The scores are the meter's running ones, this minute included. ``alarms`` has the
kinds raised at this minute, separated by commas. In arrays NaN stands for what there is none of,
None for no text.
"""

SILENT = "silent"
"""The kind of alarm of a meter that nothing comes from any more."""

_DTYPES: dict[str, Any] = {
    "string": object,
    "timestamp": "datetime64[us]",
    "double": np.float64,
    "int": np.int32,
    "long": np.int64,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rows, a column at a time.

    Attributes:
        columns: an array (rows,) for each of `COLUMNS`.
    """

    columns: dict[str, Column] = field(default_factory=lambda: _empty(0))

    def __len__(self) -> int:
        return len(self.columns["meter"])

    @classmethod
    def of(cls, rows: int, columns: dict[str, Column]) -> Outcome:
        """Rows whose columns that are not given say nothing.

        Args:
            rows: how many there are.
            columns: arrays (rows,) by name.
        """
        return cls({**_empty(rows), **columns})

    @classmethod
    def joined(cls, parts: Sequence[Outcome]) -> Outcome:
        """The rows of several, one after the other."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls()
        return cls(
            {name: np.concatenate([part.columns[name] for part in parts]) for name in COLUMNS}
        )


def _empty(rows: int) -> dict[str, Column]:
    nothing: dict[str, Any] = {"string": None, "timestamp": "NaT", "double": np.nan}
    return {
        name: np.full(rows, nothing.get(kind, 0), _DTYPES[kind]) for name, kind in COLUMNS.items()
    }
