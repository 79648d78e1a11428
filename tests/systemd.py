"""A real systemd in a container: this machine's own files, under an overlay in memory.

It needs root, and systemd-nspawn as from Debian's package systemd-container.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_BOOT_S = 30.0
_LOOK_S = 0.02

CAN_BOOT = (
    sys.platform == "linux" and os.geteuid() == 0 and shutil.which("systemd-nspawn") is not None
)
"""Whether a systemd can be tried; the kernel may still refuse the overlay."""


class Machine:
    """A container whose first process is systemd.

    Args:
        root: its root folder, as it is seen from here.
        leader: number of its first process.
    """

    def __init__(self, root: Path, leader: int) -> None:
        self._root = root
        self._leader = leader

    def write(self, path: str, text: str, *, mode: int = 0o644) -> None:
        """Write a file in it; not in /tmp, /run, /proc, /sys or /dev."""
        file = self._root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def append(self, path: str, text: str) -> None:
        """Append to a file in it."""
        with (self._root / path.lstrip("/")).open("a") as file:
            file.write(text)

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command in it, and return what it prints."""
        done = subprocess.run(
            ["nsenter", "--target", str(self._leader), "--all", *command],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert not check or done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def show(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", unit, "--value", f"--property={name}").strip()

    def until(self, unit: str, name: str, value: str, *, within_s: float = 30.0) -> None:
        """Wait until a property of a unit has a value."""
        deadline = time.monotonic() + within_s
        while (found := self.show(unit, name)) != value:
            log = "" if time.monotonic() < deadline else self.run("journalctl", "-u", unit)
            assert not log, f"{name} is {found}, not {value}: {log}"
            time.sleep(_LOOK_S)


@contextmanager
def booted(folder: Path, visible: Sequence[Path] = ()) -> Iterator[Machine | None]:
    """Boot a container, and end it.

    Args:
        folder: a folder to mount its root in.
        visible: folders of this machine that it sees even below /tmp.

    Returns:
        The container; None if the kernel does not let it boot.
    """
    memory, root = folder / "memory", folder / "root"
    memory.mkdir()
    root.mkdir()
    _call("mount", "-t", "tmpfs", "-o", "size=1G", "tmpfs", str(memory))
    try:
        for part in ("upper", "work"):
            (memory / part).mkdir()
        options = f"lowerdir=/,upperdir={memory / 'upper'},workdir={memory / 'work'}"
        if not _call("mount", "-t", "overlay", "overlay", "-o", options, str(root)):
            yield None
            return
        try:
            with _running(root, visible) as machine:
                yield machine
        finally:
            _call("umount", "--lazy", str(root))
    finally:
        _call("umount", "--lazy", str(memory))


@contextmanager
def _running(root: Path, visible: Sequence[Path]) -> Iterator[Machine | None]:
    log = root.with_name("nspawn.log")
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network"),
                *(f"--bind-ro={path}" for path in visible),
                *("--boot", "--console=pipe", f"--directory={root}", f"--uuid={uuid.uuid4().hex}"),
                *("--", "--unit=basic.target"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield _wait_for_boot(process, root)
    finally:
        process.terminate()  # systemd-nspawn then powers the container off
        try:
            process.wait(10.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_boot(process: subprocess.Popen[bytes], root: Path) -> Machine | None:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + _BOOT_S
    while process.poll() is None and time.monotonic() < deadline:
        for leader in map(int, children.read_text().split()):
            machine = Machine(root, leader)
            state = machine.run("systemctl", "is-system-running", check=False).strip()
            if state in ("running", "degraded"):
                return machine
        time.sleep(_LOOK_S)
    return None


def _call(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
