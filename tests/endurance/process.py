"""Resources of a process, as reported by Linux."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Usage:
    """Current resources of a process, and the processor time used so far.

    Attributes:
        rss_mb: resident memory in MB.
        threads: number of threads.
        files: number of open files.
        cpu_s: processor time in seconds.
    """

    rss_mb: float
    threads: int
    files: int
    cpu_s: float

    @classmethod
    def of(cls, pid: int) -> Self:
        """Read the resources of a process."""
        process = Path("/proc", str(pid))
        status = dict(
            line.split(":", 1) for line in process.joinpath("status").read_text().splitlines()
        )
        # The name in parentheses may contain anything.
        times = process.joinpath("stat").read_text().rpartition(")")[2].split()
        return cls(
            rss_mb=int(status["VmRSS"].split()[0]) / 1024,
            threads=int(status["Threads"]),
            files=len(list(process.joinpath("fd").iterdir())),
            cpu_s=(int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK"),
        )
