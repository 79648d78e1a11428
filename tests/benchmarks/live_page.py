"""Cost of the live page: ``python -m tests.benchmarks.live_page [BROWSERS] [SECONDS]``.

A meter sends a sample each second to ``streamer watch --serve``, and so many browsers (10) have its
page open. After the first minute, which is for starting, the time of a processor that the program
takes in so many seconds (120) is printed, and the memory it has.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

from aiohttp import ClientSession, ClientTimeout

from tests.feeds.broker import free_port

START_S = 70.0


async def measure(browsers: int, seconds: float) -> None:
    """Run the program, its meter and its browsers, and print what it has taken."""
    port = free_port()
    command = [sys.executable, "-m", "streamer", "watch", "stdin:?unit=W", "--quiet"]
    command += ["--serve", f"127.0.0.1:{port}"]
    program = subprocess.Popen(command, stdin=subprocess.PIPE)
    samples = program.stdin
    assert samples is not None
    received = [0] * browsers

    async def send() -> None:
        """The meter."""
        for second in range(int(START_S + 2 * seconds)):
            samples.write(f"{400 + 37 * second % 91}\n".encode())
            samples.flush()
            await asyncio.sleep(1.0)

    async def browse(number: int) -> None:
        """A browser."""
        url, endless = f"http://127.0.0.1:{port}/events", ClientTimeout(total=None)
        async with (
            ClientSession(timeout=endless, read_bufsize=1 << 20) as client,
            client.get(url) as response,
        ):
            async for line in response.content:
                received[number] += line.startswith(b"event: parts")

    try:
        tasks = [asyncio.create_task(send())]
        await asyncio.sleep(START_S)
        tasks += [asyncio.create_task(browse(number)) for number in range(browsers)]
        before_s, began_s = _processor_s(program.pid), time.monotonic()
        await asyncio.sleep(seconds)
        used_s, took_s = _processor_s(program.pid) - before_s, time.monotonic() - began_s
        events = f"{min(received)} to {max(received)} events each" if received else "no events"
        print(
            f"{browsers} browsers: {100.0 * used_s / took_s:.2f} % of a core in {took_s:.0f} s, "
            f"{_memory_mb(program.pid):.0f} MB, {events}"
        )
        for task in tasks:
            task.cancel()
    finally:
        program.terminate()
        program.wait()


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    asyncio.run(measure(*map(int, sys.argv[1:2] or ["10"]), *map(float, sys.argv[2:3] or ["120"])))
