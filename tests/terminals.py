"""Commands on a pseudo-terminal of their own, which is their controlling terminal."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
"""Beginning and end of the alternate screen."""

# The leader of a session takes over the terminal by this call, or by opening it.
_CODE = """
import fcntl, sys, termios
fcntl.ioctl(int(sys.argv.pop(1)), termios.TIOCSCTTY, 0)
from streamer.__main__ import main
main()
"""


class OnTerminal:
    """A command whose standard streams are a pseudo-terminal, except for those given.

    Args:
        arguments: arguments of `streamer`.
        stdin: a replacement of standard input, as for `subprocess`; a pipe by default.
        stderr: a replacement of standard error; the terminal by default.
        environment: additional environment variables.
        within_s: time limit of all waits together, in seconds.

    Attributes:
        process: the process.
        seen: what it has written to the terminal so far.
        settings: settings of the terminal before it was started.
    """

    def __init__(
        self,
        *arguments: str,
        stdin: int = subprocess.PIPE,
        stderr: IO[Any] | None = None,
        environment: Mapping[str, str] | None = None,
        within_s: float = 60.0,
    ) -> None:
        import termios

        self._person, self._program = os.openpty()
        termios.tcsetwinsize(self._program, (24, 80))
        self.settings = termios.tcgetattr(self._program)
        self.seen = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CODE, "1", *arguments],
            stdin=stdin,
            stdout=self._program,
            stderr=self._program if stderr is None else stderr,
            start_new_session=True,
            text=True,
            env={
                **os.environ,
                "TERM": "xterm",
                "XDG_CONFIG_HOME": "/nowhere",
                **(environment or {}),
            },
        )
        self._deadline = time.monotonic() + within_s

    def __enter__(self) -> OnTerminal:
        return self

    def __exit__(self, *args: object) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()
        self.hang_up()
        os.close(self._program)

    def feed(self, text: str) -> None:
        """Write to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def press(self, keys: str) -> None:
        """Press keys, of which Ctrl-C and such become signals."""
        os.write(self._person, keys.encode())

    def until(self, words: str) -> None:
        """Wait until it has written these words."""
        while words not in self.seen:
            self._check_time(words)
            assert self._look(0.2) or self.process.poll() is None, self.seen

    def end(self) -> int:
        """Wait for its end; returns the exit code."""
        while self.process.poll() is None:
            self.look()
        while self._look(0.0):
            pass
        return self.process.returncode

    def look(self) -> None:
        """Read what it writes within a moment."""
        self._check_time("more")
        self._look(0.02)

    def is_restored(self) -> bool:
        """Whether the terminal has the settings of before, and shows its usual screen."""
        import termios

        is_usual = self.seen.rfind(LEAVE) >= self.seen.rfind(ENTER)
        return is_usual and termios.tcgetattr(self._program) == self.settings

    def hang_up(self) -> None:
        """Close the terminal, as when its window is closed."""
        if self._person >= 0:
            os.close(self._person)
            self._person = -1

    def _check_time(self, awaited: str) -> None:
        assert time.monotonic() < self._deadline, f"timeout for {awaited!r}: {self.seen!r}"

    def _look(self, seconds: float) -> bool:
        """Read the available output; returns whether there was any."""
        if self._person < 0:
            time.sleep(seconds)
            return False
        if not select.select([self._person], [], [], seconds)[0]:
            return False
        self.seen += os.read(self._person, 65536).decode(errors="replace")
        return True
