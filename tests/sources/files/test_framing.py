"""Splitting of bytes into lines, whole and in pieces."""

import itertools
import re
import time

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


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_the_longest_line_is_accepted(line_end):
    splitter = LineSplitter("house.csv")
    assert splitter.feed(LONG[1:]) == b""
    pieces = [splitter.feed(line_end[i : i + 1]) for i in range(len(line_end))]
    assert b"".join(pieces) == LONG[1:] + b"\n"
    two = splitter.feed(b"a\n" + LONG[1:] + line_end)
    assert decode_lines(two) == ["a", LONG[1:].decode()]
    assert splitter.feed(LONG[1:]) == b""
    assert splitter.flush() == LONG[1:]


@given(
    sizes=st.lists(
        st.one_of(st.integers(0, 2), st.integers(MAX_LINE_BYTES - 2, MAX_LINE_BYTES + 2)),
        min_size=1,
        max_size=6,
    ),
    line_end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
)
def test_lines_before_the_first_too_long_one_are_returned(sizes, line_end, mark):
    # CRs on end wait for what follows: a last line without a line end ends them.
    lines = [b"x" * size + line_end for size in [*sizes, 1]]
    good = list(itertools.takewhile(lambda line: len(line.rstrip()) <= MAX_LINE_BYTES, lines))
    splitter = LineSplitter("house.csv")
    if good:
        returned = decode_lines(splitter.feed(mark + b"".join(lines)))
        assert returned == [line.rstrip().decode() for line in good]
    if len(good) < len(lines):
        with pytest.raises(FormatError, match=rf"house\.csv:{len(good) + 1}: "):
            splitter.feed(mark + b"".join(lines))


def test_long_last_line_is_refused():
    splitter = LineSplitter("house.csv")
    with pytest.raises(FormatError):
        splitter.feed(LONG)
    with pytest.raises(FormatError):
        splitter.flush()


def lines_of(pieces):
    """Lines from pieces, each piece decoded as it is returned."""
    splitter = LineSplitter("house.csv")
    returned = [*map(splitter.feed, pieces), splitter.flush()]
    return [line for piece in returned for line in decode_lines(piece)]


@given(
    data=st.lists(
        st.sampled_from(
            [b"a", b"\xc3", b"\xa9", b"\xc3\xa9", b"\r", b"\n", b"\r\n", b"\xef\xbb\xbf"]
        )
    ).map(b"".join),
    cuts=st.lists(st.integers(0, 60)),
)
def test_pieces_give_the_same_lines_as_the_whole(data, cuts):
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    oracle = re.split(rb"\r*\n|\r", data.removeprefix(b"\xef\xbb\xbf"))
    if not oracle[-1]:
        oracle.pop()
    lines = lines_of(data[a:b] for a, b in itertools.pairwise(edges))
    assert lines == lines_of([data])
    assert len(lines) == len(oracle)
    for line, raw in zip(lines, oracle, strict=True):
        try:
            assert line == raw.decode()
        except UnicodeDecodeError:
            assert line == raw.decode("cp1252")


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_line_ends_of_large_pieces(line_end):
    rows = [f"2013-05-21 00:{i % 60:02},{i}" for i in range(9000)]
    text = (line_end.join(rows) + line_end).encode()
    assert lines_of([text]) == rows
    assert lines_of(text[i : i + 4999] for i in range(0, len(text), 4999)) == rows


def test_mixed_line_ends_of_large_pieces():
    old, new = ["1;2"] * 3000, ["3;4"] * 2000
    text = "".join(f"{row}\r" for row in old) + "".join(f"{row}\r\n" for row in new)
    assert lines_of([text.encode()]) == old + new


def test_a_line_that_ends_in_cr_is_returned_at_once():
    splitter = LineSplitter("house.csv")
    assert splitter.feed(b"a\r") == b"a\n"
    assert splitter.feed(b"\n") == b""
    assert splitter.feed(b"b\r") == b"b\n"
    assert splitter.feed(b"c\r") == b"c\n"
    assert splitter.feed(b"\r") == b""  # or the beginning of CR CR LF
    assert splitter.feed(b"d") == b"\n"
    assert splitter.flush() == b"d"


def test_other_separators_do_not_end_a_line():
    assert decode_lines("a\x0bb\x0cc\x1cd\x85e\u2028f\n".encode()) == [
        "a\x0bb\x0cc\x1cd\x85e\u2028f"
    ]


def test_each_line_has_its_own_encoding():
    text = b"caf\xe9 \x80\n" + "café €\n".encode() + b"\x81\x8d\n"
    assert decode_lines(text) == ["café €", "café €", "\x81\x8d"]


@pytest.mark.parametrize(
    "pieces",
    [
        [b"a\n" + bytes(70_000)],
        [b"a\n", bytes(70_000)],
        [b"a\n" + bytes(9), bytes(70_000)],
        [b"a\n" + bytes(70_000) + b"\nb\n"],
    ],
)
def test_empty_space_at_the_end_is_named(pieces):
    splitter = LineSplitter("house.csv")
    assert splitter.feed(pieces[0]) == b"a\n"
    with pytest.raises(FormatError, match=r"^house\.csv:2: from here, the file is empty space"):
        [splitter.feed(piece) for piece in [*pieces[1:], b"b\n"]]


def test_a_long_run_of_line_ends_is_split_at_once():
    splitter = LineSplitter("house.csv")
    started = time.process_time()
    assert splitter.feed(b"a" + b"\r" * 500_000 + b"b\n") == b"a" + b"\n" * 500_000 + b"b\n"
    assert time.process_time() - started < 2  # a search that is quadratic takes minutes
