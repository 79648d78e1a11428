from __future__ import annotations

import errno
import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import LinkError, RefusedError, SourceError, UsageError
from streamer.feeds import Feed, FeedItem, Pace
from streamer.feeds.address import Address
from streamer.feeds.lines import PipeFeed
from streamer.feeds.lines.reader import MAX_LINE_BYTES, SampleReader
from streamer.feeds.lines.records import RecordParser
from streamer.feeds.lines.sides import Records
from streamer.feeds.lines.tail import TailFeed
from streamer.feeds.registry import open_feed
from streamer.feeds.values import Quantity
from streamer.readings import Link, Notice, Sample
from streamer.testing import check_source, read_feed
from tests.children import ending

WATTS = Records(RecordParser(quantity=Quantity("W")))


def _kw(items: Sequence[FeedItem]) -> list[float | None]:
    """Values of the samples; None, which equals itself, where the meter reports none."""
    samples = [item for item in items if isinstance(item, Sample)]
    return [None if math.isnan(sample.kw) else sample.kw for sample in samples]


def _reported(items: Sequence[FeedItem]) -> list[tuple[str, int]]:
    return [(item.text, item.count) for item in items if isinstance(item, Notice)]


class TestSampleReader:
    @pytest.mark.parametrize(
        ("data", "watts", "error"),
        [
            (b"1\n2\n", [1, 2], None),
            (b"1\r\n2", [1, 2], None),
            (b"\xef\xbb\xbf1\n2\n", [1, 2], None),
            (b"\n\n1\n # no\n", [1], None),
            (b"1\n\xff\xfe\n2\n", [1, 2], r"b'\xff\xfe' is not text in UTF-8"),
            (b"1\n\0\0\0\n2\n", [1, 2], r"'\x00\x00\x00' is not a number"),
            (b"\xff\xfe1\0\n\0", [], r"b'\xff\xfe1\x00' is not text in UTF-8"),
            (b"1\n" + b"9" * (1 << 20) + b"\n2\n", [1, 2], "a line is longer than 64 KiB"),
            (b"9" * (1 << 20), [], "a line is longer than 64 KiB"),
            (b"1\n\x1b[2J\n", [1], r"'\x1b[2J' is not a number"),
        ],
    )
    def test_lines_give_samples_and_reasons(
        self, data: bytes, watts: list[float], error: str | None
    ) -> None:
        reader = SampleReader("test", WATTS)
        items = [*reader.feed(data), *reader.end()]
        assert _kw(items) == [each / 1000 for each in watts]
        first = [text for text, _ in _reported(items)][:1]
        assert first == ([] if error is None else [f"test: {error}; skipped"])

    def test_lines_up_to_the_maximal_length_are_read(self) -> None:
        line = b" " * (MAX_LINE_BYTES - 1) + b"7"
        for end in (b"\n", b"\r\n"):
            assert _kw(SampleReader("test", WATTS).feed(line + end)) == [0.007]
            assert not _kw(SampleReader("test", WATTS).feed(b" " + line + end))

    def test_malformed_lines_are_reported_together(self) -> None:
        items = SampleReader("test", WATTS).feed(b"1\nx\ny\n2\nz\n")
        assert _kw(items) == [0.001, 0.002]
        assert _reported(items) == [("test: 'x' is not a number; skipped", 3)]

    def test_a_missing_unit_ends_the_feed_unless_earlier_records_had_one(self) -> None:
        with pytest.raises(SourceError, match="test: the unit is missing; give unit=W or unit=kW"):
            SampleReader("test", Records(RecordParser())).feed(b"250\n")
        items = SampleReader("test", Records(RecordParser())).feed(b'x\n{"power_w": 250}\n250\n')
        assert _kw(items) == [0.25]
        assert _reported(items)[0][1] == 2

    @given(st.binary(max_size=200), st.lists(st.integers(0, 200)))
    def test_chunks_give_the_same_samples_as_the_whole(self, data: bytes, cuts: list[int]) -> None:
        data = data.replace(b"\1", b"\n").replace(b"\2", b"7\n")
        whole, pieces = SampleReader("test", WATTS), SampleReader("test", WATTS)
        places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        items: list[FeedItem] = []
        for start, end in pairwise(places):
            items += pieces.feed(data[start:end])
        items += pieces.end()
        wanted = [*whole.feed(data), *whole.end()]
        assert _kw(items) == _kw(wanted)
        assert sum(count for _, count in _reported(items)) == sum(
            count for _, count in _reported(wanted)
        )


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue  # closed by the test


class TestPipeFeed:
    def test_conforms_to_the_feed_protocol(self, pipe: tuple[int, int]) -> None:
        os.write(pipe[1], b"250\n2026-03-29T00:59:00Z 300\n")
        samples = check_source(PipeFeed("test", pipe[0], WATTS), samples=2)
        assert samples == [Sample(0.25), Sample(0.3, datetime(2026, 3, 29, 0, 59, tzinfo=UTC))]

    def test_lines_are_joined_and_the_last_needs_no_line_end(self, pipe: tuple[int, int]) -> None:
        feed = PipeFeed("test", pipe[0], WATTS)
        assert feed.read() == [Link(Link.UP, "pipe")]
        for piece in (b"2", b"5", b"0\n3", b"00"):
            os.write(pipe[1], piece)
            if b"\n" in piece:
                assert feed.read() == [Sample(0.25)]
        os.close(pipe[1])
        assert feed.read() == [Sample(0.3)]
        assert not feed.read()
        assert not feed.read()
        feed.close()

    def test_a_non_blocking_pipe_is_waited_for(self, pipe: tuple[int, int]) -> None:
        os.set_blocking(pipe[0], False)
        threading.Timer(0.05, os.write, (pipe[1], b"250\n")).start()
        feed = PipeFeed("test", pipe[0], WATTS)
        assert _kw(read_feed(feed, 1)) == [0.25]
        feed.close()

    def test_closing_drops_an_incomplete_line(self, pipe: tuple[int, int]) -> None:
        feed = PipeFeed("test", pipe[0], WATTS)
        os.write(pipe[1], b"1\n25")
        read_feed(feed, 1)
        items: list[FeedItem] = []
        reader = threading.Thread(target=lambda: items.extend(feed.read()))
        reader.start()
        feed.close()
        reader.join(5)
        assert not reader.is_alive()
        assert not items

    def test_close_releases_all_descriptors(self, pipe: tuple[int, int]) -> None:
        before = os.dup(pipe[0])  # the lowest free descriptor
        os.close(before)
        for _ in range(3):
            os.write(pipe[1], b"250\n")
            check_source(PipeFeed("test", pipe[0], WATTS), samples=1)
        after = os.dup(pipe[0])  # fails if the pipe was closed
        os.close(after)
        assert after == before

    def test_a_read_error_is_a_source_error(self, tmp_path: Path) -> None:
        directory = os.open(tmp_path, os.O_RDONLY)
        feed = PipeFeed("test", directory, WATTS)
        feed.read()
        with pytest.raises(SourceError, match="test cannot be read: Is a directory"):
            feed.read()
        assert not feed.read()
        feed.close()
        os.close(directory)

    def test_standard_input_is_read_while_it_is_open(self) -> None:
        program = (
            "from streamer.feeds.address import Address\n"
            "from streamer.feeds.registry import open_feed\n"
            "feed = open_feed(Address.parse('stdin:?unit=W'))\n"
            "while items := feed.read():\n"
            "    print(*items, sep='\\n', flush=True)\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        with ending(process):
            assert process.stdin is not None
            assert process.stdout is not None
            assert b"Link" in process.stdout.readline()
            for watts in (250, 300):  # each arrives while the pipe is open
                process.stdin.write(b"%d\n" % watts)
                process.stdin.flush()
                assert process.stdout.readline() == b"Sample(kw=%g, at=None, channel='')\n" % (
                    watts / 1000
                )
            out, _ = process.communicate(b"on\r\n0x1\n400")
        assert out.splitlines()[-1] == b"Sample(kw=0.4, at=None, channel='')"
        assert b"count=2" in out
        assert process.returncode == 0

    def test_wrong_addresses_are_usage_errors(self) -> None:
        assert open_feed(Address.parse("-")).name == "stdin"
        for url, error in {
            "stdin:x?unit=W": "standard input has no host or path",
            "stdin:?unit=kw": "option unit='kw'",
            "stdin:?units=W": "unknown option 'units'",
            "stdin:?from=end": "unknown option 'from'",
        }.items():
            with pytest.raises(UsageError, match=error):
                open_feed(Address.parse(url))


class _FollowedFile:
    """A growing file and the feed that follows it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.feed = TailFeed("tail", path, WATTS, poll_s=0.005)

    def append(self, text: str) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(text)

    def read(self, samples: int) -> list[float]:
        self.items = read_feed(self.feed, samples)
        return _kw(self.items)


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[_FollowedFile]:
    follower = _FollowedFile(tmp_path / "house.log")
    yield follower
    follower.feed.close()


class TestTailFeed:
    def test_conforms_to_the_feed_protocol(self, tmp_path: Path) -> None:
        path = tmp_path / "house.log"
        path.write_text("1\n2\n")
        feed = open_feed(Address.parse(f"tail://{path}?unit=W&from=start"))
        assert check_source(feed, samples=2) == [Sample(0.001), Sample(0.002)]

    def test_a_relative_path_is_accepted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("my house.log").write_text("1\n")
        feed = open_feed(Address.parse("tail:my%20house.log?unit=W&from=start"))
        assert feed.name == "tail:my house.log"
        assert len(check_source(feed, samples=1)) == 1

    def test_begins_at_the_end_of_the_file(self, follow: _FollowedFile) -> None:
        follow.append("1\n2\n")
        assert follow.feed.read() == [Link(Link.UP, "file")]
        follow.append("3\n")
        assert follow.read(1) == [0.003]

    def test_an_incomplete_last_line_is_read_from_its_start(self, follow: _FollowedFile) -> None:
        follow.append("1\n2")
        follow.feed.read()
        follow.append("34\n")
        assert follow.read(1) == [0.234]

    def test_an_incomplete_first_line_is_read_from_its_start(self, follow: _FollowedFile) -> None:
        follow.append("2")
        follow.feed.read()
        follow.append("34\n")
        assert follow.read(1) == [0.234]

    def test_an_incomplete_line_is_kept_until_its_end_arrives(self, follow: _FollowedFile) -> None:
        follow.append("")
        follow.feed.read()
        follow.append("1\n2")
        assert follow.read(1) == [0.001]
        follow.append("3\n")
        assert follow.read(1) == [0.023]

    def test_many_comment_lines_are_skipped_without_recursion(self, tmp_path: Path) -> None:
        path = tmp_path / "house.log"
        path.write_text("# nothing to see here\n" * 100_000 + "1\n")
        feed = TailFeed("tail", path, WATTS, from_start=True)
        assert _kw(read_feed(feed, 1)) == [0.001]
        feed.close()

    def test_a_rotated_file_is_read_to_its_end_first(self, follow: _FollowedFile) -> None:
        follow.append("1\n")
        follow.feed.read()
        follow.append("2\n")
        old = follow.path.open("a")
        follow.path.rename(follow.path.with_suffix(".1"))
        follow.append("4\n5\n")
        with old:
            old.write("3\n")  # the writer has not noticed yet
        assert follow.read(4) == [0.002, 0.003, 0.004, 0.005]
        assert not _reported(follow.items)

    def test_a_replaced_file_is_read_from_its_start(self, follow: _FollowedFile) -> None:
        follow.append("1\n")
        follow.feed.read()
        other = follow.path.with_suffix(".new")
        other.write_text("2\n")
        other.replace(follow.path)
        assert follow.read(1) == [0.002]
        follow.append("3\n")
        assert follow.read(1) == [0.003]

    def test_a_truncated_file_is_read_from_its_start(self, follow: _FollowedFile) -> None:
        follow.append("1\n2\n3\n")
        follow.feed.read()
        follow.path.write_text("4\n")
        assert follow.read(1) == [0.004]
        follow.append("5\n")
        assert follow.read(1) == [0.005]

    def test_an_incomplete_line_of_a_truncated_file_is_reported(
        self, follow: _FollowedFile
    ) -> None:
        follow.append("")
        follow.feed.read()
        follow.append("1\n23")
        assert follow.read(1) == [0.001]
        follow.path.write_text("4\n")
        assert follow.read(1) == [0.004]
        assert _reported(follow.items) == [("tail: an incomplete line; skipped", 1)]

    def test_a_file_is_read_from_its_start_once_it_exists(self, follow: _FollowedFile) -> None:
        for _ in range(2):
            with pytest.raises(LinkError, match="tail: the file does not exist"):
                follow.feed.read()
        follow.append("1\n")
        assert follow.read(1) == [0.001]
        assert follow.items[0] == Link(Link.UP, "file")

    def test_a_file_deleted_and_created_again_is_read(self, follow: _FollowedFile) -> None:
        follow.append("1\n")
        follow.feed.read()
        follow.append("2\n")
        follow.path.unlink()
        follow.append("3\n")
        assert follow.read(2)[-1] == 0.003

    def test_a_deleted_file_is_a_lost_connection(self, follow: _FollowedFile) -> None:
        follow.feed = TailFeed("tail", follow.path, WATTS, poll_s=0.005, gone_s=0.02)
        follow.append("1\n")
        follow.feed.read()
        follow.append("2\n")
        follow.path.unlink()
        assert follow.read(1) == [0.002]
        with pytest.raises(LinkError, match="tail: the file is gone"):
            follow.feed.read()
        with pytest.raises(LinkError, match="tail: the file does not exist"):
            follow.feed.read()
        follow.append("3\n")
        assert follow.read(1) == [0.003]

    def test_directories_and_fifos_are_refused(self, tmp_path: Path) -> None:
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        for path in (tmp_path, fifo):
            feed = TailFeed("tail", path, WATTS)
            with pytest.raises(RefusedError, match="tail: this is not a regular file"):
                feed.read()
            feed.close()

    def test_missing_permission_is_refused(
        self, follow: _FollowedFile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def forbid(*arguments: object) -> int:
            raise PermissionError(errno.EACCES, "Permission denied")

        follow.append("1\n")
        with monkeypatch.context() as context:
            context.setattr(os, "open", forbid)  # root may read any file
            with pytest.raises(RefusedError, match="tail: Permission denied"):
                follow.feed.read()
        assert follow.feed.read() == [Link(Link.UP, "file")]

    def test_reading_resumes_at_its_place_after_an_error(
        self, follow: _FollowedFile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*arguments: object) -> bytes:
            raise OSError(errno.ESTALE, "Stale file handle")

        follow.append("")
        follow.feed.read()
        follow.append("1\n2")
        assert follow.read(1) == [0.001]
        with monkeypatch.context() as context:
            context.setattr(os, "pread", fail)
            with pytest.raises(LinkError, match="tail: Stale file handle"):
                follow.feed.read()
        follow.append("3\n")
        assert follow.read(1) == [0.023]

    def test_a_file_renamed_while_being_opened_is_skipped(
        self, follow: _FollowedFile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        follow.append("1\n")
        follow.feed.read()
        follow.append("2\n")
        assert follow.read(1) == [0.002]
        true_open = os.open

        def open_too_late(path: Any, *args: Any, **options: Any) -> int:
            if path != follow.path:  # another caller
                return true_open(path, *args, **options)
            monkeypatch.undo()
            follow.path.rename(follow.path.with_suffix(".1"))
            try:
                return true_open(path, *args, **options)
            finally:
                follow.append("4\n")

        follow.path.rename(follow.path.with_suffix(".2"))
        follow.append("3\n")
        monkeypatch.setattr(os, "open", open_too_late)
        # Lines of files that came and went between two polls are lost, but no others.
        assert follow.read(1) == [0.004]

    def test_no_line_of_a_rotating_log_is_read_twice(self, follow: _FollowedFile) -> None:
        program = (
            "import logging, logging.handlers, sys\n"
            "handler = logging.handlers.RotatingFileHandler(sys.argv[1], maxBytes=2000,\n"
            "    backupCount=99)\n"
            "log = logging.getLogger()\n"
            "log.addHandler(handler)\n"
            "for watts in range(3000):\n"
            "    log.warning(watts)\n"
        )
        follow.append("")
        follow.feed.read()
        command = [sys.executable, "-c", program, str(follow.path)]
        with ending(subprocess.Popen(command)) as process:
            found: list[float] = []
            while not found or found[-1] < 2.999:
                found += follow.read(1)
        assert process.returncode == 0
        # Lines of files that came and went between two polls are lost; none is read twice.
        assert found == sorted(set(found))

    def test_wrong_addresses_are_usage_errors(self) -> None:
        for url, error in {
            "tail:?unit=W": "no file is given",
            "tail://house.log?unit=W": "no file is given",
            "tail:x?unit=W&from=middle": "option from='middle'",
            "tail:x%00?unit=W": "a file name cannot contain a null character",
            "tail:~nobody-of-that-name/x?unit=W": "home directory",
        }.items():
            with pytest.raises(UsageError, match=error):
                open_feed(Address.parse(url))


def test_addresses_open_the_feeds() -> None:
    for url in ("-", "tail:house.log"):
        assert isinstance(open_feed(Address.parse(url)), Feed)
    for url in ("stdin:?unit=kWh&every=60", "tail:house.log?unit=kWh&every=60"):
        assert getattr(open_feed(Address.parse(url)), "pace", None) == Pace(every_s=60.0)
