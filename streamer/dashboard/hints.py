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
_PAUSED = (_LEAVE, ("space", "resume"), ("n", "next"), _SCROLL, _PICTURE, _HELP)


def footer(
    message: str,
    speed: str,
    width: int,
    *,
    live: bool = False,
    scrolled: bool = False,
    demand: bool = False,
) -> Text:
    """Hints to the keys, or the message in response to the last one.

    Args:
        message: the message; empty if there is none.
        speed: label of the speed.
        width: width of the line in cells.
        live: for a meter instead of a replay.
        scrolled: the chart shows a part of the past.
        demand: demand intervals are kept.
    """
    if message:
        return fit(line(" ", (message, STRONG)), width, pad=False)
    keys = _PAUSED if speed == PAUSED else _LIVE if live else _REPLAY
    if scrolled:
        keys = _IN_THE_PAST
    few = [key for key in keys if key[0] in ("q", "space", "End", "?")]
    more = [(*keys[:-1], _DEMAND, _HELP)] if demand and not scrolled else []
    for keep in (*more, keys, few, [_HELP]):
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
) -> list[Text]:
    """Meaning of the keys, the glyphs and the words on the screen.

    Args:
        brief: leave out empty lines, for a small screen.
        live: for a meter instead of a replay.
        solar: solar power is measured.
        means: the means of the next minutes are forecast and shown.
        demand: demand intervals are kept.
    """
    steering = (
        ("space", "pause, or resume"),
        ("n", "while paused: next reading"),
        ("+  -", "replay faster, slower"),
    )
    keys = (
        ("q, Esc", "leave, and print a summary"),
        *(() if live else steering),
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
