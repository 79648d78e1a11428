"""One frame of the dashboard, laid out for the size of the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from streamer.dashboard import demand, head, hints, link, means, overview, panels, race, scores
from streamer.dashboard.alarms import shortest
from streamer.dashboard.below import LARGE, below
from streamer.dashboard.chartview import chart_of
from streamer.dashboard.house import house
from streamer.dashboard.now import now, now_lines
from streamer.dashboard.printing import printed
from streamer.dashboard.themes import THEMES
from streamer.dashboard.words import (
    LABEL,
    STRONG,
    WARNING,
    Part,
    apart,
    fit,
    line,
    printable,
    to_ascii,
)
from streamer.display.numbers import plural
from streamer.display.themes import ThemeName
from streamer.history import HistorySnapshot, outage

_FULL = (72, 22)
"""Columns and lines from which the panels fit below the chart."""
_SMALL_HOUSE = 10
"""Lines from which a small screen has the power in the house and the next hour as well."""
_ROOM_FOR_CHART = 9
"""Lines that the race leaves to the chart."""
_TALL = 30
"""Lines from which the alarms and an empty line have rows of their own."""


@dataclass(frozen=True)
class Frame:
    """Finished lines that fit the screen in width and number.

    Attributes:
        lines: the lines from the top down.
        theme: name of the theme that they are painted in.
    """

    lines: tuple[Text, ...]
    theme: ThemeName = ThemeName.AUTO

    def __str__(self) -> str:
        return "\n".join(line.plain.rstrip() for line in self.lines)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # The lines fit already; rendering them one by one avoids wrapping them again.
        with console.use_theme(THEMES[self.theme]):
            for index, text in enumerate(self.lines):
                if index:
                    yield Segment.line()
                yield from text.render(console)


def render(
    snapshot: HistorySnapshot,
    width: int,
    height: int,
    *,
    ascii: bool = False,
    help: bool = False,
    only_demand: bool = False,
    speed: str = "",
    message: str = "",
    now: datetime | None = None,
    theme: ThemeName = ThemeName.AUTO,
    several: bool = False,
) -> Frame:
    """Lay out one frame.

    Args:
        snapshot: state of the stream.
        width: columns of the terminal.
        height: lines of the terminal.
        ascii: use only ASCII characters.
        help: show the meaning of keys and glyphs instead of the figures.
        only_demand: show demand intervals in place of the other panels.
        speed: label of the speed.
        message: text for the last line instead of the key hints.
        now: current time with a zone, for a meter; None for a replay.
        theme: colours to paint it in.
        several: this is one of several meters.

    Returns:
        A renderable of at most `height` lines of at most `width` cells.
    """
    snapshot = replace(printed(snapshot, height, only_ascii=ascii), now=now)
    message = printable(message, only_ascii=ascii)
    if help:
        lines = _help(snapshot, width, height, speed, several=several)
    elif width >= _FULL[0] and height >= _FULL[1]:
        under = [line(" ", text) for text in means.means(snapshot, width - 1)]
        under += below(snapshot, width, height)
        if only_demand:
            under = demand.large(snapshot, width, len(under))
        footer = _footer(snapshot, width, speed, message, several=several)
        lines = _full(snapshot, width, height, speed, under, footer, ascii=ascii)
    else:
        lines = _small(snapshot, width, height, speed, message, only_demand=only_demand)
    fitting = [fit(text, width, pad=False) for text in list(lines)[:height]]
    return Frame(tuple(map(to_ascii, fitting) if ascii else fitting), theme)


def _full(
    snapshot: HistorySnapshot,
    width: int,
    height: int,
    speed: str,
    under: Sequence[Text],
    footer: Text,
    *,
    ascii: bool,
) -> Iterable[Text]:
    """Chart, and the lines under it."""
    title = head.title(snapshot, speed, width, warnings=height < _TALL)
    if height >= LARGE and width >= overview.MIN_WIDTH:
        figures = overview.overview(snapshot, width, ascii=ascii)
        inside = [line(" ", text) for text in house(snapshot, width - 1)]
        above = [title, link.banner(snapshot, width), *figures, *inside]
    elif height >= _TALL:
        figures = [now(snapshot, width), *house(snapshot, width)]
        above = [title, link.banner(snapshot, width), *figures, Text()]
    else:
        above = [title, now(snapshot, width), *house(snapshot, width)]
    chart_height = height - len(above) - len(under) - 1
    challengers = race.race(snapshot, width, chart_height - _ROOM_FOR_CHART)
    chart = chart_of(snapshot, width, chart_height - len(challengers))
    return [*above, *chart, *under, *challengers, footer]


def _footer(
    snapshot: HistorySnapshot, width: int, speed: str, message: str, *, several: bool
) -> Text:
    return hints.footer(
        message,
        speed,
        width,
        live=snapshot.live,
        scrolled=snapshot.scrolled,
        demand=demand.has_demand(snapshot),
        several=several,
    )


def _small(
    snapshot: HistorySnapshot,
    width: int,
    height: int,
    speed: str,
    message: str,
    *,
    only_demand: bool,
) -> Iterable[Text]:
    """A small chart and the most important figures, in order of importance."""
    others = demand.brief if only_demand else scores.comparison
    figures = [*now_lines(snapshot, width), *others(snapshot, width)]
    # Left out on a very low screen, in this order: chart, title, status, scores.
    if height < len(figures) + 2:
        return [*figures, _status(snapshot, width, message, titled=False)]
    status = _status(snapshot, width, message, titled=True)
    title = head.title(snapshot, speed, width, progress=True, warnings=True)
    if height >= _SMALL_HOUSE:
        figures[2:2] = [*house(snapshot, width), *means.means(snapshot, width)]
    if height >= 2 * (len(figures) + 4):
        figures += (demand.more if only_demand else scores.more)(snapshot, width)
    chart_height = height - len(figures) - 2
    if chart_height < 3:
        return [title, *figures, status]
    chart = chart_of(snapshot, width, chart_height)
    return [title, *chart, *figures, status]


def _status(snapshot: HistorySnapshot, width: int, message: str, *, titled: bool) -> Text:
    """The most important fact about the stream, and a hint to the help.

    With a title, which names outages and alarms, their details are shown here.
    """
    hint = line(("?", STRONG), (" help", LABEL))
    if message:
        return fit(line((message, STRONG)), width, pad=False)
    if snapshot.scrolled and snapshot.past is not None:
        return fit(Text(snapshot.past.title), width, pad=False)
    last = snapshot.last
    if not titled and (outage.is_down(snapshot) or (last and last.alarms)):
        return link.banner(snapshot, width)
    if remedy := link.remedy(snapshot):
        left, more = Text(remedy), shortest(last.alarms) if last and last.alarms else hint
        both = left.cell_len + more.cell_len < width
        return apart(left, more, width) if both else fit(left, width, pad=False)
    # An alarm may be on for a day, too long to hide the warning of in-sample scores.
    if last and last.alarms and not snapshot.in_sample:
        return fit(Text(last.alarms[-1].text), width, pad=False)
    parts: list[Part] = [(panels.buffer(snapshot), LABEL)]
    gaps, _, ongoing = panels.gap_totals(snapshot)
    if gaps:
        parts.append((f" · {plural(gaps, 'gap')}{', one now' if ongoing else ''}", LABEL))
    if snapshot.in_sample:
        parts = [("! " + scores.IN_SAMPLE, WARNING)]
    left = line(*parts)
    return apart(left, hint, width) if width > 30 else fit(left, width, pad=False)


def _help(
    snapshot: HistorySnapshot, width: int, height: int, speed: str, *, several: bool
) -> Iterable[Text]:
    """The help, below the title."""
    solar = snapshot.last is not None and snapshot.last.reading.solar_kw is not None
    has_means = bool(means.means(snapshot, width))
    shown = {"solar": solar, "means": has_means, "demand": demand.has_demand(snapshot)}
    shown["several"] = several
    lines = hints.help_lines(live=snapshot.live, **shown)
    if height < len(lines) + 2:
        return hints.help_lines(brief=True, live=snapshot.live, **shown)
    above = (height - len(lines) - 2) // 3
    indent = " " * max(0, (width - max(text.cell_len for text in lines)) // 3)
    body = [line(indent, text) for text in lines]
    return [head.title(snapshot, speed, width), Text(), *[Text()] * above, *body]


def speed_label(speed: float, *, paused: bool) -> str:
    """Label of a replay's speed.

    >>> speed_label(600.0, paused=False), speed_label(float("inf"), paused=False)
    ('600×', 'max')
    """
    if paused:
        return hints.PAUSED
    return "max" if speed == float("inf") else f"{speed:g}×"
