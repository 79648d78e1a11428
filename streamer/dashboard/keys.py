"""Single key presses from the terminal, without echo and without Enter.

The module can be imported without POSIX; on Windows the console is used.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import Any

ESCAPE, SPACE, GONE = "escape", "space", "gone"
"""Names of keys without a character of their own; `GONE`: the terminal has hung up."""

LEFT, RIGHT, PAGE_UP, PAGE_DOWN, HOME, END = "left", "right", "page up", "page down", "home", "end"
"""Names of the keys for scrolling."""

UP, DOWN, ENTER, BACKSPACE = "up", "down", "enter", "backspace"
"""Names of the keys for choosing one of several meters."""
ANSWER = "answer "
"""Begins the name of an answer of the terminal to a question; its text follows."""

_ANSWER_END = re.compile(rb"\x07|\x1b\\")

_ESC = 0x1B
_ESCAPE_WAIT_S = 0.1
_NAMES = {" ": SPACE, "\r": ENTER, "\n": ENTER, "\x7f": BACKSPACE, "\b": BACKSPACE}

_CURSOR = {"A": UP, "B": DOWN, "D": LEFT, "C": RIGHT, "H": HOME, "F": END}
"""By final character, after `Esc [`, or `Esc O` in application mode (xterm, tmux, and others)."""

_EDITING = {1: HOME, 4: END, 5: PAGE_UP, 6: PAGE_DOWN, 7: HOME, 8: END}
"""By number, as in `Esc [ 5 ~`; 1 and 4 on the Linux console and in tmux, 7 and 8 in rxvt."""

_SEQUENCES = {
    **{f"\x1b{mode}{char}".encode(): name for mode in "[O" for char, name in _CURSOR.items()},
    **{f"\x1b[{number}~".encode(): name for number, name in _EDITING.items()},
}

_WINDOWS = {
    "H": UP,
    "P": DOWN,
    "K": LEFT,
    "M": RIGHT,
    "I": PAGE_UP,
    "Q": PAGE_DOWN,
    "G": HOME,
    "O": END,
}
"""By the second code of a special key on the Windows console."""


class Decoder:
    r"""Decodes the bytes that a terminal sends into keys.

    A special key, such as an arrow, is sent as Esc and more characters. If it is not known, it is
    discarded as a whole, so that its Esc is not taken for the Esc key.

    >>> decoder = Decoder()
    >>> decoder.feed(b"+\x1b[D\x1b[Z n\x1b")
    ['+', 'left', 'space', 'n']
    >>> decoder.pending, decoder.flush()
    (True, ['escape'])
    """

    def __init__(self) -> None:
        self._rest = b""

    @property
    def pending(self) -> bool:
        """Whether an Esc was received that may begin a sequence."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[str]:
        """Add bytes and return the keys that are complete."""
        data = self._rest + data
        keys = []
        while data:
            if data[0] != _ESC:
                keys += self._plain(data[:1])
                data = data[1:]
                continue
            length = self._sequence(data)
            if not length:
                break
            keys += _special(data[:length])
            data = data[length:]
        self._rest = data
        return keys

    def flush(self) -> list[str]:
        """Return Esc if it is pending alone, and discard an incomplete sequence."""
        rest, self._rest = self._rest, b""
        return [ESCAPE] if rest == bytes([_ESC]) else []

    @staticmethod
    def _plain(byte: bytes) -> list[str]:
        char = byte.decode("ascii", "ignore")
        if char in _NAMES:
            return [_NAMES[char]]
        return [char] if char.isprintable() and char else []

    @staticmethod
    def _sequence(data: bytes) -> int:
        """Length of the escape sequence at the beginning of data; 0 if it is incomplete."""
        if len(data) == 1:
            return 0
        if data[1:2] == b"]":
            end = _ANSWER_END.search(data)
            return end.end() if end else 0
        if data[1:2] not in b"[O":
            return 1 if data[1] == _ESC else 2
        if data[1:3] == b"[[":  # a function key of the Linux console
            return 4 if len(data) >= 4 else 0
        for index in range(2, len(data)):
            if 0x40 <= data[index] <= 0x7E:
                return index + 1
        return 0


def _special(sequence: bytes) -> list[str]:
    """The key or the answer that a whole sequence stands for, if it is known."""
    if sequence[1:2] == b"]":
        return [ANSWER + sequence[2:].strip(b"\x1b\\\x07").decode("ascii", "ignore")]
    name = _SEQUENCES.get(sequence)
    return [] if name is None else [name]


class Keys:
    """Source of no keys, for use without a terminal, and base of the others.

    Used as a context manager; `poll` is also the wait between two frames.
    """

    def __enter__(self) -> Keys:
        self.resume()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.suspend()

    def resume(self) -> None:
        """Take over the terminal."""

    def suspend(self) -> None:
        """Restore the terminal."""

    def ask(self, question: bytes) -> None:
        """Ask the terminal something; the answer, if any, comes like a key."""

    def poll(self, timeout: float) -> str | None:
        """Wait for a key.

        Args:
            timeout: longest wait in seconds.

        Returns:
            The key's name or character, or None if no key was pressed.
        """
        time.sleep(timeout)
        return None


class PosixKeys(Keys):
    """Keys from a POSIX terminal in cbreak mode, where Ctrl-C still is a signal.

    Args:
        fd: file descriptor of the terminal; not closed.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._decoder = Decoder()
        self._keys: deque[str] = deque()
        self._before: list[Any] | None = None

    def resume(self) -> None:
        """Put the terminal in cbreak mode."""
        import termios
        import tty

        try:
            if self._before is None:
                self._before = termios.tcgetattr(self._fd)
            tty.setcbreak(self._fd, termios.TCSANOW)
        except termios.error:
            return  # the terminal is closed, and the next `poll` reports it

    def suspend(self) -> None:
        """Restore the terminal and discard unread input."""
        import termios

        before, self._before = self._before, None
        if before is None:
            return
        try:
            termios.tcflush(self._fd, termios.TCIFLUSH)
            termios.tcsetattr(self._fd, termios.TCSANOW, before)
        except termios.error:
            return  # the terminal is closed

    def ask(self, question: bytes) -> None:
        """Ask the terminal something; the answer, if any, comes like a key."""
        with suppress(OSError):
            os.write(self._fd, question)

    def poll(self, timeout: float) -> str | None:
        """Wait for a key, for the timeout at most."""
        if not self._keys and self._wait(timeout):
            self._read()
            if self._decoder.pending and not self._keys:
                self._resolve_escape()
        return self._keys.popleft() if self._keys else None

    def _resolve_escape(self) -> None:
        """Decide whether an Esc was the key or the beginning of a sequence."""
        if self._wait(_ESCAPE_WAIT_S):
            self._read()
        else:
            self._keys.extend(self._decoder.flush())

    def _wait(self, timeout: float) -> bool:
        import select

        return bool(select.select([self._fd], [], [], timeout)[0])

    def _read(self) -> None:
        try:
            data = os.read(self._fd, 1024)
        except OSError:
            data = b""
        self._keys.extend(self._decoder.feed(data) if data else [GONE])


class WindowsKeys(Keys):
    """Keys from a Windows console."""

    def poll(self, timeout: float) -> str | None:
        """Wait for a key, for the timeout at most."""
        if sys.platform == "win32":
            import msvcrt

            end = time.monotonic() + timeout
            while not msvcrt.kbhit():
                if time.monotonic() >= end:
                    return None
                time.sleep(0.01)
            char = msvcrt.getwch()
            if char in "\x00\xe0":  # a special key: its code follows
                return _WINDOWS.get(msvcrt.getwch())
            return {**_NAMES, "\x1b": ESCAPE}.get(char, char)
        return super().poll(timeout)


class _ControllingTerminal(PosixKeys):
    """Keys from /dev/tty, for a standard input that carries data."""

    def __exit__(self, *args: Any) -> None:
        super().__exit__(*args)
        os.close(self._fd)


def find_keys() -> Keys:
    """Keys from standard input if it is a terminal, otherwise from the controlling terminal."""
    if sys.platform == "win32":
        return WindowsKeys()
    if sys.stdin is not None and sys.stdin.isatty():
        return PosixKeys(sys.stdin.fileno())
    try:
        return _ControllingTerminal(os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return Keys()
