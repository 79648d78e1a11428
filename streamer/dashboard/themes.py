"""Colours of the dashboard for dark and light backgrounds, and for none at all.

The themes for a known background use the fixed part of the 256 colours, because palettes such as
Solarized give other colours to the first sixteen. The theme for an unknown background uses only
those of the first sixteen that are readable on black, on white and on Solarized, and dims nothing
that has to be read. No meaning depends on a colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style
from rich.theme import Theme

from streamer.dashboard.words import (
    ACTUAL,
    BAD,
    BAND,
    FAINT,
    FORECAST,
    GOOD,
    HANGING,
    LABEL,
    SOLAR,
    STRONG,
    WARNING,
)
from streamer.display.themes import ThemeName


def _theme(
    *,
    actual: str,
    forecast: str,
    solar: str,
    band: str,
    good: str,
    bad: str,
    label: str,
    faint: str,
) -> Theme:
    bar = Style.parse(actual)
    return Theme(
        {
            LABEL: label,
            FAINT: faint,
            STRONG: "bold",
            ACTUAL: bar,
            HANGING: bar + Style(reverse=True),
            FORECAST: Style(bold=True) + Style.parse(forecast),
            SOLAR: Style(bold=True) + Style.parse(solar),
            BAND: band,
            GOOD: good,
            BAD: bad,
            WARNING: Style(bold=True) + Style.parse(bad),
        },
        inherit=False,
    )


_MONO = Theme(
    {
        **dict.fromkeys((LABEL, FAINT, ACTUAL, BAND, GOOD, BAD), ""),
        **dict.fromkeys((STRONG, FORECAST, SOLAR, WARNING), "bold"),
        HANGING: "reverse",
    },
    inherit=False,
)

THEMES: Mapping[ThemeName, Theme] = {
    ThemeName.AUTO: _theme(
        actual="cyan",
        forecast="magenta",
        solar="",
        band="magenta",
        good="green",
        bad="red",
        label="",
        faint="dim",
    ),
    ThemeName.DARK: _theme(
        actual="color(37)",
        forecast="color(213)",
        solar="color(220)",
        band="color(170)",
        good="color(77)",
        bad="color(210)",
        label="color(247)",
        faint="color(240)",
    ),
    ThemeName.LIGHT: _theme(
        actual="color(31)",
        forecast="color(127)",
        solar="color(94)",
        band="color(133)",
        good="color(22)",
        bad="color(124)",
        label="color(241)",
        faint="color(248)",
    ),
    ThemeName.MONO: _MONO,
}
