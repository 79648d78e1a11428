"""Bytes into lines, whole and piece by piece."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import FormatError
from streamer.sources.framing import MAX_LINE_BYTES, LineSplitter

LONG = b"x" * (MAX_LINE_BYTES + 1)


def test_long_line_is_refused_after_the_lines_before_it():
    splitter = LineSplitter("house.csv")
    assert splitter.feed(b"a\nb\n" + LONG + b"\nc\n") == ["a", "b"]
    for go_on in (lambda: splitter.feed(b"d\n"), splitter.flush):
        with pytest.raises(FormatError, match=r"house\.csv:3: the line is longer than 64 KiB"):
            go_on()


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_longest_line(line_end):
    splitter = LineSplitter("house.csv")
    assert splitter.feed(LONG[1:]) == []
    assert splitter.feed(line_end[:-1]) == []
    assert splitter.feed(b"\n") == [LONG[1:].decode()]


def test_long_last_line_is_refused():
    splitter = LineSplitter("house.csv")
    assert splitter.feed(LONG) == []
    with pytest.raises(FormatError):
        splitter.flush()


@given(
    data=st.lists(st.sampled_from([b"a", b"\xc3", b"\xa9", b"\r", b"\n", b"\xef\xbb\xbf"])).map(
        b"".join
    ),
    cuts=st.lists(st.integers(0, 60)),
)
def test_pieces_make_no_difference(data, cuts):
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    splitter = LineSplitter("house.csv")
    lines = [line for a, b in itertools.pairwise(edges) for line in splitter.feed(data[a:b])]
    lines += splitter.flush()
    oracle = [line.removesuffix(b"\r") for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n")]
    if data.endswith(b"\n") or not data:
        oracle.pop()
    assert [line.encode("utf-8", "surrogateescape") for line in lines] == oracle
