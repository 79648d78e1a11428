"""First lines of a file, from which layout and shape are recognised."""

from __future__ import annotations

from streamer.errors import SourceError, StreamerError, UsageError
from streamer.sources.files.framing import LineReader, decode_lines
from streamer.sources.files.layout import Layout, LayoutOptions
from streamer.sources.files.recognition import recognise_layout
from streamer.sources.files.rows import Row, RowError, RowParser
from streamer.sources.files.table import Table, find_table

_HEAD_LINES = 400
_MIN_PIPED_ROWS = 3
_DATE_LINES = 60_000
"""So many lines hold a day above the twelfth, if the rows are minutes."""


class Head:
    """The first lines of a file, from which layout and shape are recognised.

    Of a pipe only so many lines are read as are needed, since the next may take a while.

    Args:
        name: the file's name, for errors.
        lines: all lines; `rewind` puts them back.
        options: options for the layout.
    """

    def __init__(self, name: str, lines: LineReader, options: LayoutOptions) -> None:
        self._name = name
        self._lines = lines
        self._options = options
        self._taken = b""
        self._texts: list[str] = []
        self._ended = False
        self._error: StreamerError | None = None
        self._before = 0
        self._is_pipe = lines.progress is None
        self._wanted = 1 if self._is_pipe else _HEAD_LINES

    def layout(self) -> Layout:
        """Return the layout.

        Raises:
            UsageError: it is ambiguous, or an option does not fit.
            SourceError: the file has no lines.
        """
        table = self._table()
        layout = recognise_layout(self._name, table, self._options)
        self._before = layout.lines_before
        return layout

    def rows(self, parser: RowParser) -> list[Row]:
        """Return the first rows, parsed; those that are malformed are left out.

        Raises:
            UsageError: day and month cannot be distinguished.
        """
        texts = self._head[self._before :]
        try:
            parser.determine_time_style(texts)
        except UsageError:
            if not self._is_pipe:
                self._read(_DATE_LINES)
            try:
                parser.determine_time_style(self._texts[self._before :])
            except UsageError as error:
                raise UsageError(f"{self._name}: {error}") from None
        rows = []
        for text in texts:
            try:
                row = parser.parse(text)
            except RowError:
                continue
            if row is not None:
                rows.append(row)
        return rows

    def extend(self, count: int) -> bool:
        """Consider so many lines of a pipe; returns whether there are more than before."""
        before = self._wanted
        self._wanted = max(before, count)
        return self._wanted > before and not self._is_whole(before)

    def rewind(self) -> None:
        """Put the rows back, to be read again."""
        parts = self._taken.split(b"\n", self._before)
        rest = parts[self._before] if len(parts) > self._before else b""
        self._lines.put_back(rest, self._error)

    @property
    def _head(self) -> list[str]:
        # However many lines a pipe delivers at once, the layout depends on the same ones.
        return self._texts[: self._wanted]

    def _table(self) -> Table:
        delimiter = self._options.delimiter or self._lines.delimiter
        while True:
            self._read(self._wanted)
            final = self._is_whole(self._wanted)
            table = find_table(self._name, self._head, delimiter, final=final)
            if table is not None and (
                final or not self._is_pipe or len(table.rows) >= _MIN_PIPED_ROWS
            ):
                return table
            if final:
                raise SourceError(f"{self._name} is empty: the header line is missing")
            self._wanted += 1

    def _is_whole(self, count: int) -> bool:
        """Whether so many lines are all there are, or may be considered."""
        return (self._ended and count >= len(self._texts)) or count >= _HEAD_LINES

    def _read(self, count: int) -> None:
        while len(self._texts) < count and not self._ended:
            try:
                piece = self._lines.read()
            except StreamerError as error:
                # An error after some rows is raised when they have been replayed.
                if not self._texts:
                    raise
                piece, self._error = b"", error
            self._ended = not piece
            self._taken += piece
            self._texts += decode_lines(piece)
