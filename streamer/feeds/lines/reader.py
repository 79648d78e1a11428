"""Bytes into lines, and lines into samples."""

from __future__ import annotations

import codecs

from streamer.errors import SourceError
from streamer.feeds import FeedItem
from streamer.feeds.lines.records import NoUnit, Records
from streamer.feeds.values import ValueProblem
from streamer.readings import Notice

MAX_LINE_BYTES = 1 << 16
"""A longer line is no record."""


class LineReader:
    """Bytes, as they come, into samples.

    Args:
        name: the feed's name.
        records: what a line is.
    """

    def __init__(self, name: str, records: Records) -> None:
        self._name = name
        self._records = records
        self._tail = b""
        self._at_start = True
        self._units_known = records.unit is not None

    def feed(self, data: bytes) -> list[FeedItem]:
        """The samples of the lines that these bytes complete.

        Lines that cannot be read are told of together, with the first one's problem.

        Raises:
            SourceError: the first of all records does not say its unit, nor does anybody else.
        """
        *lines, tail = (self._tail + data).split(b"\n")
        self._tail = tail[: MAX_LINE_BYTES + 2]  # a CR too; what is longer stays too long
        items: list[FeedItem] = []
        problems: list[ValueProblem] = []
        for line in lines:
            try:
                sample = self._records.read(self._decoded(line))
            except ValueProblem as problem:
                if isinstance(problem, NoUnit) and not self._units_known:
                    raise SourceError(f"{self._name}: {problem}") from None
                problems.append(problem)
            else:
                if sample is not None:
                    self._units_known = True
                    items.append(sample)
        if problems:
            text = f"{self._name}: {problems[0]}; skipped"
            items.append(Notice(Notice.MALFORMED, text, count=len(problems)))
        return items

    def end(self) -> list[FeedItem]:
        """The sample of the last line, if that has no line end."""
        return self.feed(b"\n") if self._tail else []

    def restart(self) -> list[FeedItem]:
        """Another file follows; a line that was cut off will not be told from a whole one."""
        cut_off, self._tail, self._at_start = self._tail, b"", True
        text = f"{self._name}: a line was cut off; skipped"
        return [Notice(Notice.MALFORMED, text)] if cut_off else []

    def _decoded(self, line: bytes) -> str:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(codecs.BOM_UTF8)
        line = line.removesuffix(b"\r")
        if len(line) > MAX_LINE_BYTES:
            raise ValueProblem(f"a line is longer than {MAX_LINE_BYTES >> 10} KiB")
        try:
            return line.decode()
        except UnicodeDecodeError:
            raise ValueProblem(f"{line[:20]!r} is not text in UTF-8") from None
