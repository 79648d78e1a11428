"""What a process needs, as Linux tells it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Usage:
    """What a process holds, and has used so far.

    Attributes:
        rss_mb: memory.
        threads: how many.
        files: how many are open.
        cpu_s: time of the processors.
    """

    rss_mb: float
    threads: int
    files: int
    cpu_s: float

    @classmethod
    def of(cls, pid: int) -> Self:
        """What a process holds now."""
        process = Path("/proc", str(pid))
        status = dict(
            line.split(":", 1) for line in process.joinpath("status").read_text().splitlines()
        )
        # The name in parentheses may hold anything.
        times = process.joinpath("stat").read_text().rpartition(")")[2].split()
        return cls(
            rss_mb=int(status["VmRSS"].split()[0]) / 1024,
            threads=int(status["Threads"]),
            files=len(list(process.joinpath("fd").iterdir())),
            cpu_s=(int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK"),
        )
