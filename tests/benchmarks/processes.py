"""Worker processes that measure on request and are idle in between."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from types import TracebackType
from typing import Any


class Worker:
    """Module of this package run in its own process; a context manager.

    It receives one line per task and answers with a line of JSON.

    Args:
        module: full name of the module.
        name: its argument.
        environment: additions to its environment.
    """

    def __init__(self, module: str, name: str, environment: Mapping[str, str]) -> None:
        self._title = f"{module} {name}"
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by __exit__
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, name],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def ask(self, what: str) -> dict[str, Any]:
        """Run a task and wait for its result.

        Raises:
            RuntimeError: the process has ended; the message is its output.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            print(what, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            self._process.wait()
            self._log.seek(0)
            raise RuntimeError(f"{self._title} ended early:\n{self._log.read()}")
        found: dict[str, Any] = json.loads(answer)
        return found

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()
