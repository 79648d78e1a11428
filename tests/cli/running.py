"""The command line run in this process, with output streams of any encoding."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from streamer.cli import main


@dataclass(frozen=True)
class Ended:
    """A command that has ended.

    Attributes:
        code: its exit code.
        out: standard output.
        err: standard error.
    """

    code: int
    out: str
    err: str


def run(
    *arguments: str | Path,
    encoding: str = "utf-8",
    stdin: bytes | None = None,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run a command to its end.

    Args:
        arguments: the command and its arguments.
        encoding: encoding of both output streams.
        stdin: contents of standard input; None for the test's own.
        environment: further variables.
    """
    raw = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(stream, encoding=encoding, newline="\n") for stream in raw)
    with (
        mock.patch.object(sys, "stdout", out),
        mock.patch.object(sys, "stderr", err),
        mock.patch.dict(os.environ, environment or {}),
        standard_input(stdin),
    ):
        try:
            main(list(map(str, arguments)))
        except SystemExit as end:
            code = end.code
    for stream in (out, err):
        stream.flush()
    texts = [stream.getvalue().decode(encoding) for stream in raw]
    return Ended(int(code or 0), *texts)


@contextmanager
def standard_input(data: bytes | None) -> Iterator[None]:
    """Let descriptor 0 be a pipe with these contents, 64 KB at most, and `sys.stdin` read them."""
    if data is None:
        yield
        return
    kept = os.dup(0)
    source, sink = os.pipe()
    try:
        os.write(sink, data)
        os.close(sink)
        os.dup2(source, 0)
        with mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(data))):
            yield
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(source)
