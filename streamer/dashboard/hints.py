"""Meaning of keys and glyphs: the last line of the screen, and the help."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from streamer.dashboard.chart import ALARM_GLYPH
from streamer.dashboard.plot import BAND_GLYPH, FILL, FORECAST_GLYPH, GAP_GLYPH, SOLAR_GLYPH
from streamer.dashboard.words import (
    ACTUAL,
    BAND,
    FORECAST,
    LABEL,
    SOLAR,
    STRONG,
    WARNING,
    Part,
    fit,
    line,
)

PAUSED = "paused"
"""Shown instead of the speed while the stream is paused."""

_LEAVE, _HELP = ("q", "leave"), ("?", "help")
_SCROLL, _PICTURE, _DEMAND = ("← →", "scroll"), ("s", "picture"), ("d", "demand")
_IN_THE_PAST = (_LEAVE, _SCROLL, ("[ ]", "span"), ("a", "alarm"), ("End", "newest"), _HELP)
_LIVE = (_LEAVE, _SCROLL, ("[ ]", "span"), ("a", "last alarm"), _PICTURE, _HELP)
_REPLAY = (_LEAVE, ("space", "pause"), ("+ -", "speed"), _SCROLL, _PICTURE, _HELP)
_SEVERAL = ("m", "meters")
_ALL_METERS = (_LEAVE, ("↑ ↓", "choose"), ("Enter", "open"), ("1-9", "open"), _PICTURE, _HELP)
_PAUSED = (_LEAVE, ("space", "resume"), ("n", "next"), _SCROLL, _PICTURE, _HELP)


def footer(
    message: str,
    speed: str,
    width: int,
    *,
    live: bool = False,
    scrolled: bool = False,
    demand: bool = False,
    several: bool = False,
) -> Text:
    """Hints to the keys, or the message in response to the last one.

    Args:
        message: the message; empty if there is none.
        speed: label of the speed.
        width: width of the line in cells.
        live: for a meter instead of a replay.
        scrolled: the chart shows a part of the past.
        demand: demand intervals are kept.
        several: this is one of several meters.
    """
    if message:
        return fit(line(" ", (message, STRONG)), width, pad=False)
    keys: tuple[tuple[str, str], ...] = _PAUSED if speed == PAUSED else _LIVE if live else _REPLAY
    if scrolled:
        keys = _IN_THE_PAST
    if several:
        keys = (_LEAVE, _SEVERAL, *keys[1:])
    few = [key for key in keys if key[0] in ("q", "m", "space", "End", "?")]
    more = [(*keys[:-1], _DEMAND, _HELP)] if demand and not scrolled else []
    return _longest([*more, keys, few, [_HELP]], width)


def meters_footer(message: str, width: int) -> Text:
    """The same for the table of several meters.

    Args:
        message: the message; empty if there is none.
        width: width of the line in cells.
    """
    if message:
        return fit(line(" ", (message, STRONG)), width, pad=False)
    some = [key for key in _ALL_METERS if key[0] in ("q", "↑ ↓", "Enter", "?")]
    few = [key for key in some if key[0] != "↑ ↓"]
    return _longest([_ALL_METERS, some, few, [_HELP]], width)


def _longest(candidates: Sequence[Sequence[tuple[str, str]]], width: int) -> Text:
    """The first hints that fit the width; if none fit, the last ones cut short."""
    for keep in candidates:
        hints = line(*_hints(keep))
        hints.rstrip()
        if hints.cell_len <= width:
            return hints
    return fit(hints, width, pad=False)


def _hints(keys: Sequence[tuple[str, str]]) -> list[Part]:
    parts: list[Part] = []
    for key, name in keys:
        parts += [(" " + key, STRONG), (f" {name}  ", LABEL)]
    return parts


def help_lines(
    *,
    brief: bool = False,
    live: bool = False,
    solar: bool = False,
    means: bool = False,
    demand: bool = False,
    several: bool = False,
) -> list[Text]:
    """Meaning of the keys, the glyphs and the words on the screen.

    Args:
        brief: leave out empty lines, for a small screen.
        live: for a meter instead of a replay.
        solar: solar power is measured.
        means: the means of the next minutes are forecast and shown.
        demand: demand intervals are kept.
        several: this is one of several meters.
    """
    steering = (
        ("space", "pause, or resume"),
        ("n", "while paused: next reading"),
        ("+  -", "replay faster, slower"),
    )
    choosing = (("m, Esc", "back to all meters"), ("↑  ↓", "meter before, after"))
    keys = (
        ("q" if several else "q, Esc", "leave, and print a summary"),
        *(() if live else steering),
        *(choosing if several else ()),
        ("←  →", "scroll; by page: PgUp PgDn"),
        ("Home  End", "oldest, newest minutes"),
        ("[  ]", "shorter, longer span"),
        ("a  A", "alarm before, after"),
        *((("d", "demand intervals and today"),) if demand else ()),
        ("s", "save the screen as SVG"),
        ("?", "close this help"),
    )
    glyphs = (
        (FILL[-1], ACTUAL, "mean of a minute in kW" if live else "actual power in kW"),
        (FORECAST_GLYPH, FORECAST, "forecast, and what comes"),
        (BAND_GLYPH, BAND, "its band: how sure it is"),
        *(((2 * BAND_GLYPH, BAND, "means of the next minutes"),) if means else ()),
        *(((SOLAR_GLYPH, SOLAR, "power of the solar panels"),) if solar else ()),
        (GAP_GLYPH, LABEL, "gap: minutes not received"),
        (ALARM_GLYPH, WARNING, "an alarm was raised here"),
    )
    words = (
        *((("now", "the meter's latest value"),) if live else ()),
        ("persistence", 'forecasting "next = last"'),
        ("skill", "1 − MSE / persistence MSE"),
        ("point", "the forecast shown: a median"),
        ("mean", "expected value, adapted here"),
        ("frozen", "the network as trained"),
    )
    rows = [line((f" {key:12}", STRONG), text) for key, text in keys]
    rows.append(Text())
    rows += [line(" ", (f"{glyph:12}", style), text) for glyph, style, text in glyphs]
    rows.append(Text())
    rows += [line((f" {word:12}", STRONG), text) for word, text in words]
    return [text for text in rows if text.plain] if brief else rows


def meters_help() -> list[Text]:
    """Meaning of the keys and columns of the table of several meters."""
    keys = (
        ("q, Esc", "leave, and print the summaries"),
        ("↑  ↓", "choose the meter before, after"),
        ("Enter", "open the chosen meter"),
        ("1-9", "open the meter with this number"),
        ("s", "save the screen as SVG"),
        ("?", "close this help"),
    )
    columns = (
        ("link", "live, silent, away, ended, failed"),
        ("now kW", "the meter's latest value"),
        ("next kW", "forecast for the coming minute"),
        ("band", "its band: how sure it is"),
        ("recent", "the latest minutes"),
        ("skill", "1 − MSE / persistence MSE"),
        ("demand", "mean of the running interval, kW"),
        ("alarms", "the alarms that are on"),
    )
    rows = [line((f" {key:12}", STRONG), text) for key, text in keys]
    return [*rows, Text(), *(line((f" {name:12}", STRONG), text) for name, text in columns)]
