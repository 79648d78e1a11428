"""Frames of the same library as a caller's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import narwhals as nw

Type: TypeAlias = "type[nw.Boolean] | type[nw.Float64] | type[nw.Int64] | type[nw.String]"
Column: TypeAlias = "tuple[Sequence[Any], Type]"
"""Values of a column, None where there is none, and their type."""


def frame_like(frame: nw.DataFrame[Any], columns: Mapping[str, Column]) -> nw.DataFrame[Any]:
    """A frame of the library of another.

    Args:
        frame: the other frame.
        columns: its columns by name.
    """
    backend = frame.implementation
    made = {
        name: nw.new_series(name, values, dtype, backend=backend)
        for name, (values, dtype) in columns.items()
    }
    return nw.from_dict(made, backend=backend)


def beside_rows(
    frame: nw.DataFrame[Any], time: str | None, columns: Mapping[str, Column]
) -> nw.DataFrame[Any]:
    """The same with a row for each row of the other: its times first, and its index.

    Args:
        frame: the other frame.
        time: name of its column of times; None if they are its index.
        columns: the columns, each with a value for each of its rows.
    """
    made = frame_like(frame, columns)
    if time is not None:
        times = nw.maybe_reset_index(frame.select(time))
        made = nw.concat([times, made], how="horizontal")
    index = nw.maybe_get_index(frame)
    if index is None:
        return made
    native = made.to_native()
    native.index = index
    return nw.from_native(native, eager_only=True)
