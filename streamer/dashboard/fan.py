"""Fan of the coming hour beside the chart: means of the next minutes, and their bands.

Each horizon has a column of its own, so that nothing is drawn that was not forecast. Those of
consecutive minutes touch, and between others the axis is interrupted. A row of dots is the
forecast mean of all minutes until then, and the hatching around it the band of that mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from rich.text import Text

from streamer.dashboard.plot import BRAILLE, CELLS, FORECAST_BITS, ZERO_GLYPH, plot_marks
from streamer.dashboard.scale import AxisScale
from streamer.dashboard.words import BAND, FORECAST, LABEL, line
from streamer.history.columns import Column, clip
from streamer.readings import MeanForecast, NextMeans

MIN_WIDTH, MIN_HEIGHT = 72, 6
"""Columns of the terminal and lines of its chart from which the fan is beside it."""

_CELLS = ((180, 3), (120, 2), (0, 1))
"""Columns of the terminal, and cells of a minute from that width on."""

_APART = 2
"""Free cells where the axis is interrupted, and cells of a horizon by itself at least."""

_LABELLED = 5
_EDGE = " │"
_CORNER = " └"


@dataclass(frozen=True, slots=True)
class Fan:
    """Columns of the horizons, and their places.

    Attributes:
        columns: the forecast of each horizon, without a time.
        labels: cell and text of each label of the axis.
        places: first cell of each column, and the one after its last.
    """

    columns: tuple[Column, ...]
    labels: tuple[tuple[int, str], ...]
    places: tuple[tuple[int, int], ...]

    @property
    def width(self) -> int:
        """Width in cells, with the edge."""
        return len(_EDGE) + self.places[-1][1]

    def fitted(self, values: Iterable[float]) -> list[float]:
        """Values that the scale should fit: those of the chart, the means, and their bands.

        The bands count up to the height of all others, above them and below, so that unlikely
        powers of the next hour do not leave the measured ones too little of the plot.

        Args:
            values: powers of the chart in kW.
        """
        means = [column.mark_kw for column in self.columns if column.mark_kw is not None]
        shown = [0.0, *values, *means]
        low, high = min(shown), max(shown)
        room = high - low
        ends = [kw for column in self.columns if column.band_kw for kw in column.band_kw]
        return shown + [min(max(kw, low - room), high + room) for kw in ends]

    def rows(self, scale: AxisScale) -> Iterator[Text]:
        """Rows of the plot from the top down."""
        marks = plot_marks(self.columns, scale)
        for row in range(scale.top, -scale.below - 1, -1):
            yield self._row(marks.get(row, {}), ZERO_GLYPH if row == -1 else " ")

    def axis(self, rows: int) -> list[Text]:
        """The axis in one row with labels, or in two: with ticks, and labels below it."""
        end = self.places[-1][1]
        ticks, names = [" "] * end, [" "] * end
        for first, after in self.places:
            ticks[first:after] = "─" * (after - first)
        for cell, label in self.labels:
            ticks[cell] = "┬"
            names[cell : cell + len(label)] = label
        if rows == 1:
            return [line((_CORNER + "".join(names), LABEL))]
        blank = " " * len(_CORNER)
        return [line((_CORNER + "".join(ticks), LABEL)), line((blank + "".join(names), LABEL))]

    def _row(self, marks: dict[int, int], empty: str) -> Text:
        cells = [(empty, LABEL)] * self.places[-1][1]
        for index, bits in marks.items():
            first, after = self.places[index]
            style = FORECAST if bits & FORECAST_BITS else BAND
            cells[first:after] = [(chr(BRAILLE + bits), style)] * (after - first)
        text = line((_EDGE, LABEL))
        for style, run in groupby(cells, lambda cell: cell[1]):
            text.append("".join(glyph for glyph, _ in run), style)
        return text


def find_fan(means: NextMeans | None, horizons: Iterable[int], width: int) -> Fan | None:
    """The fan of some forecasts, up to the longest of the horizons that are shown.

    Args:
        means: the forecasts; None if there are none.
        horizons: the horizons that are shown, in minutes.
        width: columns of the terminal.

    Returns:
        None if there is nothing to draw, or no room for it.
    """
    if means is None or width < MIN_WIDTH:
        return None
    longest = max(horizons, default=0)
    drawn = [mean for mean in means if mean.minutes <= longest]
    if not drawn:
        return None
    minutes = [mean.minutes for mean in drawn]
    for least, cells in _CELLS:
        places = tuple(_places(minutes, cells))
        fan = Fan(tuple(map(_column, drawn)), tuple(_labels(minutes, places)), places)
        # Half of the width remains for the chart, whatever horizons a model has.
        if least <= width and 2 * fan.width <= width:
            return fan
    return None


def columns_taken(means: NextMeans | None, horizons: Iterable[int], width: int) -> int:
    """Columns of the chart that give way to the fan; arguments as for `find_fan`."""
    fan = find_fan(means, horizons, width)
    return fan.width // CELLS if fan else 0


def _column(mean: MeanForecast) -> Column:
    if not all(map(math.isfinite, (mean.kw, mean.low_kw, mean.high_kw))):
        return Column()
    return Column(mark_kw=clip(mean.kw), band_kw=(clip(mean.low_kw), clip(mean.high_kw)))


def _places(minutes: Sequence[int], cells: int) -> Iterator[tuple[int, int]]:
    """First cell of each horizon, and the one after its last."""
    joined = [after - before == 1 for before, after in pairwise(minutes)]
    at = 0
    for before, after in zip([False, *joined], [*joined, False], strict=True):
        at += 0 if before or not at else _APART
        end = at + (cells if before or after else max(_APART, cells))
        yield at, end
        at = end


def _labels(minutes: Sequence[int], places: Sequence[tuple[int, int]]) -> Iterator[tuple[int, str]]:
    """Cell and text of labels: the first horizon, every fifth minute, and those apart."""
    free, before = 0, -_APART
    for minute, (cell, _) in zip(minutes, places, strict=True):
        label = str(minute)
        labelled = minute - before > 1 or not minute % _LABELLED
        before = minute
        if labelled and free <= cell <= places[-1][1] - len(label):
            free = cell + len(label) + 1
            yield cell, label
