"""Untrusted text made safe for one line of a terminal or a page."""

from __future__ import annotations

import json


def one_line(text: object) -> str:
    r"""The text on one line and printable: for any text that comes from outside.

    Runs of white space become a space. Control characters, and those that reverse the writing
    direction, become ``?``, so that no text can move the cursor or disguise another.

    >>> one_line("refused\n  by the meter \x07\u202e")
    'refused by the meter ??'
    """
    line = str(text)
    return line if line.isprintable() else printable(" ".join(line.split()))


def error_line(error: Exception) -> str:
    r"""The text of an error on one line, or the name of its class if the text is empty.

    >>> error_line(ValueError("no such\n file")), error_line(KeyError())
    ('no such file', 'KeyError')
    """
    return one_line(error) or type(error).__name__


def printable(text: str, *, mark: str = "?", keep: str = "") -> str:
    r"""The text with all control and other unprintable characters replaced.

    Args:
        text: the text.
        mark: replacement for each of these characters.
        keep: unprintable characters to keep.

    >>> printable("S\u00fcd\x1b[2J")
    'Süd?[2J'
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in keep else mark for char in text)


def escaped_json(text: str) -> str:
    r"""JSON with the characters that a terminal should not get written as escapes.

    >>> escaped_json('{"name": "S\u00fcd\u202e"}')
    '{"name": "Süd\\u202e"}'
    """
    return "".join(
        char if char == "\n" or char.isprintable() else json.dumps(char)[1:-1] for char in text
    )


def shorten(text: str, limit: int = 40) -> str:
    """The text quoted and safe to print, cut to at most `limit` characters."""
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")
