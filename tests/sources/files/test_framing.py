"""Splitting of bytes into lines, whole and in pieces."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import FormatError
from streamer.sources.files.framing import MAX_LINE_BYTES, LineSplitter, decode_lines

LONG = b"x" * (MAX_LINE_BYTES + 1)


def test_long_line_is_refused_after_the_lines_before_it():
    splitter = LineSplitter("house.csv")
    assert splitter.feed(b"a\nb\n" + LONG + b"\nc\n") == b"a\nb\n"
    for go_on in (lambda: splitter.feed(b"d\n"), splitter.flush):
        with pytest.raises(FormatError, match=r"house\.csv:3: the line is longer than 64 KiB"):
            go_on()


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_the_longest_line_is_accepted(line_end):
    splitter = LineSplitter("house.csv")
    assert splitter.feed(LONG[1:]) == b""
    assert splitter.feed(line_end[:-1]) == b""
    assert splitter.feed(b"\n") == LONG[1:] + line_end
    assert splitter.feed(b"a\n" + LONG[1:] + line_end) == b"a\n" + LONG[1:] + line_end
    assert splitter.feed(LONG[1:] + line_end[:-1]) == b""
    assert splitter.flush() == LONG[1:] + line_end[:-1]


@given(
    sizes=st.lists(
        st.one_of(st.integers(0, 2), st.integers(MAX_LINE_BYTES - 2, MAX_LINE_BYTES + 2)),
        min_size=1,
        max_size=6,
    ),
    line_end=st.sampled_from([b"\n", b"\r\n"]),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
)
def test_lines_before_the_first_too_long_one_are_returned(sizes, line_end, mark):
    lines = [b"x" * size + line_end for size in sizes]
    good = list(itertools.takewhile(lambda line: len(line.rstrip()) <= MAX_LINE_BYTES, lines))
    splitter = LineSplitter("house.csv")
    if good:
        assert splitter.feed(mark + b"".join(lines)) == b"".join(good)
    if len(good) < len(lines):
        with pytest.raises(FormatError, match=rf"house\.csv:{len(good) + 1}: "):
            splitter.feed(mark + b"".join(lines))


def test_long_last_line_is_refused():
    splitter = LineSplitter("house.csv")
    assert splitter.feed(LONG) == b""
    with pytest.raises(FormatError):
        splitter.flush()


@given(
    data=st.lists(st.sampled_from([b"a", b"\xc3", b"\xa9", b"\r", b"\n", b"\xef\xbb\xbf"])).map(
        b"".join
    ),
    cuts=st.lists(st.integers(0, 60)),
)
def test_pieces_give_the_same_lines_as_the_whole(data, cuts):
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    splitter = LineSplitter("house.csv")
    pieces = [splitter.feed(data[a:b]) for a, b in itertools.pairwise(edges)]
    pieces.append(splitter.flush())
    text = data.removeprefix(b"\xef\xbb\xbf")
    assert b"".join(pieces) == text
    lines = [line for piece in pieces for line in decode_lines(piece)]
    oracle = [line.removesuffix(b"\r") for line in text.split(b"\n")]
    if text.endswith(b"\n") or not text:
        oracle.pop()
    assert [line.encode("utf-8", "surrogateescape") for line in lines] == oracle
