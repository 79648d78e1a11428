"""Text from outside as a cell of a CSV file."""

from __future__ import annotations

from streamer.display.lines import one_line

_FORMULA = ("=", "+", "-", "@")
"""Characters by which spreadsheets recognise a formula."""


def csv_text(text: str) -> str:
    r"""The text on one line and printable, with an apostrophe before what looks like a formula.

    Only for free text: a number may begin with a sign.

    >>> csv_text("=HYPERLINK(1)"), csv_text("\tdrift\x1b[2J stuck")
    ("'=HYPERLINK(1)", 'drift?[2J stuck')
    """
    line = one_line(text)
    return f"'{line}" if line.startswith(_FORMULA) else line
