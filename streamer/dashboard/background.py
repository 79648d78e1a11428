"""The background colour of the terminal, and the theme that suits it.

Some terminals describe their colours in the environment. Nearly all others answer a question
(OSC 11 of xterm), whose answer comes like a key, so that nothing waits for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from streamer.display.themes import ThemeName

QUESTION = b"\x1b]11;?\x1b\\"
"""Asks for the background colour."""

_ANSWER = re.compile(r"11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})")

_DARK_COLOURS = (*range(7), 8)
"""Those of the first sixteen colours that are dark as a background."""

_SILENT = ("", "dumb", "linux")
"""Values of TERM for which there is no answer."""


def from_environment(environ: Mapping[str, str]) -> ThemeName:
    """The theme for the background in COLORFGBG, or `AUTO` without one.

    >>> from_environment({"COLORFGBG": "0;15"}).value, from_environment({}).value
    ('light', 'auto')
    """
    _, _, background = environ.get("COLORFGBG", "").rpartition(";")
    if not (background.isascii() and background.isdigit()):
        return ThemeName.AUTO
    return ThemeName.DARK if int(background) in _DARK_COLOURS else ThemeName.LIGHT


def may_answer(environ: Mapping[str, str]) -> bool:
    """Whether the terminal may be asked for its background, and the answer matters."""
    return environ.get("TERM", "") not in _SILENT and not environ.get("NO_COLOR")


def from_answer(answer: str) -> ThemeName | None:
    """The theme for the background in an answer of the terminal; None if it has none.

    Args:
        answer: the text of an operating system command (OSC), without its ends.

    >>> from_answer("11;rgb:fdfd/f6f6/e3e3"), from_answer("11;rgb:00/2b/36"), from_answer("52;c;")
    (<ThemeName.LIGHT: 'light'>, <ThemeName.DARK: 'dark'>, None)
    """
    found = _ANSWER.match(answer)
    if found is None:
        return None
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
    # The luma of ITU-R BT.601: how bright the colour looks.
    return ThemeName.LIGHT if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else ThemeName.DARK
