"""Large figures, three lines high."""

from __future__ import annotations

HEIGHT = 3

_BLOCKS = {
    "0": ("█▀█", "█ █", "▀▀▀"),
    "1": ("▄█ ", " █ ", "▀▀▀"),
    "2": ("▀▀█", "█▀▀", "▀▀▀"),
    "3": ("▀▀█", "▀▀█", "▀▀▀"),
    "4": ("█ █", "▀▀█", "  ▀"),
    "5": ("█▀▀", "▀▀█", "▀▀▀"),
    "6": ("█▀▀", "█▀█", "▀▀▀"),
    "7": ("▀▀█", "  █", "  ▀"),
    "8": ("█▀█", "█▀█", "▀▀▀"),
    "9": ("█▀█", "▀▀█", "▀▀▀"),
    ".": (" ", " ", "▀"),
    "−": ("  ", "▀▀", "  "),
    "–": ("   ", "▀▀▀", "   "),
}

_ASCII = {
    "0": (" _ ", "| |", "|_|"),
    "1": ("   ", "  |", "  |"),
    "2": (" _ ", " _|", "|_ "),
    "3": (" _ ", " _|", " _|"),
    "4": ("   ", "|_|", "  |"),
    "5": (" _ ", "|_ ", " _|"),
    "6": (" _ ", "|_ ", "|_|"),
    "7": (" _ ", "  |", "  |"),
    "8": (" _ ", "|_|", "|_|"),
    "9": (" _ ", "|_|", " _|"),
    ".": (" ", " ", "."),
    "−": ("  ", "__", "  "),
    "–": ("   ", "___", "   "),
}


def large(text: str, *, ascii: bool = False) -> list[str]:
    r"""A number in large figures.

    Args:
        text: digits, a decimal point, a minus sign or a dash; other characters are left out.
        ascii: use only ASCII characters.

    Returns:
        `HEIGHT` lines of the same width.

    >>> print(*large("1.5"), sep="\n")
    ▄█    █▀▀
     █    ▀▀█
    ▀▀▀ ▀ ▀▀▀
    >>> large("5", ascii=True)
    [' _ ', '|_ ', ' _|']
    """
    glyphs = _ASCII if ascii else _BLOCKS
    known = [glyphs[char] for char in text if char in glyphs]
    return [" ".join(glyph[row] for glyph in known) for row in range(HEIGHT)]
