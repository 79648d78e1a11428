"""The screen as an SVG picture."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, SVG_EXPORT_THEME

from streamer.dashboard.layout import Frame, render
from streamer.display.themes import ThemeName
from streamer.history import HistorySnapshot

_ADVANCE = 0.602
"""Width of a character in font sizes: that of DejaVu Sans Mono and Menlo, and nearly that of most
others. Rich's own value is larger, and viewers that ignore `textLength` would leave gaps."""

_TEXT = re.compile(r"<text\b")
_WEB_FONT = re.compile(r"@font-face\s*\{.*?\}\s*", re.DOTALL)


def render_svg(
    snapshot: HistorySnapshot,
    width: int = 100,
    height: int = 30,
    *,
    title: str = "streamer",
    ascii: bool = False,
    only_demand: bool = False,
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
        only_demand: show demand intervals in place of the other panels.
        speed: label of the speed.
        now: current time with a zone, for a meter; None for a replay.
        theme: colours of the picture, whose background is light with the light theme alone.

    Returns:
        The text of an SVG file.
    """
    frame = render(
        snapshot,
        width,
        height,
        ascii=ascii,
        only_demand=only_demand,
        speed=speed,
        now=now,
        theme=theme,
    )
    return frame_svg(frame, width, height, title=title)


def frame_svg(frame: Frame, width: int, height: int, *, title: str = "streamer") -> str:
    """Draw a finished frame as SVG.

    Args:
        frame: the frame; without a theme, it is drawn in the dark one.
        width: columns of the terminal in the picture.
        height: lines of that terminal.
        title: text of the picture's title bar.
    """
    if frame.theme == ThemeName.AUTO:
        frame = replace(frame, theme=ThemeName.DARK)
    console = Console(
        file=StringIO(),
        record=True,
        width=width,
        height=height,
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
    )
    console.print(frame)
    colours = DEFAULT_TERMINAL_THEME if frame.theme == ThemeName.LIGHT else SVG_EXPORT_THEME
    # Without rich's web font: a picture should load nothing from the network.
    svg = console.export_svg(title=title, theme=colours, font_aspect_ratio=_ADVANCE)
    svg = _WEB_FONT.sub("", svg)
    # Browsers keep the spaces anyway, other viewers only if they are asked to.
    return _TEXT.sub('<text xml:space="preserve"', svg)


def save_svg(svg: str, folder: Path | None = None) -> str:
    """Save a picture in a new file.

    Args:
        svg: the picture, as by `render_svg`.
        folder: folder of the file; None for the working directory.

    Returns:
        The result, for people: the name of the file, or the reason for which there is none.
    """
    path = (folder or Path()) / f"streamer-{datetime.now():%Y%m%d-%H%M%S}.svg"
    try:
        path.write_text(svg, encoding="utf-8")
    except OSError as error:
        return f"not saved: {path}: {error.strerror or error}"
    return f"saved {path}"
