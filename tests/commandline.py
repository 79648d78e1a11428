"""The command line in this process: no interpreter to start, no module to import again."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

from streamer.cli import main

Done = subprocess.CompletedProcess[str]


def streamer(*arguments: str | Path, **environment: str) -> Done:
    """Run a command without standard input, and capture what it writes.

    For signals, pipes, terminals and imports, tests start a process of its own.
    """
    command = list(map(str, arguments))
    out, errors, nothing = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(3))
    with (
        patch.dict("os.environ", environment),
        patch.multiple(sys, stdin=nothing, stdout=out, stderr=errors),
    ):
        try:
            main(command)
        except SystemExit as end:
            code = int(end.code or 0)
    texts = [stream.buffer.getvalue().decode() for stream in (out, errors)]  # type: ignore[attr-defined]
    return Done(command, code, *texts)
