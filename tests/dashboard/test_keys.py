"""Tests of key presses from a terminal."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.dashboard.keys import (
    BACKSPACE,
    DOWN,
    END,
    ENTER,
    ESCAPE,
    GONE,
    HOME,
    LEFT,
    PAGE_DOWN,
    PAGE_UP,
    RIGHT,
    SPACE,
    UP,
    Decoder,
    Keys,
    PosixKeys,
    find_keys,
)

if sys.platform == "win32":
    pytest.skip("needs a POSIX terminal", allow_module_level=True)

import termios

LONG = 30.0
"""A time-out that is never reached, because the key is already pressed."""


@pytest.fixture
def pty() -> Iterator[tuple[int, int]]:
    """Both ends of a pseudo-terminal: the person's and the program's."""
    person, program = os.openpty()
    yield person, program
    for fd in (person, program):
        try:
            os.close(fd)
        except OSError:
            continue


def _type(person: int, text: bytes, keys: Keys) -> list[str]:
    """All keys decoded from some input, which is ended by an x."""
    os.write(person, text + b"x")
    found: list[str] = []
    while "x" not in found:
        key = keys.poll(LONG)
        if key is not None:
            found.append(key)
    return found[:-1]


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"q", ["q"]),
        (b" +=-ns?", [SPACE, "+", "=", "-", "n", "s", "?"]),
        (b"\x1b[A\x1b[B\x1bOA\x1bOB", [UP, DOWN, UP, DOWN]),
        (b"\x1b[Z\x1b[2~\x1bOP", []),
        (b"\x1b[[A\x1b[[Eq", ["q"]),  # function keys of the Linux console
        (b"\x1b[1;5Dq", ["q"]),
        (b"\x1b[15~n", ["n"]),
        (b"\x1bq", []),  # Alt-q is not q
        (b"\x1b]11;rgb:00/2b/36\x1b\\q", ["answer 11;rgb:00/2b/36", "q"]),
        (b"\x1b]11;rgb:00/2b/36\x07q", ["answer 11;rgb:00/2b/36", "q"]),
        (b"\xc3\xa9q", ["q"]),
        (b"\r\n\x7f\x08", [ENTER, ENTER, BACKSPACE, BACKSPACE]),
        (b"\t\x00", []),
    ],
)
def test_bytes_are_decoded_whole_or_one_by_one(data: bytes, keys: list[str]) -> None:
    whole = Decoder()
    assert whole.feed(data) == keys
    assert not whole.pending
    bytewise = Decoder()
    assert [key for byte in data for key in bytewise.feed(bytes([byte]))] == keys


# As terminfo has them: kcub1, kcuf1, kpp, knp, khome, kend.
TERMINALS = {
    "xterm": (b"\x1b[D", b"\x1b[C", b"\x1b[5~", b"\x1b[6~", b"\x1b[H", b"\x1b[F"),
    "application": (b"\x1bOD", b"\x1bOC", b"\x1b[5~", b"\x1b[6~", b"\x1bOH", b"\x1bOF"),
    "linux, tmux": (b"\x1b[D", b"\x1b[C", b"\x1b[5~", b"\x1b[6~", b"\x1b[1~", b"\x1b[4~"),
    "rxvt": (b"\x1b[D", b"\x1b[C", b"\x1b[5~", b"\x1b[6~", b"\x1b[7~", b"\x1b[8~"),
}
SCROLLING = [LEFT, RIGHT, PAGE_UP, PAGE_DOWN, HOME, END]
TYPED = [
    *[
        (data, key)
        for sent in TERMINALS.values()
        for data, key in zip(sent, SCROLLING, strict=True)
    ],
    *[(char.encode(), char) for char in "q+-?[]aAO~5"],
    (b" ", SPACE),
    *[
        (data, None)
        for data in (b"\x1b[Z", b"\x1b[1;5D", b"\x1b[15~", b"\x1b[[B", b"\x1bOP", b"\x1bq")
    ],
]
"""Keys as terminals send them, and what each is decoded to; None if it is discarded."""


@pytest.mark.parametrize("terminal", TERMINALS)
def test_keys_for_scrolling_are_known_from_every_terminal(terminal: str) -> None:
    assert Decoder().feed(b"".join(TERMINALS[terminal])) == SCROLLING


@given(
    typed=st.lists(st.sampled_from(TYPED), max_size=20),
    cuts=st.lists(st.integers(0, 200), max_size=20),
)
def test_keys_are_the_same_however_their_bytes_arrive(
    typed: list[tuple[bytes, str | None]], cuts: list[int]
) -> None:
    data = b"".join(sent for sent, _ in typed)
    ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
    decoder = Decoder()
    found = []
    for start, end in zip([0, *ends], ends, strict=False):
        found += decoder.feed(data[start:end])
    assert found == [key for _, key in typed if key is not None]
    assert not decoder.pending


@given(data=st.binary(max_size=40), cut=st.integers(0, 40))
def test_any_bytes_give_the_same_keys_whole_or_in_two_parts(data: bytes, cut: int) -> None:
    whole, parts = Decoder(), Decoder()
    assert whole.feed(data) == parts.feed(data[:cut]) + parts.feed(data[cut:])
    assert whole.flush() == parts.flush()


def test_a_single_escape_is_a_key_when_flushed() -> None:
    decoder = Decoder()
    assert decoder.feed(b"\x1b") == []
    assert decoder.pending
    assert decoder.flush() == [ESCAPE]
    assert not decoder.pending


def test_an_incomplete_sequence_is_discarded() -> None:
    decoder = Decoder()
    assert decoder.feed(b"\x1b[1;") == []
    assert decoder.flush() == []


def test_keys_are_read_without_enter_and_without_echo(pty: tuple[int, int]) -> None:
    person, program = pty
    with PosixKeys(program) as keys:
        assert _type(person, b"q ", keys) == ["q", SPACE]
        assert not termios.tcgetattr(program)[3] & (termios.ECHO | termios.ICANON)


def test_arrow_keys_are_read_and_unknown_ones_ignored(pty: tuple[int, int]) -> None:
    person, program = pty
    with PosixKeys(program) as keys:
        assert _type(person, b"\x1b[Z\x1b[D\x1b[2~\x1b[C", keys) == [LEFT, RIGHT]


def test_a_sequence_that_arrives_in_parts_is_one_key(pty: tuple[int, int]) -> None:
    person, program = pty
    with PosixKeys(program) as keys:
        os.write(person, b"\x1b")
        writer = threading.Timer(0.01, os.write, (person, b"[D"))
        writer.start()
        assert keys.poll(LONG) == LEFT
        writer.join()


def test_escape_is_distinguished_from_a_sequence(pty: tuple[int, int]) -> None:
    person, program = pty
    with PosixKeys(program) as keys:
        os.write(person, b"\x1b")
        assert keys.poll(LONG) == ESCAPE


def test_a_poll_waits_no_longer_than_its_timeout(pty: tuple[int, int]) -> None:
    with PosixKeys(pty[1]) as keys:
        assert keys.poll(0.0) is None


@pytest.mark.parametrize("fails", [False, True])
def test_the_terminal_is_restored_on_exit(pty: tuple[int, int], fails: bool) -> None:
    before = termios.tcgetattr(pty[1])
    try:
        with PosixKeys(pty[1]):
            assert termios.tcgetattr(pty[1]) != before
            if fails:
                raise KeyError
    except KeyError:
        assert fails
    assert termios.tcgetattr(pty[1]) == before


def test_the_terminal_can_be_suspended_and_resumed(pty: tuple[int, int]) -> None:
    person, program = pty
    before = termios.tcgetattr(program)
    with PosixKeys(program) as keys:
        keys.suspend()
        assert termios.tcgetattr(program) == before
        keys.suspend()
        keys.resume()
        keys.resume()  # as after a SIGCONT without a preceding stop
        assert _type(person, b"n", keys) == ["n"]
    assert termios.tcgetattr(program) == before


def test_unread_input_is_discarded_on_exit(pty: tuple[int, int]) -> None:
    person, program = pty
    with PosixKeys(program):
        os.write(person, b"qqq\n")
    os.set_blocking(program, False)
    with pytest.raises(BlockingIOError):
        os.read(program, 10)


def test_a_hang_up_is_a_key(pty: tuple[int, int]) -> None:
    person, program = pty
    with PosixKeys(program) as keys:
        os.close(person)
        assert keys.poll(LONG) == GONE
    # Restoring a closed terminal is not an error.


def test_without_a_terminal_there_are_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_terminal(*args: object) -> int:
        raise OSError

    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(os, "open", no_terminal)
    with find_keys() as keys:
        assert keys.poll(0.0) is None


def test_keys_are_read_from_the_controlling_terminal_with_piped_input(
    monkeypatch: pytest.MonkeyPatch, pty: tuple[int, int]
) -> None:
    person, program = pty
    opened = []

    def open_tty(path: str, flags: int) -> int:
        opened.append(path)
        return program

    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(os, "open", open_tty)
    with find_keys() as keys:
        assert _type(person, b"s", keys) == ["s"]
    assert opened == ["/dev/tty"]
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(program)


def test_polling_without_a_terminal_waits_for_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    sleep, ours = time.sleep, threading.get_ident()

    def note(seconds: float) -> None:
        # Threads left over from other tests also sleep, and must continue to do so.
        if threading.get_ident() == ours:
            slept.append(seconds)
        else:
            sleep(seconds)

    monkeypatch.setattr(time, "sleep", note)
    with Keys() as keys:
        assert keys.poll(0.25) is None
    assert slept == [0.25]


def test_a_terminal_is_asked_where_its_keys_come_from(pty: tuple[int, int]) -> None:
    person, program = pty
    with PosixKeys(program) as keys:
        keys.ask(b"\x1b]11;?\x07")
        assert os.read(person, 100) == b"\x1b]11;?\x07"
        assert _type(person, b"\x1b]11;rgb:ff/ff/ff\x07q", keys) == ["answer 11;rgb:ff/ff/ff", "q"]


def test_an_answer_that_is_cut_short_is_no_key() -> None:
    decoder = Decoder()
    assert decoder.feed(b"\x1b]11;rgb:ffff") == []
    assert decoder.pending
    assert decoder.flush() == []
