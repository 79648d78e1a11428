"""Notices of publishers, passed on in a thread of their own."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from streamer.publishing import Report
from streamer.readings import Notice


class Reports:
    """Passes notices on in a thread of its own, since whoever takes them may wait for a disk.

    Notices from before anybody takes them are kept.
    """

    def __init__(self) -> None:
        self._to: Report | None = None
        self._kept: list[Notice] = []
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reports")

    def __call__(self, notice: Notice) -> None:
        """Take a notice; never waits."""
        with self._lock:
            if self._to is None:
                self._kept.append(notice)
            else:
                with suppress(RuntimeError):  # it is closed already
                    self._thread.submit(self._to, notice)

    def pass_to(self, report: Report) -> None:
        """Pass on the notices so far, and all others from now on."""
        with self._lock:
            self._to, kept = report, self._kept
            self._kept = []
            for notice in kept:
                self._thread.submit(report, notice)

    def close(self) -> None:
        """Let what was taken arrive, and end the thread."""
        self._thread.shutdown()
