"""Child processes and pipes with a time limit, so that no test hangs."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

P = TypeVar("P", bound="subprocess.Popen[str] | subprocess.Popen[bytes]")


@contextmanager
def ending(child: P, *, within_s: float = 90.0) -> Iterator[P]:
    """A child process that must end within some time, by itself or ended by the test.

    Otherwise it is killed, so that readers of its output and waiting code continue. It is also
    killed when the test fails.
    """
    late = threading.Event()

    def end() -> None:
        late.set()
        child.kill()

    timer = threading.Timer(within_s, end)
    timer.start()
    message = f"it had not ended after {within_s:g} s, and was killed: {child.args!r}"
    try:
        with child:
            try:
                yield child
            except BaseException:
                child.kill()
                raise
    except Exception as error:
        if late.is_set():
            raise AssertionError(message) from error
        raise
    finally:
        timer.cancel()
    assert not late.is_set(), message


@contextmanager
def read_meanwhile(pipe: Path) -> Iterator[list[str]]:
    """Text written to a named pipe within the context, complete after it."""
    found: list[str] = []
    reader = threading.Thread(
        target=lambda: found.append(pipe.read_text(encoding="utf-8")), daemon=True
    )
    reader.start()
    yield found
    reader.join(10)
    assert not reader.is_alive(), f"nothing was written to {pipe}"
