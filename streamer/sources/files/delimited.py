"""Replay of delimited text: the UCI file, or any table with a time and a power."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from streamer.errors import SourceError, UsageError
from streamer.readings.span import Span
from streamer.sources.bounds import MAX_KW
from streamer.sources.files.bytestream import open_bytes
from streamer.sources.files.framing import LineReader, decode_lines
from streamer.sources.files.layout import Layout, LayoutOptions, Unit, recognise_layout
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

    Reads the UCI file as published, zipped or not, and any other delimited text with a
    header, plain or gzipped. Each row needs as many fields as the header; an empty value or
    ``?`` is missing, which makes a gap and is not an error.

    Args:
        path: the file, or ``-`` for standard input.
        column: name or 1-based number of the power column.
        time_column: name or 1-based number of the time column; the date column, if the time
            is split into columns ``Date`` and ``Time``.
        time_format: `strptime` format, required unless the times are ISO 8601, seconds or
            milliseconds since 1970, or an unambiguous numeric date.
        delimiter: the character between fields, or ``tab``.
        unit: ``kW`` or ``W``; by default the header's, else kW.
        start: skip rows before this time. Without a zone, it is on the file's own clock.
        end: stop at the first row at or after this time, interpreted likewise.
        limit: stop after so many readings.
        strict: raise at the first malformed or disordered row instead of skipping it.
        max_kw: skip values of a larger magnitude, in kW.

    Returns:
        The source, its layout determined. Waits for the header line if necessary.

    Raises:
        UsageError: an option does not fit the file, or the layout is ambiguous.
        SourceError: the file cannot be read.
    """
    if unit not in (None, "kW", "W"):
        raise UsageError(f"--unit {unit!r} is unknown; give kW or W")
    rules = Rules(Span(start, end), limit, strict, max_kw)
    rules.check()
    name, stream = open_bytes(path)
    lines = LineReader(name, stream)
    try:
        options = LayoutOptions(column, time_column, delimiter, unit)
        layout, lines_before = _determine_layout(name, lines, options)
        rows = RowParser(layout, time_format)
        _determine_time_style(lines, rows)
    except BaseException:
        lines.close()
        raise
    return ReplaySource(name, lines, rows, layout.unit, rules, lines_before=lines_before)


def _determine_layout(name: str, lines: LineReader, options: LayoutOptions) -> tuple[Layout, int]:
    """Return the layout, and the number of lines before the first row, which are skipped."""
    taken = b""
    examined: list[str] = []
    filled: list[str] = []
    layout: Layout | None = None
    while layout is None and len(examined) < _LAYOUT_LINES and (piece := lines.read()):
        taken += piece
        for line in decode_lines(piece)[: _LAYOUT_LINES - len(examined)]:
            examined.append(line)
            if line.strip():
                filled.append(line)
                layout = recognise_layout(name, filled, options, final=False)
            if layout is not None:
                break
    if not filled:
        raise SourceError(f"{name} is empty: the header line is missing")
    layout = layout or recognise_layout(name, filled, options, final=True)
    assert layout is not None  # noqa: S101 - with final=True, it is found or an error
    header_lines = examined.index(filled[0]) + 1 if layout.has_header else 0
    lines.put_back(_without_lines(taken, header_lines))
    return layout, header_lines


def _without_lines(taken: bytes, count: int) -> bytes:
    parts = taken.split(b"\n", count)
    return parts[count] if len(parts) > count else b""


def _determine_time_style(lines: LineReader, rows: RowParser) -> None:
    """Detect an ambiguous date early, if the first rows have been read already."""
    any(rows.determine_time_style(line) for line in decode_lines(lines.waiting))
