"""Start-up times, as seen from a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import time
from fcntl import ioctl
from statistics import median
from termios import TIOCSWINSZ

_STARTS = 5
_TIMEOUT_S = 30.0
_ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]")
_FORECAST = re.compile(rb"next \d\d:\d\d\s+-?\d+\.\d+ kW")
_STREAMER = (sys.executable, "-m", "streamer")


def startup() -> dict[str, float]:
    """Seconds to the version, the dashboard's first frame and its first forecast.

    Medians of some warm starts: the files are in the system's cache.
    """
    subprocess.run([*_STREAMER, "--version"], check=True, capture_output=True)
    _dashboard()
    shown = [_dashboard() for _ in range(_STARTS)]
    return {
        "version_s": median(_version() for _ in range(_STARTS)),
        "first_frame_s": median(frame for frame, _ in shown),
        "first_forecast_s": median(forecast for _, forecast in shown),
    }


def _version() -> float:
    started = time.perf_counter()
    subprocess.run([*_STREAMER, "--version"], check=True, capture_output=True)
    return time.perf_counter() - started


def _dashboard() -> tuple[float, float]:
    """Seconds until a new terminal shows the dashboard, and the first forecast on it."""
    started = time.perf_counter()
    pid, terminal = pty.fork()
    if not pid:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [*_STREAMER, "replay"])  # noqa: S606 - in its own terminal
    ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    shown, first_frame = b"", None
    try:
        while (now := time.perf_counter() - started) < _TIMEOUT_S:
            if not select.select([terminal], [], [], 0.05)[0]:
                continue
            shown += os.read(terminal, 1 << 16)
            now = time.perf_counter() - started
            if first_frame is None and b"streamer" in shown:
                first_frame = now
            if first_frame is not None and _FORECAST.search(_ESCAPES.sub(b"", shown)):
                return first_frame, now
        raise RuntimeError(f"no forecast on the dashboard within {_TIMEOUT_S:.0f} s: {shown!r}")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
