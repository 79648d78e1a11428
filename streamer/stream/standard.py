"""Standard output and standard error, with failures that name the stream."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, TextIO, cast

from streamer.display.encoding import encodable

HANGUP_CODE = 129
"""Exit code after a hangup: 128 and the number of SIGHUP."""


class ReaderGoneError(Exception):
    """The reader of standard output or standard error has gone; the program ends normally.

    Not a `BrokenPipeError`: libraries above would treat that as a failure and end the
    program themselves.
    """

    exit_code: ClassVar[int] = 0


class HangupError(ReaderGoneError, OSError):
    """The terminal of standard output or standard error has hung up; SIGHUP follows, if at all."""

    exit_code = HANGUP_CODE


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Distinguish failures of standard output and standard error from all others.

    Within this context, writing to one of them raises `ReaderGoneError` or `HangupError`, or an
    OSError with the name of the stream in place of a file name. Output to a stream that has
    failed, or that was closed when the program started, is discarded. Characters that its
    encoding lacks are written in their ASCII form.
    """
    before = sys.stdout, sys.stderr
    with encodable(*before), Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        sys.stdout = cast("TextIO", _Guarded(sys.stdout, "standard output", nowhere))
        sys.stderr = cast("TextIO", _Guarded(sys.stderr, "standard error", nowhere))
        try:
            yield
        finally:
            # Output left in a buffer would fail at exit, in the interpreter.
            for stream in (sys.stdout, sys.stderr):
                with suppress(ReaderGoneError, OSError):
                    stream.flush()
            sys.stdout, sys.stderr = before


class _Guarded:
    """Text stream with the failures of `guarded_streams`; discards output without a stream."""

    def __init__(self, stream: TextIO | None, name: str, nowhere: TextIO) -> None:
        self._stream = nowhere if stream is None else stream
        self._name = name
        self._nowhere = nowhere
        self._is_terminal = self._stream.isatty()

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            raise self._failure(error) from None

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            raise self._failure(error) from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _failure(self, error: OSError) -> Exception:
        failed, self._stream = self._stream, self._nowhere
        with suppress(OSError):
            # Output left in its buffer is discarded as well.
            os.dup2(self._nowhere.fileno(), failed.fileno())
        if isinstance(error, ConnectionError):
            return ReaderGoneError(self._name)
        if error.errno == errno.EIO and self._is_terminal:
            return HangupError(error.errno, error.strerror, self._name)
        return OSError(error.errno, error.strerror, self._name)
