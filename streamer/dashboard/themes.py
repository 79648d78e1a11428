"""Colours of the dashboard for dark and light backgrounds, and for none at all.

The themes for a known background use the fixed part of the 256 colours, because palettes such as
Solarized give other colours to the first sixteen. The theme for an unknown background uses only
those of the first sixteen that are readable on black, on white and on Solarized, and dims nothing
that has to be read. No meaning depends on a colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

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
    STRONG,
    WARNING,
)


class ThemeName(StrEnum):
    """Names of the themes, as options and settings give them."""

    AUTO = "auto"
    DARK = "dark"
    LIGHT = "light"
    MONO = "mono"


def _theme(
    *,
    actual: str,
    forecast: str,
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
        **dict.fromkeys((STRONG, FORECAST, WARNING), "bold"),
        HANGING: "reverse",
    },
    inherit=False,
)

THEMES: Mapping[ThemeName, Theme] = {
    ThemeName.AUTO: _theme(
        actual="cyan",
        forecast="magenta",
        band="magenta",
        good="green",
        bad="red",
        label="",
        faint="dim",
    ),
    ThemeName.DARK: _theme(
        actual="color(37)",
        forecast="color(213)",
        band="color(170)",
        good="color(77)",
        bad="color(210)",
        label="color(247)",
        faint="color(240)",
    ),
    ThemeName.LIGHT: _theme(
        actual="color(31)",
        forecast="color(127)",
        band="color(133)",
        good="color(22)",
        bad="color(124)",
        label="color(241)",
        faint="color(248)",
    ),
    ThemeName.MONO: _MONO,
}


def suitable(name: ThemeName, environ: Mapping[str, str]) -> ThemeName:
    """The theme for a terminal, as far as its environment describes the background.

    Args:
        name: the theme that was asked for.
        environ: environment variables, of which COLORFGBG is used: some terminals set it to
            the numbers of their foreground and background colours.

    >>> suitable(ThemeName.AUTO, {"COLORFGBG": "0;15"}).value
    'light'
    >>> suitable(ThemeName.AUTO, {}).value
    'auto'
    """
    if name != ThemeName.AUTO:
        return name
    _, _, background = environ.get("COLORFGBG", "").rpartition(";")
    if not (background.isascii() and background.isdigit()):
        return name
    return ThemeName.DARK if int(background) in _DARK_COLOURS else ThemeName.LIGHT


_DARK_COLOURS = (*range(7), 8)
"""Those of the first sixteen colours that are dark as a background."""
