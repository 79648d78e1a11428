"""Tests of `streamer watch` under a service manager's socket, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.children import ending
from tests.stream.manager import Manager

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="service managers of Linux")

START_S = 1_790_000_040
WATCHDOG_S = 0.2
SILENT = ("stdin:?unit=W", "--clock", "feed", "--model", "sceaux")


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.close()


def _environment(manager: Manager | None = None, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("STREAMER_")}
    if manager is not None:
        more |= {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": f"{WATCHDOG_S * 1e6:.0f}"}
    return {**kept, "XDG_CONFIG_HOME": "/nowhere", "TZ": "UTC", **more}


def _watch(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "streamer", "watch", *(arguments or SILENT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_a_silent_meter_is_alive_and_the_end_is_announced(manager: Manager) -> None:
    watch = _watch(_environment(manager))
    with ending(watch):
        assert manager.heard(within_s=60.0) == {"READY": "1"}
        for _ in range(3):
            assert manager.heard() == {"WATCHDOG": "1"}
        assert watch.stdin is not None
        watch.stdin.writelines(f"{START_S + second} 250\n" for second in range(0, 150, 10))
        watch.stdin.flush()
        heard = manager.heard()
        while heard.get("STATUS") != "14:15 0.25 kW":
            heard = manager.heard()
        watch.stdin.close()
        while "STOPPING" not in heard:
            heard = manager.heard()
        assert watch.wait() == 0


def test_a_loop_that_hangs_gives_no_sign_of_life_until_it_continues(
    manager: Manager, tmp_path: Path
) -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as lines:
        watch = subprocess.Popen(
            [sys.executable, "-m", "streamer", "watch", *SILENT, "--format", "json"],
            stdin=subprocess.PIPE,
            stdout=writer,
            stderr=subprocess.DEVNULL,
            text=True,
            env=_environment(manager),
        )
        os.close(writer)
        with ending(watch):
            assert manager.heard(within_s=60.0) == {"READY": "1"}
            assert watch.stdin is not None
            # Nobody reads the steps: once the pipe is full, the stream hangs in its sink.
            watch.stdin.writelines(f"{START_S + second} 250\n" for second in range(0, 9000, 30))
            watch.stdin.flush()
            assert _falls_silent(manager)
            # In a thread, since there may be nothing left to read when the next sign comes.
            reading = threading.Thread(target=lines.read)
            reading.start()
            while "WATCHDOG" not in manager.heard():
                pass
            watch.kill()
            reading.join()


def _falls_silent(manager: Manager) -> bool:
    """Whether the notifications end: no more within several times of the watchdog's."""
    for _ in range(1000):
        try:
            manager.heard(within_s=5 * WATCHDOG_S)
        except TimeoutError:
            return True
    return False


def test_a_socket_that_cannot_be_reached_is_a_warning() -> None:
    watch = _watch(_environment(NOTIFY_SOCKET="/nowhere/notify"))
    with ending(watch):
        _, errors = watch.communicate("")
        assert watch.returncode == 0
        assert errors.startswith(
            "streamer: warning: NOTIFY_SOCKET=/nowhere/notify: the service manager cannot be "
            "notified: No such file or directory\n"
        )


def test_of_several_meters_each_has_to_turn_and_has_its_status(
    manager: Manager, tmp_path: Path
) -> None:
    settings, grid, shed = (tmp_path / name for name in ("house.toml", "grid.log", "shed.log"))
    common = 'clock = "feed"\nmodel = "sceaux"\n'
    settings.write_text(
        f'[[watch]]\nname = "Grid"\nurl = "tail:{grid}?unit=W"\n{common}'
        f'[[watch]]\nname = "Shed"\nurl = "tail:{shed}?unit=W"\n{common}'
        '[[watch]]\nname = "House"\nderive = "grid + shed"\nmodel = "sceaux"\n'
    )
    grid.touch()
    shed.touch()
    watch = _watch(_environment(manager), "--config", str(settings))
    with ending(watch):
        assert manager.heard(within_s=60.0) == {"READY": "1"}
        assert manager.heard() == {"WATCHDOG": "1"}
        for log, watts in ((grid, 250), (shed, 500)):
            with log.open("a") as file:
                file.writelines(f"{START_S + second} {watts}\n" for second in range(0, 150, 10))
        expected = {"Grid: 14:15 0.25 kW", "Shed: 14:15 0.50 kW", "House: 14:15 0.75 kW"}
        while set(manager.heard().get("STATUS", "").split("; ")) != expected:
            pass
        watch.terminate()
        while "STOPPING" not in manager.heard():
            pass
        assert watch.wait() == 143
