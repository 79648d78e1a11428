from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from streamer.dashboard.keys import ESCAPE, GONE, SPACE, Decoder, Keys, PosixKeys, find_keys

if sys.platform == "win32":
    pytest.skip("needs a POSIX terminal", allow_module_level=True)

import termios

LONG = 30.0
"""A time-out that is never waited for: the key is there already."""


@pytest.fixture
def pty() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal: what a person types, and what the program reads."""
    person, program = os.openpty()
    yield person, program
    for fd in (person, program):
        try:
            os.close(fd)
        except OSError:
            continue


def _type(person: int, text: bytes, keys: Keys) -> list[str]:
    """All keys that come of some typing; ended by an x."""
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
        (b"\x1b[A\x1b[B\x1bOC", []),
        (b"\x1b[1;5Dq", ["q"]),
        (b"\x1b[15~n", ["n"]),
        (b"\x1bq", []),  # Alt-q is not q
        (b"\xc3\xa9q", ["q"]),
        (b"\r\n\t\x00", []),
    ],
)
def test_decoding(data: bytes, keys: list[str]) -> None:
    whole = Decoder()
    assert whole.feed(data) == keys
    assert not whole.pending
    bit_by_bit = Decoder()
    assert [key for byte in data for key in bit_by_bit.feed(bytes([byte]))] == keys


def test_an_escape_alone_is_a_key_once_nothing_follows() -> None:
    decoder = Decoder()
    assert decoder.feed(b"\x1b") == []
    assert decoder.pending
    assert decoder.flush() == [ESCAPE]
    assert not decoder.pending


def test_half_a_sequence_is_no_key() -> None:
    decoder = Decoder()
    assert decoder.feed(b"\x1b[1;") == []
    assert decoder.flush() == []


def test_keys_come_without_enter_and_without_echo(pty: tuple[int, int]) -> None:
    person, program = pty
    with PosixKeys(program) as keys:
        assert _type(person, b"q ", keys) == ["q", SPACE]
        assert not termios.tcgetattr(program)[3] & (termios.ECHO | termios.ICANON)


def test_arrows_do_not_leave(pty: tuple[int, int]) -> None:
    person, program = pty
    with PosixKeys(program) as keys:
        assert _type(person, b"\x1b[A\x1b[B", keys) == []


def test_escape_is_told_from_a_sequence(pty: tuple[int, int]) -> None:
    person, program = pty
    with PosixKeys(program) as keys:
        os.write(person, b"\x1b")
        assert keys.poll(LONG) == ESCAPE


def test_a_poll_waits_no_longer_than_asked(pty: tuple[int, int]) -> None:
    with PosixKeys(pty[1]) as keys:
        assert keys.poll(0.0) is None


@pytest.mark.parametrize("fails", [False, True])
def test_the_terminal_is_as_it_was(pty: tuple[int, int], fails: bool) -> None:
    before = termios.tcgetattr(pty[1])
    try:
        with PosixKeys(pty[1]):
            assert termios.tcgetattr(pty[1]) != before
            if fails:
                raise KeyError
    except KeyError:
        assert fails
    assert termios.tcgetattr(pty[1]) == before


def test_the_terminal_can_be_lent_out(pty: tuple[int, int]) -> None:
    person, program = pty
    before = termios.tcgetattr(program)
    with PosixKeys(program) as keys:
        keys.suspend()
        assert termios.tcgetattr(program) == before
        keys.suspend()
        keys.resume()
        keys.resume()  # as after a SIGCONT that no stop of ours came before
        assert _type(person, b"n", keys) == ["n"]
    assert termios.tcgetattr(program) == before


def test_what_was_typed_too_much_is_not_left_to_the_shell(pty: tuple[int, int]) -> None:
    person, program = pty
    with PosixKeys(program):
        os.write(person, b"qqq\n")
    os.set_blocking(program, False)
    with pytest.raises(BlockingIOError):
        os.read(program, 10)


def test_a_terminal_that_hangs_up_is_a_key(pty: tuple[int, int]) -> None:
    person, program = pty
    with PosixKeys(program) as keys:
        os.close(person)
        assert keys.poll(LONG) == GONE
    # and giving it back is not an error


def test_without_a_terminal_there_are_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_terminal(*args: object) -> int:
        raise OSError

    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(os, "open", no_terminal)
    with find_keys() as keys:
        assert keys.poll(0.0) is None


def test_piped_input_leaves_the_controlling_terminal(
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


def test_no_keys_still_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    sleep, ours = time.sleep, threading.get_ident()

    def note(seconds: float) -> None:
        # Threads that other tests have left behind sleep as well, and are to go on doing so.
        if threading.get_ident() == ours:
            slept.append(seconds)
        else:
            sleep(seconds)

    monkeypatch.setattr(time, "sleep", note)
    with Keys() as keys:
        assert keys.poll(0.25) is None
    assert slept == [0.25]
