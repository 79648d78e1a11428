"""Text from elsewhere made safe for one line of a terminal."""

from __future__ import annotations


def shorten(text: str, limit: int = 40) -> str:
    """The text quoted, cut to some 40 characters, safe to print."""
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")


def printable(text: str) -> str:
    """The text on one line, with what a terminal would act on replaced by ``?``."""
    return "".join(char if char.isprintable() else "?" for char in text)
