"""The screen as an SVG picture."""

from __future__ import annotations

import re
from datetime import datetime
from io import StringIO

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, SVG_EXPORT_THEME

from streamer.dashboard.history import HistorySnapshot
from streamer.dashboard.layout import render
from streamer.display.themes import ThemeName

_WEB_FONT = re.compile(r"@font-face\s*\{.*?\}\s*", re.DOTALL)


def render_svg(
    snapshot: HistorySnapshot,
    width: int = 100,
    height: int = 30,
    *,
    title: str = "streamer",
    ascii: bool = False,
    speed: str = "",
    now: datetime | None = None,
    theme: ThemeName = ThemeName.AUTO,
) -> str:
    """Draw a frame as SVG.

    Args:
        snapshot: state of the stream.
        width: columns of the terminal in the picture.
        height: lines of that terminal.
        title: text of the picture's title bar.
        ascii: use only ASCII characters.
        speed: label of the speed.
        now: current time with a zone, for a meter; None for a replay.
        theme: colours of the picture, whose background is light with the light theme alone.

    Returns:
        The text of an SVG file.
    """
    if theme == ThemeName.AUTO:
        theme = ThemeName.DARK
    console = Console(
        file=StringIO(),
        record=True,
        width=width,
        height=height,
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
    )
    console.print(render(snapshot, width, height, ascii=ascii, speed=speed, now=now, theme=theme))
    colours = DEFAULT_TERMINAL_THEME if theme == ThemeName.LIGHT else SVG_EXPORT_THEME
    # Without rich's web font: a picture should load nothing from the network.
    return _WEB_FONT.sub("", console.export_svg(title=title, theme=colours))
