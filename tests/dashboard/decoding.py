"""Values in kW read off a drawn chart, from nothing but its labels, glyphs and styles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from streamer.dashboard.words import HANGING

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_FROM_TOP = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Dots of braille in the left and right column, as numbered by Unicode, from the top down."""


@dataclass(frozen=True)
class SeenColumn:
    """What one column shows, in kW; None for what it does not show.

    Attributes:
        kw: end of the bar.
        forecast_kw: middle of the forecast's dot.
        band_kw: middles of the lowest and the highest dot of the band.
    """

    kw: float | None
    forecast_kw: float | None
    band_kw: tuple[float, float] | None


@dataclass(frozen=True)
class SeenChart:
    """A chart that has been read.

    Attributes:
        row_kw: height of a row in kW.
        columns: its columns, newest last.
        low_kw: lower edge of the plot.
        high_kw: upper edge of the plot.
    """

    row_kw: float
    columns: list[SeenColumn]
    low_kw: float
    high_kw: float


def read_chart(lines: Sequence[Text], axis_rows: int = 2) -> SeenChart:
    """Read a chart with at least two labels."""
    rows = len(lines) - axis_rows
    edge = lines[rows].plain.index("└")
    # A label stands in the row above the line between rows that it names: its upper edge.
    labels = [(row, lines[row].plain[: edge - 1].strip()) for row in range(rows + 1)]
    ticks = [(row, float(text.replace("−", "-"))) for row, text in labels if text]
    (first, high), (last, low) = ticks[0], ticks[-1]
    row_kw = (high - low) / (last - first)

    def kw(down: float) -> float:
        """Power at a distance in rows from the upper edge."""
        return high + (first - down) * row_kw

    cells = [lines[row].plain[edge + 1 :] for row in range(rows)]
    above = round(first + high / row_kw)  # rows above the zero line
    columns = []
    for at in range(len(cells[0]) % 2, len(cells[0]), 2):
        ends = [_bar_end(lines[row], edge + 1 + at, row, above) for row in range(rows)]
        tops = [end for end in ends[:above] if end is not None]
        bottoms = [end for end in ends[above:] if end is not None]
        bar = kw(min(tops)) if tops else kw(max(bottoms)) if bottoms else None
        forecasts, bands = read_dots([cells[row][at + 1] for row in range(rows)])
        assert len(forecasts) <= 1
        columns.append(
            SeenColumn(
                bar,
                kw(forecasts[0]) if forecasts else None,
                (kw(max(bands)), kw(min(bands))) if bands else None,
            )
        )
    return SeenChart(row_kw, columns, kw(rows), kw(0))


def _bar_end(line: Text, at: int, row: int, above: int) -> float | None:
    """End of the bar in one cell, in rows from the upper edge of the plot."""
    eighths = _EIGHTHS.find(line.plain[at])
    if eighths <= 0:
        return None
    hanging = any(span.style == HANGING for span in line.spans if span.start <= at < span.end)
    assert hanging == (row >= above and eighths < 8)
    return float(row + 1) if row >= above and eighths == 8 else row + 1 - eighths / 8


def read_dots(cells: Sequence[str]) -> tuple[list[float], list[float]]:
    """Middles of the dots in the left and the right column, in rows from the upper edge."""
    found: tuple[list[float], list[float]] = ([], [])
    for row, glyph in enumerate(cells):
        bits = ord(glyph) - 0x2800
        if not 0 <= bits < 256:
            continue
        for quarter, pair in enumerate(_FROM_TOP):
            for column, bit in enumerate(pair):
                if bits & bit:
                    found[column].append(row + (quarter + 0.5) / 4)
    return found
