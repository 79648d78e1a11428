"""Processes that tests run against, and waiting for what they do."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

TIMEOUT_S = 60.0


def until(found: Callable[[], Any], *, within_s: float = TIMEOUT_S) -> Any:
    """The first true result of a function that is asked a few times a second."""
    deadline = time.monotonic() + within_s
    while not (result := found()):
        assert time.monotonic() < deadline, f"not found within {within_s:g} s: {found}"
        time.sleep(0.1)
    return result


class Child:
    """A process of a test, ended with it.

    Args:
        folder: folder for its log.
        command: program and arguments.
        environment: further variables of its environment.
    """

    def __init__(
        self, folder: Path, *command: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.log = folder / f"{Path(command[0]).name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=os.environ | (environment or {}),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def write(self, lines: Iterable[str]) -> None:
        """Write lines to its standard input, which stays open."""
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        self.process.stdin.flush()

    def kill(self) -> None:
        """Kill it without warning."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=TIMEOUT_S)
