"""Frames of each library with the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from streamer.readings import Reading

Columns = Mapping[str, Sequence[Any]]
Maker = Callable[[Columns], Any]


def of_pandas(columns: Columns) -> pd.DataFrame:
    """Its index is none that a result could have by chance."""
    made = pd.DataFrame(dict(columns))
    made.index = pd.RangeIndex(10, 10 + 3 * len(made), 3)
    return made


def of_arrow_in_pandas(columns: Columns) -> pd.DataFrame:
    return of_arrow(columns).to_pandas(types_mapper=pd.ArrowDtype)


def of_polars(columns: Columns) -> pl.DataFrame:
    return pl.DataFrame(dict(columns))


def of_arrow(columns: Columns) -> pa.Table:
    return pa.table(dict(columns))


MAKERS = {
    "pandas": of_pandas,
    "pandas of arrow": of_arrow_in_pandas,
    "polars": of_polars,
    "arrow": of_arrow,
}


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Maker:
    return MAKERS[request.param]


def rows_of(frame: Any) -> list[dict[str, Any]]:
    """Its rows as plain values, None for what is null."""
    if isinstance(frame, pd.DataFrame):
        found = frame.to_dict("records")
    else:
        found = frame.to_dicts() if isinstance(frame, pl.DataFrame) else frame.to_pylist()
    return [{key: None if pd.isna(value) else value for key, value in row.items()} for row in found]


def columns_of(readings: Sequence[Reading]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {"at": [reading.at for reading in readings]}
    found["power_kw"] = [reading.kw for reading in readings]
    return found


def minutes(count: int, start: datetime = datetime(2010, 3, 19, 17)) -> list[datetime]:
    return [at.to_pydatetime() for at in pd.date_range(start, periods=count, freq="1min")]
