"""Tests of the themes: contrast, and the background that the environment describes."""

from __future__ import annotations

import pytest
from rich.color import Color, ColorType
from rich.color_triplet import ColorTriplet
from rich.style import Style
from rich.terminal_theme import TerminalTheme

from streamer.dashboard.background import from_answer, from_environment, may_answer
from streamer.dashboard.themes import THEMES
from streamer.dashboard.words import ACTUAL, BAND, FAINT, HANGING
from streamer.display.themes import ThemeName

WHITE, BLACK = ColorTriplet(255, 255, 255), ColorTriplet(0, 0, 0)
SOLARIZED = (
    (7, 54, 66), (220, 50, 47), (133, 153, 0), (181, 137, 0),
    (38, 139, 210), (211, 54, 130), (42, 161, 152), (238, 232, 213),
)  # fmt: skip
SOLARIZED_LIGHT = TerminalTheme((253, 246, 227), (101, 123, 131), list(SOLARIZED))
SOLARIZED_DARK = TerminalTheme((0, 43, 54), (131, 148, 150), list(SOLARIZED))


def _luminance(colour: ColorTriplet) -> float:
    """Relative luminance as WCAG 2 defines it."""
    linear = [
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
        for c in (part / 255 for part in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: ColorTriplet, other: ColorTriplet) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _colours(theme: ThemeName) -> dict[str, Color]:
    return {name: style.color for name, style in THEMES[theme].styles.items() if style.color}


@pytest.mark.parametrize(
    ("theme", "background"),
    [
        (ThemeName.DARK, BLACK),
        (ThemeName.DARK, SOLARIZED_DARK.background_color),
        (ThemeName.LIGHT, WHITE),
        (ThemeName.LIGHT, SOLARIZED_LIGHT.background_color),
    ],
)
def test_text_is_readable_on_the_backgrounds_of_its_theme(
    theme: ThemeName, background: ColorTriplet
) -> None:
    for name, colour in _colours(theme).items():
        # The minima of WCAG 2 for text and for graphics; lines between blocks are decoration.
        least = {FAINT: 1.5, ACTUAL: 3.0, HANGING: 3.0, BAND: 3.0}.get(name, 4.5)
        assert _contrast(colour.get_truecolor(), background) >= least, name


def test_known_backgrounds_get_colours_that_palettes_do_not_change() -> None:
    for theme in (ThemeName.DARK, ThemeName.LIGHT):
        for colour in _colours(theme).values():
            assert colour.type == ColorType.EIGHT_BIT
            assert (colour.number or 0) >= 16


def test_an_unknown_background_gets_no_colour_that_solarized_hides() -> None:
    colours = _colours(ThemeName.AUTO).values()
    assert {colour.number for colour in colours} <= {1, 2, 5, 6}
    for palette in (SOLARIZED_LIGHT, SOLARIZED_DARK):
        for colour in colours:
            shown = colour.get_truecolor(palette)
            assert _contrast(shown, palette.background_color) >= 2.5


@pytest.mark.parametrize("theme", ThemeName)
def test_all_themes_have_the_same_styles(theme: ThemeName) -> None:
    assert set(THEMES[theme].styles) == set(THEMES[ThemeName.AUTO].styles)


def test_without_colours_nothing_has_one() -> None:
    for style in THEMES[ThemeName.MONO].styles.values():
        assert style == style.without_color
        assert isinstance(style, Style)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("15;0", ThemeName.DARK),
        ("0;15", ThemeName.LIGHT),
        ("12;8", ThemeName.DARK),
        ("11;7", ThemeName.LIGHT),
        ("0;default;15", ThemeName.LIGHT),
        ("15;default", ThemeName.AUTO),
        ("", ThemeName.AUTO),
        ("0;²", ThemeName.AUTO),
    ],
)
def test_the_environment_may_describe_the_background(value: str, expected: ThemeName) -> None:
    assert from_environment({"COLORFGBG": value}) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("11;rgb:0000/0000/0000", ThemeName.DARK),
        ("11;rgb:ffff/ffff/ffff", ThemeName.LIGHT),
        ("11;rgb:fd/f6/e3", ThemeName.LIGHT),
        ("11;rgb:0/2b/36", ThemeName.DARK),
        ("11;rgba:1e1e/1e1e/2e2e/ffff", ThemeName.DARK),
        ("11;#ffffff", None),
        ("10;rgb:ffff/ffff/ffff", None),
        ("", None),
    ],
)
def test_an_answer_describes_the_background(answer: str, expected: ThemeName | None) -> None:
    assert from_answer(answer) == expected


@pytest.mark.parametrize(
    ("environ", "may"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, False),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "linux"}, False),
        ({}, False),
    ],
)
def test_a_terminal_without_an_answer_is_not_asked(environ: dict[str, str], may: bool) -> None:
    assert may_answer(environ) == may
