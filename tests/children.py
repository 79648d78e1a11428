"""Child processes and pipes that cannot keep a test waiting for ever."""

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
    """A child that has to end within some time, by itself or because the test ends it.

    If it does not it is killed, so that whoever reads from it or waits for it goes on; and
    so it is when the test fails.
    """
    late = threading.Event()

    def end() -> None:
        late.set()
        child.kill()

    timer = threading.Timer(within_s, end)
    timer.start()
    told = f"it had not ended after {within_s:g} s, and was killed: {child.args!r}"
    try:
        with child:
            try:
                yield child
            except BaseException:
                child.kill()
                raise
    except Exception as error:
        if late.is_set():
            raise AssertionError(told) from error
        raise
    finally:
        timer.cancel()
    assert not late.is_set(), told


@contextmanager
def read_meanwhile(pipe: Path) -> Iterator[list[str]]:
    """What is written to a named pipe in a block, which is there after it."""
    found: list[str] = []
    reader = threading.Thread(
        target=lambda: found.append(pipe.read_text(encoding="utf-8")), daemon=True
    )
    reader.start()
    yield found
    reader.join(10)
    assert not reader.is_alive(), f"nothing was written to {pipe}"
