"""Lines and samples from chunks of bytes."""

from __future__ import annotations

import codecs

from streamer.errors import SourceError
from streamer.feeds import FeedItem
from streamer.feeds.lines.sides import Records
from streamer.feeds.values import MalformedError
from streamer.feeds.values.quantity import MissingUnitError
from streamer.readings import Notice

MAX_LINE_BYTES = 1 << 16
"""Longer lines are rejected as malformed."""


class SampleReader:
    """Conversion of bytes, in chunks of any size, to samples.

    Args:
        name: the feed's name.
        records: format of the records.
    """

    def __init__(self, name: str, records: Records) -> None:
        self._name = name
        self._records = records
        self._tail = b""
        self._at_start = True
        self._units_known = records.grid.quantity.unit is not None

    def feed(self, data: bytes) -> list[FeedItem]:
        """Return the samples of the lines that these bytes complete.

        Lines that cannot be read are reported together in one notice, with the first reason.

        Raises:
            SourceError: neither the first record nor the address gives a unit.
        """
        *lines, tail = (self._tail + data).split(b"\n")
        self._tail = tail[: MAX_LINE_BYTES + 2]  # with a CR; a longer line is too long anyway
        items: list[FeedItem] = []
        problems: list[MalformedError] = []
        for line in lines:
            try:
                body = self._records.read(self._decoded(line))
            except MalformedError as error:
                problems.append(error)
                continue
            for problem in body.problems:
                if isinstance(problem, MissingUnitError) and not self._units_known:
                    raise SourceError(f"{self._name}: {problem}")
            self._units_known = self._units_known or bool(body.items)
            items += body.items
            problems += body.problems
        if problems:
            text = f"{self._name}: {problems[0]}; skipped"
            items.append(Notice(Notice.MALFORMED, text, count=len(problems)))
        return items

    def end(self) -> list[FeedItem]:
        """Return the sample of the last line, if it lacks a line end."""
        return self.feed(b"\n") if self._tail else []

    def restart(self) -> list[FeedItem]:
        """Begin another file; the beginning of a line left over from the last one is dropped."""
        cut_off, self._tail, self._at_start = self._tail, b"", True
        text = f"{self._name}: an incomplete line; skipped"
        return [Notice(Notice.MALFORMED, text)] if cut_off else []

    def _decoded(self, line: bytes) -> str:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(codecs.BOM_UTF8)
        line = line.removesuffix(b"\r")
        if len(line) > MAX_LINE_BYTES:
            raise MalformedError(f"a line is longer than {MAX_LINE_BYTES >> 10} KiB")
        try:
            return line.decode()
        except UnicodeDecodeError:
            raise MalformedError(f"{line[:20]!r} is not text in UTF-8") from None
