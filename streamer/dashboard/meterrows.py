"""The table of several meters: a row each, and the chart of the chosen one below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from rich.cells import cell_len
from rich.text import Text

from streamer.dashboard import alarms, demand, hints, link
from streamer.dashboard.chart import ALARM_GLYPH
from streamer.dashboard.chartview import chart_of
from streamer.dashboard.layout import Frame
from streamer.dashboard.now import Values, now
from streamer.dashboard.plot import FILL, GAP_GLYPH
from streamer.dashboard.printing import printed
from streamer.dashboard.words import (
    ACTUAL,
    LABEL,
    STRONG,
    WARNING,
    apart,
    choose,
    fit,
    heading,
    line,
    percent,
    printable,
    to_ascii,
)
from streamer.display.horizons import MIN_SETTLED
from streamer.display.numbers import NOTHING, fixed, plural
from streamer.display.themes import ThemeName
from streamer.history import HistorySnapshot
from streamer.readings import Link, Step

_MIN_CHART = 8
"""Lines from which there is a chart below the rows."""

_WIDE = 120
"""Columns from which the kind of an alarm is shown."""

_MIN_RECENT, _MAX_NAME, _BAND = 8, 20, 14
_STATES = {Link.LOST: "away", Link.SILENT: "silent"}


@dataclass(frozen=True)
class MeterRow:
    """One of several meters at one moment.

    Attributes:
        name: its name.
        snapshot: state of its stream.
        failure: why the stream has failed; empty if it has not.
    """

    name: str
    snapshot: HistorySnapshot
    failure: str = ""

    @property
    def state(self) -> str:
        """State of the stream and its connection in a word."""
        snapshot = self.snapshot
        if self.failure:
            return "failed"
        if snapshot.ended:
            return "ended"
        if snapshot.link is not None and snapshot.link.state in _STATES:
            return _STATES[snapshot.link.state]
        return "waiting" if snapshot.last is None else "live"


@dataclass(frozen=True)
class _Column:
    """A column of the table.

    Attributes:
        title: its heading.
        width: its width in cells.
        cell: makes its text for a row.
        left: whether texts begin at the left edge.
    """

    title: str
    width: int
    cell: Callable[[MeterRow], Text]
    left: bool = False

    def text(self, text: Text) -> Text:
        """A text, filled up or cut to the width."""
        space = " " * max(0, self.width - text.cell_len)
        return fit(line(text, space) if self.left else line(space, text), self.width)


def render_meters(
    rows: Sequence[MeterRow],
    chosen: int,
    width: int,
    height: int,
    *,
    now: datetime,
    ascii: bool = False,
    help: bool = False,
    message: str = "",
    theme: ThemeName = ThemeName.AUTO,
) -> Frame:
    """Lay out one frame with all meters.

    Args:
        rows: the meters.
        chosen: place of the one that is chosen.
        width: columns of the terminal.
        height: lines of the terminal.
        now: current time with a zone.
        ascii: use only ASCII characters.
        help: show the meaning of keys and columns instead of the meters.
        message: text for the last line instead of the key hints.
        theme: colours to paint it in.

    Returns:
        A renderable of at most `height` lines of at most `width` cells.
    """
    rows = [_printable(row, height, now, only_ascii=ascii) for row in rows]
    title = _title(rows, now, width)
    if help:
        lines = [title, Text(), *hints.meters_help()]
    else:
        footer = hints.meters_footer(printable(message, only_ascii=ascii), width)
        table = _table(rows, chosen, width, max(1, height - 3))
        below = _below(rows[chosen], width, height - 2 - len(table))
        above = [title] if height > len(table) else []
        lines = [*above, *table, *below, footer]
    fitting = [fit(text, width, pad=False) for text in lines[:height]]
    return Frame(tuple(map(to_ascii, fitting) if ascii else fitting), theme)


def _printable(row: MeterRow, height: int, now: datetime, *, only_ascii: bool) -> MeterRow:
    name, failure = (printable(text, only_ascii=only_ascii) for text in (row.name, row.failure))
    snapshot = replace(printed(row.snapshot, height, only_ascii=only_ascii), now=now)
    return MeterRow(name, snapshot, failure)


def _title(rows: Sequence[MeterRow], now: datetime, width: int) -> Text:
    left = line(("streamer", STRONG), f" · {plural(len(rows), 'meter')}")
    for state in ("failed", "away", "silent"):
        count = sum(row.state == state for row in rows)
        if count:
            left.append(f" · {count} {state}", WARNING)
    return apart(left, line(f"{now:%Y-%m-%d %H:%M}" if width >= 60 else f"{now:%H:%M}"), width)


def _table(rows: Sequence[MeterRow], chosen: int, width: int, height: int) -> list[Text]:
    """Heading and rows, with the chosen one among them if there is not room for all."""
    columns = _columns(rows, width)
    head = "    " + " ".join(column.text(Text(column.title)).plain for column in columns)
    room = max(1, height - 1)
    first = max(0, min(chosen - room // 2, len(rows) - room))
    shown = range(first, min(first + room, len(rows)))
    lines = [_row(rows[place], place, columns, width, is_chosen=place == chosen) for place in shown]
    return [fit(line((head, LABEL)), width, pad=False), *lines] if height > 1 else lines


def _row(
    row: MeterRow, place: int, columns: Sequence[_Column], width: int, *, is_chosen: bool
) -> Text:
    number = str(place + 1) if place < 9 else " "
    mark = line((f"{'>' if is_chosen else ' '}{number}  ", STRONG if is_chosen else LABEL))
    if not row.failure:
        return line(mark, *_joined(columns, row))
    name = line(mark, *_joined(columns[:2], row), " ")
    reason = fit(Text(row.failure), max(1, width - name.cell_len), pad=False)
    return line(name, (reason.plain, WARNING))


def _joined(columns: Sequence[_Column], row: MeterRow) -> list[Text | str]:
    cells = [column.text(column.cell(row)) for column in columns]
    return [part for cell in cells for part in (" ", cell)][1:]


def _columns(rows: Sequence[MeterRow], width: int) -> list[_Column]:
    """The columns that there is room for, in their order on the screen."""
    longest = max(cell_len(row.name) for row in rows)
    most = max(8, min(_MAX_NAME, width // 6))
    columns = [
        _Column("meter", max(5, min(longest, most)), lambda row: Text(row.name), left=True),
        _Column("link", 7, _state, left=True),
        _Column("now kW", 8, _now),
        _Column("next kW", 8, _next),
    ]
    alarm_cells = 22 if width >= _WIDE else 6
    optional = [
        (6, _Column("alarms", alarm_cells, lambda row: _alarms(row, alarm_cells), left=True)),
        (3, _Column("band", max(_BAND, *(_band(row).cell_len for row in rows)), _band, left=True)),
        (4, _Column("skill", 8, _skill)),
        (5, _Column("demand", 6, _demand)),
    ]
    if not any(demand.has_demand(row.snapshot) for row in rows):
        optional.pop()
    room = width - 3 - sum(column.width + 1 for column in columns)
    kept: dict[int, _Column] = {}
    spare = _MIN_RECENT + 1
    for order, column in optional:
        if room - column.width - 1 >= spare:
            kept[order] = column
            room -= column.width + 1
    if room >= spare:
        cells = room - 1
        kept[0] = _Column("recent", cells, lambda row: recent(row.snapshot.steps, cells), left=True)
    ordered = [kept[order] for order in sorted(kept, key=lambda each: (each > 3, each == 0, each))]
    return columns + ordered


def _state(row: MeterRow) -> Text:
    state = row.state
    return line((state, LABEL if state in ("live", "waiting", "ended") else WARNING))


def _now(row: MeterRow) -> Text:
    kw = NOTHING if row.state == "ended" else Values(row.snapshot).sample_kw.strip()
    return line((kw, STRONG))


def _next(row: MeterRow) -> Text:
    values = Values(row.snapshot)
    is_known = values.coming is not None and row.state == "live"
    return Text(values.expected.strip() if is_known else NOTHING)


def _band(row: MeterRow) -> Text:
    return Values(row.snapshot).band if row.state == "live" else Text()


def _skill(row: MeterRow) -> Text:
    scores = row.snapshot.last.scores if row.snapshot.last else None
    return percent(scores.skill if scores and scores.settled >= MIN_SETTLED else None)


def _demand(row: MeterRow) -> Text:
    last = row.snapshot.last
    found = last.demand if last else None
    return Text(fixed(found.kw if found else None, 2) if row.state == "live" else NOTHING)


def _alarms(row: MeterRow, cells: int) -> Text:
    on = row.snapshot.last.alarms if row.snapshot.last else ()
    if not on:
        return Text()
    return choose(cells, alarms.shortest(on), line((f"{ALARM_GLYPH} {len(on)}", WARNING)))


def recent(steps: Sequence[Step], cells: int) -> Text:
    """The latest minutes as bars of one line, newest at the right; a gap is a thin line.

    Args:
        steps: the steps, newest last.
        cells: number of cells.
    """
    found: list[float | None] = []
    for step in reversed(steps[-cells:]):
        found.append(step.reading.kw)
        if step.gap_minutes:
            found.append(None)
    found = found[:cells][::-1]
    known = [kw for kw in found if kw is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    span = (high - low) or 1.0
    text = line(" " * (cells - len(found)))
    for is_gap, run in groupby(found, lambda kw: kw is None):
        glyphs = "".join(
            GAP_GLYPH if kw is None else FILL[1 + round(7 * (kw - low) / span)] for kw in run
        )
        text.append(glyphs, LABEL if is_gap else ACTUAL)
    return text


def _below(row: MeterRow, width: int, height: int) -> list[Text]:
    """The chosen meter in more detail, in exactly `height` lines."""
    snapshot = row.snapshot
    if height < _MIN_CHART:
        return [Text()] * max(0, height)
    source = "" if snapshot.about is None else f"{snapshot.about.source} · {snapshot.about.model}"
    source = source.removeprefix(f"{row.name} · ")
    banner = line((f"failed: {row.failure}", WARNING)) if row.failure else Text()
    lines = [
        heading(row.name, width, notes=[source]),
        now(snapshot, width),
        banner or link.banner(snapshot, width),
    ]
    return [*lines, *chart_of(snapshot, width, height - len(lines))]
