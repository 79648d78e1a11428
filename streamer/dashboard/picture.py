"""The screen as a picture."""

from __future__ import annotations

import re
from datetime import datetime
from io import StringIO

from rich.console import Console

from streamer.dashboard.history import Snapshot
from streamer.dashboard.layout import render

_WEB_FONT = re.compile(r"@font-face\s*\{.*?\}\s*", re.DOTALL)


def render_svg(
    snapshot: Snapshot,
    width: int = 100,
    height: int = 30,
    *,
    title: str = "streamer",
    ascii: bool = False,
    speed: str = "",
    now: datetime | None = None,
) -> str:
    """Draw a frame as SVG.

    Args:
        snapshot: what to show.
        width: columns of the terminal in the picture.
        height: its lines.
        title: what stands in the picture's title bar.
        ascii: use nothing but ASCII.
        speed: how fast the stream runs, in words.
        now: what the clock says, with a zone, where a meter is watched; None for a replay.

    Returns:
        The text of an SVG file.
    """
    console = Console(
        file=StringIO(),
        record=True,
        width=width,
        height=height,
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
    )
    console.print(render(snapshot, width, height, ascii=ascii, speed=speed, now=now))
    # Rich would have the viewer fetch a font from the web: a picture should ask nobody.
    return _WEB_FONT.sub("", console.export_svg(title=title))
