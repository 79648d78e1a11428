"""Opening a recorded stream: the UCI file, or any delimited text with a time and a power."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from streamer.errors import SourceError, UsageError
from streamer.readings.span import Span
from streamer.sources.bounds import MAX_KW
from streamer.sources.files.bytestream import open_bytes
from streamer.sources.files.framing import LineReader, decode_lines
from streamer.sources.files.layout import Layout, Request, Unit, recognise_layout
from streamer.sources.files.replay import ReplaySource
from streamer.sources.files.rows import RowParser
from streamer.sources.files.screening import Rules

_LAYOUT_LINES = 100


def open_replay(
    path: str | Path,
    *,
    column: str | int | None = None,
    time_column: str | int | None = None,
    time_format: str | None = None,
    delimiter: str | None = None,
    unit: Unit | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int | None = None,
    strict: bool = False,
    max_kw: float = MAX_KW,
) -> ReplaySource:
    """Open a recorded stream.

    Takes the UCI file as it is published, zipped or not, and any other delimited text
    with a header, plain or gzipped. A row needs as many fields as the header; a value
    of ``?`` or nothing is missing, which is a gap and no fault.

    Args:
        path: the file, or ``-`` for standard input.
        column: name or 1-based number of the power column.
        time_column: name or 1-based number of the time column; the date column, where
            columns ``Date`` and ``Time`` make up the time together.
        time_format: `strptime` format, where the times are not ISO 8601, seconds or
            milliseconds since 1970, or a date in figures that cannot be mistaken.
        delimiter: the character between fields, or ``tab``.
        unit: ``kW`` or ``W``; by default the header's, else kW.
        start: leave out rows before this time. Without a zone: the file's own clock.
        end: stop at the first row at or after this time, taken likewise.
        limit: stop after so many readings.
        strict: raise at the first malformed or disordered row, rather than skip it.
        max_kw: skip values whose magnitude is above this, in kW.

    Returns:
        The source, its layout settled. Waits for the header line if it is yet to come.

    Raises:
        UsageError: an option does not fit the file, or the layout cannot be known.
        SourceError: the file cannot be read.
    """
    if unit not in (None, "kW", "W"):
        raise UsageError(f"--unit {unit!r} is not known; say kW or W")
    rules = Rules(Span(start, end), limit, strict, max_kw)
    rules.check()
    name, stream = open_bytes(path)
    lines = LineReader(name, stream)
    try:
        request = Request(column, time_column, delimiter, unit)
        layout, lines_before = _settle_layout(name, lines, request)
        rows = RowParser(layout, time_format)
        _settle_time_style(lines, rows)
    except BaseException:
        lines.close()
        raise
    return ReplaySource(name, lines, rows, layout.unit, rules, lines_before=lines_before)


def _settle_layout(name: str, lines: LineReader, request: Request) -> tuple[Layout, int]:
    """The layout, and how many lines come before the first row; those are read past."""
    taken = b""
    looked_at: list[str] = []
    filled: list[str] = []
    layout: Layout | None = None
    while layout is None and len(looked_at) < _LAYOUT_LINES and (piece := lines.read()):
        taken += piece
        for line in decode_lines(piece)[: _LAYOUT_LINES - len(looked_at)]:
            looked_at.append(line)
            if line.strip():
                filled.append(line)
                layout = recognise_layout(name, filled, request, final=False)
            if layout is not None:
                break
    if not filled:
        raise SourceError(f"{name} is empty: it has no header line to begin with")
    layout = layout or recognise_layout(name, filled, request, final=True)
    assert layout is not None  # noqa: S101 - it is settled, or an error, once final
    header_lines = looked_at.index(filled[0]) + 1 if layout.has_header else 0
    lines.put_back(_without_lines(taken, header_lines))
    return layout, header_lines


def _without_lines(taken: bytes, count: int) -> bytes:
    parts = taken.split(b"\n", count)
    return parts[count] if len(parts) > count else b""


def _settle_time_style(lines: LineReader, rows: RowParser) -> None:
    """Find an ambiguous date early, if the first rows are here already."""
    any(rows.settle_time_style(line) for line in decode_lines(lines.waiting))
