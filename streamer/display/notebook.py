"""Tables of HTML for notebooks, in which all text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from streamer.display.lines import one_line


def html_table(
    caption: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    notes: Iterable[str] = (),
) -> str:
    """A table as a notebook shows it.

    Args:
        caption: line above the table.
        headings: headings of the columns; empty for none.
        rows: text of the cells, row by row; the first of each row is its heading.
        notes: lines below the table.

    >>> html_table("a < b", [], [("skill", "12 %")])
    '<table><caption>a &lt; b</caption><tbody><tr><th>skill</th><td>12 %</td></tr></tbody></table>'
    """
    head = f"<thead>{_row('th', headings)}</thead>" if headings else ""
    body = "".join(_row("td", row) for row in rows)
    below = "".join(f"<p>{_text(note)}</p>" for note in notes)
    caption = f"<caption>{_text(caption)}</caption>"
    return f"<table>{caption}{head}<tbody>{body}</tbody></table>{below}"


def _row(tag: str, cells: Sequence[str]) -> str:
    first, *others = cells
    inside = "".join(f"<{tag}>{_text(cell)}</{tag}>" for cell in others)
    return f"<tr><th>{_text(first)}</th>{inside}</tr>"


def _text(text: str) -> str:
    return escape(one_line(text))
