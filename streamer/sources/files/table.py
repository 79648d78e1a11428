"""Place of the table in a text file: delimiter, header line, and the lines before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from streamer.display.lines import shorten
from streamer.errors import UsageError
from streamer.sources.files.fields import (
    SPACES,
    is_missing,
    is_number,
    possible_delimiters,
    split_or_nothing,
)
from streamer.sources.files.timestamps import is_epoch, looks_like_time

COMMENT = "#"

UCI_COLUMNS = (
    "Date",
    "Time",
    "Global_active_power",
    "Global_reactive_power",
    "Voltage",
    "Global_intensity",
    "Sub_metering_1",
    "Sub_metering_2",
    "Sub_metering_3",
)

_CHECKED_ROWS = 20
_MIN_TIMES = 0.8


@dataclass(frozen=True, slots=True)
class Table:
    """The table at the beginning of a file.

    Attributes:
        delimiter: the character between fields; a space for runs of spaces.
        names: names of the columns; their numbers if the file has no header.
        rows: the first rows, each with as many fields as there are names.
        has_header: whether a line with the names precedes the rows.
        lines_before: number of lines before the first row.
        preamble: fields of the lines before the table.
    """

    delimiter: str
    names: list[str]
    rows: list[list[str]]
    has_header: bool
    lines_before: int
    preamble: list[str] = field(default_factory=list)


def find_table(
    name: str, lines: Sequence[str], requested_delimiter: str | None, *, final: bool
) -> Table | None:
    """Find the table in the first lines of a file.

    Comments, blank lines, a line ``sep=;`` and a preamble with another number of fields may
    precede it.

    Args:
        name: the file's name, for errors.
        lines: its first lines.
        requested_delimiter: the requested delimiter, if any.
        final: whether no more lines will be available.

    Returns:
        The table; None if more lines are needed.

    Raises:
        UsageError: no delimiter is found, or several are possible.
    """
    content, comments, declared = _content(lines)
    if not content:
        return None
    texts = [text for _, text in content]
    requested = requested_delimiter if requested_delimiter is not None else declared
    tables = [
        table
        for delimiter in possible_delimiters(texts, requested)
        if (table := _table(content, delimiter, comments)) is not None
    ]
    spaced = [table for table in tables if table.delimiter == SPACES]
    if requested is None:
        tables = [table for table in tables if table.delimiter != SPACES]
    timed = [table for table in tables if _has_time(table)]
    readable = [table for table in timed if _has_digits(table)]
    if found := readable or timed or [table for table in spaced if _has_time(table)]:
        return found[0]
    if len(tables) > 1 and not any(table.rows for table in tables) and not final:
        return None
    if not tables:
        if len(content) == 1 and not final:
            return None
        raise UsageError(
            f"{name}: no columns in the first line {shorten(texts[0])}; a header line such as "
            "timestamp,power_kw is required (or give --delimiter)"
        )
    widest = max(len(table.rows) for table in tables)
    tables = [table for table in tables if len(table.rows) == widest]
    if len(tables) > 1:
        shown = " or ".join(repr(table.delimiter) for table in tables)
        raise UsageError(f"{name}: the delimiter may be {shown}; give --delimiter")
    return tables[0]


def is_uci_row(fields: list[str], delimiter: str) -> bool:
    """Whether the fields are a row of the UCI file, which can be read without its header."""
    return (
        delimiter == ";"
        and len(fields) == len(UCI_COLUMNS)
        and looks_like_time(fields[0])
        and fields[0].count("/") == 2
        and looks_like_time(fields[1])
        and (is_missing(fields[2]) or is_number(fields[2]))
    )


def _content(lines: Sequence[str]) -> tuple[list[tuple[int, str]], list[str], str | None]:
    """Lines that may belong to the table with their places, comments, and the delimiter given."""
    content: list[tuple[int, str]] = []
    comments: list[str] = []
    declared = None
    for place, line in enumerate(lines):
        text = line.strip()
        if text.lower().startswith("sep=") and len(text) <= len("sep=;") and not content:
            declared = text[4:] or ("\t" if line.rstrip("\r\n").endswith("\t") else None)
        elif text.startswith(COMMENT):
            comments.append(text)
        elif text:
            content.append((place, line))
    return content, comments, declared


def _table(content: list[tuple[int, str]], delimiter: str, comments: list[str]) -> Table | None:
    """The table that a delimiter gives; None if it gives no columns."""
    split = [split_or_nothing(line, delimiter) for _, line in content]
    # The later half is of the table even if a preamble is long.
    widths = Counter(map(len, split[len(split) // 2 :]))
    width = max(widths, key=lambda each: (widths[each], each))
    if width < 2:
        return None
    first = _first_of(split, width)
    fields = [each.strip() for each in split[first]]
    above = [each.strip() for each in split[first - 1]] if first else []
    is_data = _is_data(fields)
    if is_data and len(above) == width - 1 and not _is_data(above):
        first, is_data = first - 1, False
        is_open = all(not row[-1].strip() for row in split[first + 1 :] if len(row) == width)
        # Either each row ends in a delimiter, or R wrote names of rows, but not of their column.
        fields = above if is_open else ["", *above]
    elif not is_data:
        below = [row for row in split[first + 1 :] if len(row) >= len(fields)]
        while len(fields) > 1 and not (fields[-1] or any(_at(row, len(fields)) for row in below)):
            fields.pop()
    names, has_header = fields, not is_data
    if is_data:
        names = [str(number) for number in range(1, len(fields) + 1)]
        if is_uci_row(fields, delimiter):
            names = list(UCI_COLUMNS)
        elif comments and (commented := _commented_names(comments[-1], delimiter, len(fields))):
            names = commented
    begin = first + (0 if is_data else 1)
    rows = [row[: len(names)] for row in split[begin:] if _fits(row, len(names))]
    if has_header:
        rows = [row for row in rows if [each.strip() for each in row] != names]
    before = content[begin - 1][0] + 1 if has_header else content[first][0]
    return Table(
        delimiter=delimiter,
        names=names,
        rows=rows,
        has_header=has_header,
        lines_before=before,
        preamble=[each.strip() for line in split[:first] for each in line],
    )


def _at(row: list[str], number: int) -> str:
    """The field with a number, counted from 1."""
    return row[number - 1].strip()


def _fits(fields: list[str], width: int) -> bool:
    return len(fields) == width or (len(fields) == width + 1 and not fields[-1].strip())


def _first_of(split: list[list[str]], width: int) -> int:
    """Place of the first line of the table: it and the next have the table's width."""
    fitting = [_fits(fields, width) for fields in split]
    for place, fits in enumerate(fitting):
        if fits and (place + 1 == len(split) or fitting[place + 1]):
            return place
    return fitting.index(True)


def _commented_names(comment: str, delimiter: str, width: int) -> list[str] | None:
    names = [each.strip() for each in split_or_nothing(comment.lstrip("# "), delimiter)]
    return names if len(names) == width and all(names) else None


def _is_data(fields: list[str]) -> bool:
    """Whether a first line is already a row: it holds a time, or nothing but numbers."""
    if any(looks_like_time(field) for field in fields):
        return True
    given = [field for field in fields if not is_missing(field)]
    return bool(given) and all(map(is_number, given))


def _times_of(table: Table) -> list[int]:
    """Columns whose fields are times, mostly."""
    found = []
    for column in range(len(table.names)):
        texts = [row[column] for row in table.rows[:_CHECKED_ROWS] if not is_missing(row[column])]
        times = sum(looks_like_time(text) or is_epoch(text) for text in texts)
        if texts and times >= _MIN_TIMES * len(texts):
            found.append(column)
    return found


def _has_time(table: Table) -> bool:
    return bool(_times_of(table))


def _has_digits(table: Table) -> bool:
    """Whether a column other than those of times has digits."""
    times = _times_of(table)
    others = [column for column in range(len(table.names)) if column not in times]
    rows = table.rows[:_CHECKED_ROWS]
    return any(char.isdigit() for row in rows for column in others for char in row[column])
