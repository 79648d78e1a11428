"""Tables of figures for a terminal."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

NAME_WIDTH = 15


def plain_table(title: str, *headings: str, first_width: int = NAME_WIDTH) -> Table:
    """An empty table with a column of names and columns of figures.

    Args:
        title: title above the table; may be empty.
        headings: headings of the columns of figures.
        first_width: width in cells to which names are cut.
    """
    table = Table(
        title=Text(title) if title else None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("", no_wrap=True, max_width=first_width, overflow="ellipsis")
    for heading in headings:
        table.add_column(Text(heading), justify="right", no_wrap=True)
    return table
