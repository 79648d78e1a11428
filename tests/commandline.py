"""The command line in this process: no interpreter to start, no module to import again."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import patch

from streamer.cli import main
from tests.cli.running import standard_input

Done = subprocess.CompletedProcess[str]


def streamer(*arguments: str | Path, stdin: str = "", **environment: str) -> Done:
    """Run a command, and capture what it writes.

    For signals, pipes, terminals and imports, tests start a process of its own.

    Args:
        arguments: the command and its arguments.
        stdin: contents of standard input; empty for none.
        environment: further variables. TZ is the local time zone meanwhile.
    """
    command = list(map(str, arguments))
    out, errors, nothing = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(3))
    try:
        with (
            patch.dict("os.environ", environment),
            patch.multiple(sys, stdin=nothing, stdout=out, stderr=errors),
            standard_input(stdin.encode() or None),
        ):
            if "TZ" in environment:
                time.tzset()
            main(command)
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        if "TZ" in environment:
            time.tzset()
    texts = [stream.buffer.getvalue().decode() for stream in (out, errors)]  # type: ignore[attr-defined]
    return Done(command, code, *texts)
