"""The plot of the chart: power as bars, forecasts as dashes, bands as whiskers, solar as asterisks.

A column has two cells. The left one shows the end of the bar in eighths of a row. The right one
shows the forecast and its band in dots of braille, four to a row: the forecast in the left column
of dots, the band in the right one. So each value is right to an eighth of a row, however close
together they are. Solar power has an asterisk in the row where its value lies. The series differ
by their shapes; colours are optional.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.text import Text

from streamer.dashboard.scale import QUARTERS, AxisScale
from streamer.dashboard.words import ACTUAL, BAND, FORECAST, HANGING, LABEL, SOLAR
from streamer.history.columns import Column

CELLS = 2
"""Cells of a column."""

FILL = " ▁▂▃▄▅▆▇█"
"""Part of a bar in a cell by eighths; below the zero line, their complements in reverse."""

FORECAST_GLYPH = "•"
SOLAR_GLYPH = "*"
ZERO_GLYPH = "▔"
GAP_GLYPH = "┊"

BRAILLE = 0x2800
LEFT_DOTS = (0x40, 0x04, 0x02, 0x01)
RIGHT_DOTS = (0x80, 0x20, 0x10, 0x08)
"""Bits of the dots in the two columns of a braille glyph, from the bottom up."""

BAND_GLYPH = chr(BRAILLE + sum(RIGHT_DOTS))

_BAND_BITS = [
    [sum(RIGHT_DOTS[first : last + 1]) for last in range(QUARTERS)] for first in range(QUARTERS)
]

FORECAST_BITS = sum(LEFT_DOTS)
"""Bits of the dots of forecasts; the others are those of bands."""

_DASHES = {left: left + right for left, right in zip(LEFT_DOTS, RIGHT_DOTS, strict=True)}

_Marks = dict[int, dict[int, int]]
"""Bits of the dots, by row and column."""


def plot_rows(columns: Sequence[Column], scale: AxisScale) -> Iterator[Text]:
    """Rows of the plot from the top down, `CELLS` cells for each column.

    Args:
        columns: the columns, newest last.
        scale: the power axis.
    """
    lengths = [0 if column.kw is None else scale.eighths(column.kw) for column in columns]
    gaps = [index for index, column in enumerate(columns) if column.gap]
    marks, solar = plot_marks(columns, scale), _solar(columns, scale)
    for row in range(scale.top, -scale.below - 1, -1):
        yield _row(lengths, row, gaps, marks.get(row, {}), solar.get(row, ()))


def _solar(columns: Sequence[Column], scale: AxisScale) -> dict[int, list[int]]:
    """Columns with solar power in each row; none at night, when it would only hide the bars."""
    rows: dict[int, list[int]] = {}
    for index, column in enumerate(columns):
        quarter = 0 if column.solar_kw is None else scale.quarter(column.solar_kw)
        if quarter > 0:
            rows.setdefault(quarter // QUARTERS, []).append(index)
    return rows


def plot_marks(columns: Sequence[Column], scale: AxisScale) -> _Marks:
    """Dots of all forecasts and bands: their bits, by row and column."""
    marks: _Marks = {}
    for index, column in enumerate(columns):
        if column.band_kw is not None:
            quarters = scale.quarters_between(*column.band_kw)
            if quarters:
                first, last = quarters[0], quarters[-1]
                for row in range(first // QUARTERS, last // QUARTERS + 1):
                    low = max(first - QUARTERS * row, 0)
                    high = min(last - QUARTERS * row, QUARTERS - 1)
                    marks.setdefault(row, {})[index] = _BAND_BITS[low][high]
        if column.mark_kw is not None:
            row, dot = divmod(scale.quarter(column.mark_kw), QUARTERS)
            dots = marks.setdefault(row, {})
            dots[index] = dots.get(index, 0) | LEFT_DOTS[dot]
    return marks


def _row(
    lengths: Sequence[int],
    row: int,
    gaps: Sequence[int],
    marks: dict[int, int],
    solar: Sequence[int],
) -> Text:
    """One row of the plot: the bars, gaps, and the marks beside and above the bars."""
    filled = _filled(lengths, row)
    cells = [glyph for eighths in filled for glyph in (FILL[eighths], " ")]
    styles: dict[int, str] = {}
    if row < 0:
        _hang(filled, row, cells, styles)
    for index in gaps:
        at = CELLS * index
        cells[at : at + CELLS] = [GAP_GLYPH, " "]
        styles[at] = LABEL
    for index, bits in marks.items():
        at = CELLS * index
        cells[at + 1] = chr(BRAILLE + bits)
        forecast = bits & FORECAST_BITS
        styles[at + 1] = FORECAST if forecast else BAND
        if forecast and not filled[index]:
            # Above its bar the forecast is a longer dash, which is easier to see.
            cells[at] = chr(BRAILLE + _DASHES[forecast])
            styles[at] = FORECAST
    for index in solar:
        cells[CELLS * index], styles[CELLS * index] = SOLAR_GLYPH, SOLAR
    text = Text(no_wrap=True, end="")
    # One style per run of cells, not per cell, which paints twice as fast.
    for style, run in groupby(range(len(cells)), lambda at: styles.get(at, ACTUAL)):
        text.append("".join(cells[at] for at in run), style)
    return text


def _filled(lengths: Sequence[int], row: int) -> list[int]:
    """Number of filled eighths of each cell in a row."""
    if row >= 0:
        base = 8 * row
        return [min(8, max(0, length - base)) for length in lengths]
    base = 8 * (row + 1)
    return [min(8, max(0, base - length)) for length in lengths]


def _hang(filled: Sequence[int], row: int, cells: list[str], styles: dict[int, str]) -> None:
    """Draw the ends of bars below the zero line, and the line itself."""
    for index, eighths in enumerate(filled):
        at = CELLS * index
        if 0 < eighths < 8:
            cells[at] = FILL[8 - eighths]
            styles[at] = HANGING
        if row == -1:
            if not eighths:
                cells[at] = ZERO_GLYPH
                styles[at] = LABEL
            cells[at + 1] = ZERO_GLYPH
            styles[at + 1] = LABEL
