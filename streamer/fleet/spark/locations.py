"""Notation of a folder of readings: its files, their columns and values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from streamer.errors import UsageError

FORMATS: Mapping[str, tuple[str, ...]] = {
    "parquet": ("parquet",),
    "csv": ("csv", "txt", "tsv"),
    "json": ("json", "jsonl", "ndjson"),
}
"""Formats of a folder's files, and the endings of their names."""

_SUFFIXES = {suffix: name for name, suffixes in FORMATS.items() for suffix in suffixes}
_PACKED = {"gz", "bz2", "zst", "lz4", "snappy", "deflate"}


class Columns(NamedTuple):
    """Names of a source's columns of meter, minute and power."""

    meter: str = "meter"
    minute: str = "minute"
    kw: str = "kw"

    @classmethod
    def parse(cls, text: str) -> Columns:
        """Parse `meter=…,minute=…,kw=…`; columns that are left out keep their default names.

        Raises:
            UsageError: the text is malformed, or two columns have the same name.

        >>> Columns.parse("meter=id,kw=power")
        Columns(meter='id', minute='minute', kw='power')
        """
        named: dict[str, str] = {}
        for part in text.split(","):
            ours, equals, theirs = (it.strip() for it in part.partition("="))
            if not (equals and theirs) or ours not in cls._fields or ours in named:
                raise UsageError(
                    f"--columns {text!r}: write it like meter=id,minute=time,kw=power, each once"
                )
            named[ours] = theirs
        columns = cls(**named)
        if len(set(columns)) < len(columns):
            raise UsageError(f"--columns {text!r}: each must be a different column")
        return columns

    def __str__(self) -> str:
        return f"meter={self.meter},minute={self.minute},kw={self.kw}"


@dataclass(frozen=True)
class Notation:
    """Notation of a source's values.

    Attributes:
        unit: unit of the power, `kW` or `W`.
        decimal: the decimal separator of numbers as text, `.` or `,`.
        time_unit: unit of times that are numbers, one of `TIME_UNITS`.
    """

    unit: str = "kW"
    decimal: str = "."
    time_unit: str = "auto"


TIME_UNITS: Mapping[str, float] = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}
"""Units of times that are numbers, in microseconds."""


def parse_delimiter(text: str) -> str:
    r"""Parse a `--delimiter`: a character, or `tab`.

    Raises:
        UsageError: it is neither.

    >>> parse_delimiter(";"), parse_delimiter("tab")
    (';', '\t')
    """
    delimiter = "\t" if text in ("tab", "\\t") else text
    if len(delimiter) != 1 or delimiter in '"\r\n' or delimiter.isalnum():
        raise UsageError(f"--delimiter {text!r}: give one character, such as ';', or tab")
    return delimiter


def check_utf_8(options: Mapping[str, object]) -> None:
    r"""Check that the texts among some options are UTF-8, which Spark and JSON need.

    Raises:
        UsageError: one of them is not, such as a path in another encoding.

    >>> check_utf_8({"source": "Zähler", "max_files": None})
    """
    for name, value in options.items():
        if not isinstance(value, str):
            continue
        try:
            value.encode()
        except UnicodeEncodeError:
            option = name.replace("_", "-")
            raise UsageError(f"--{option} {value!r} is not UTF-8: rename it") from None


def check_columns(source: str, found: Sequence[str], columns: Columns) -> None:
    """Check that a source has the columns.

    Raises:
        UsageError: one of them is missing.

    >>> check_columns("in", ["meter", "time", "kw"], Columns(minute="time"))
    """
    missing = [name for name in columns if name not in found]
    if missing:
        raise UsageError(
            f"{source}: no column {missing[0]!r} among {', '.join(found)}: name them with --columns"
        )


def is_pattern(source: str) -> bool:
    """Whether a source is a pattern of files instead of a folder.

    >>> is_pattern("readings/*.csv")
    True
    """
    return bool(re.search(r"[*?\[{]", source))


def format_of(names: Sequence[str], source: str) -> str:
    """The format of files, by the endings of their names.

    Raises:
        UsageError: there are no files, or their format is unknown or not unique.

    >>> format_of(["00.csv.gz", "01.csv", "_SUCCESS", ".part"], "readings")
    'csv'
    """
    found = set()
    for name in data_files(names):
        *_, suffix = [part for part in name.lower().split(".") if part not in _PACKED]
        found.add(_SUFFIXES.get(suffix))
    if len(found) == 1 and None not in found:
        return str(found.pop())
    known = ", ".join(FORMATS)
    if not found:
        raise UsageError(f"{source} has no files yet: give their --format ({known})")
    raise UsageError(
        f"{source}: the names of the files do not give a single format: give --format ({known})"
    )


def data_files(names: Sequence[str]) -> list[str]:
    """Names of the files that Spark reads: neither hidden nor its own metadata."""
    return [name for name in names if not name.startswith((".", "_"))]
