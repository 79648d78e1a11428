"""Tests of the unit that `streamer service` prints: checked by systemd, and run under it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import streamer as package
from streamer.commands.service import check_visible, unit
from streamer.errors import UsageError
from tests.commandline import streamer
from tests.docs.pages import ROOT
from tests.systemd import CAN_BOOT, Machine, booted

CONFIG = Path("/etc/streamer/streamer.toml")
PYTHON = Path(sys.executable)
NAME = "streamer.service"
START_S = 1_790_000_040

_needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def _analyze(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / NAME).write_text(text)
    return subprocess.run(
        ["systemd-analyze", *arguments, str(folder / NAME)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@_needs_analyze
@pytest.mark.parametrize("serial", [False, True])
def test_systemd_accepts_the_unit(tmp_path: Path, serial: bool) -> None:
    done = _analyze(tmp_path, unit(PYTHON, CONFIG, serial=serial), "verify", "--man=no")
    ours = [line for line in done.stderr.splitlines() if NAME in line]
    assert (done.returncode, ours) == (0, [])


@_needs_analyze
@pytest.mark.parametrize(("serial", "most"), [(False, 1.2), (True, 1.6)])
def test_the_unit_is_as_little_exposed_as_the_documentation_says(
    tmp_path: Path, serial: bool, most: float
) -> None:
    done = _analyze(tmp_path, unit(PYTHON, CONFIG, serial=serial), "security", "--offline=true")
    score = re.search(r"exposure level for streamer.service: ([\d.]+)", done.stdout)
    assert score is not None, done.stderr
    assert float(score[1]) <= most
    assert f"{most:g}" in (ROOT / "docs" / "service.md").read_text()


def test_a_serial_device_is_for_the_group_that_this_machine_has() -> None:
    assert "PrivateDevices=yes" in unit(PYTHON, CONFIG, serial=False)
    for groups, owner in (
        (["root", "uucp"], "uucp"),
        (["dialout", "uucp"], "dialout"),
        ([], "dialout"),
    ):
        text = unit(PYTHON, CONFIG, serial=True, groups=groups)
        assert f"SupplementaryGroups={owner}\n" in text
        assert "DeviceAllow=char-ttyUSB rw\n" in text
        assert "PrivateDevices" not in text


@pytest.mark.parametrize(
    "path", ["streamer.toml", "/etc/my settings.toml", "/etc/%h.toml", "/a\nb"]
)
def test_a_path_that_a_unit_would_read_otherwise_is_an_error(path: str) -> None:
    with pytest.raises(UsageError, match="give an absolute path without spaces"):
        unit(PYTHON, Path(path), serial=False)


@pytest.mark.parametrize("path", ["/home/ada/venv/bin/python", "/root/.local", "/run/user/1000"])
def test_an_installation_that_a_service_cannot_see_is_an_error(path: str) -> None:
    check_visible([Path("/opt/streamer/bin/python"), Path("/usr")])
    with pytest.raises(UsageError, match=f"^{path}: a service cannot see"):
        check_visible([Path("/usr"), Path(path)])


def test_the_command_prints_the_unit_or_why_it_would_not_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/opt/streamer/bin/python")
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    monkeypatch.setattr(package, "__file__", "/opt/streamer/lib/streamer/__init__.py")
    done = streamer("service", "--config", "/etc/house.toml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == unit(
        Path("/opt/streamer/bin/python"), Path("/etc/house.toml"), serial=False
    )
    assert "@" not in done.stdout.replace("@system-service", "").replace(
        "@privileged @resources", ""
    )
    monkeypatch.setattr(sys, "executable", "/home/ada/venv/bin/python")
    done = streamer("service")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("streamer: error: /home/ada/venv/bin/python: a service cannot")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    if not CAN_BOOT:
        pytest.skip("needs root and systemd-nspawn")
    # What the unit hides on purpose, but holds the Python of these tests.
    hidden = [Path(sys.base_prefix), Path(sys.prefix), ROOT]
    with booted(tmp_path_factory.mktemp("systemd"), hidden) as machine:
        if machine is None:
            pytest.skip("the kernel does not let a systemd boot here")
        machine.write(f"/etc/systemd/system/{NAME}", unit(PYTHON, CONFIG, serial=False))
        visible = "".join(f"BindReadOnlyPaths={path}\n" for path in hidden)
        machine.write(
            f"/etc/systemd/system/{NAME}.d/test.conf",
            f"[Service]\nProtectHome=tmpfs\n{visible}Environment=PYTHONPATH={ROOT}\n"
            "WatchdogSec=2\nRestartSec=0\n",
        )
        machine.write(str(CONFIG), _settings("from=start"), mode=0o600)
        machine.write("/srv/meter.log", "".join(_lines(0, 2)))
        machine.run("systemctl", "daemon-reload")
        yield machine


def _settings(options: str) -> str:
    return (
        f'[watch]\nurl = "tail:/srv/meter.log?unit=W&{options}"\nclock = "feed"\n'
        'record = "house.db"\nmodel = "sceaux"\n'
    )


def _lines(first: int, minutes: int) -> Iterator[str]:
    for minute in range(first, first + minutes):
        for second in (0, 30):
            yield f"{START_S + 60 * minute + second} {250 + minute}\n"


@pytest.mark.systemd
@pytest.mark.slow
def test_systemd_runs_it_and_restarts_it_when_it_hangs(machine: Machine) -> None:
    machine.run("systemctl", "start", NAME)
    assert machine.show(NAME, "ActiveState") == "active"
    machine.append("/srv/meter.log", "".join(_lines(2, 2)))
    machine.until(NAME, "StatusText", "14:16 0.25 kW")
    # The settings are root's, and the service is not root.
    settings = machine.run("stat", "--format=%U %a", str(CONFIG)).split()
    process = machine.show(NAME, "MainPID")
    owner = machine.run("stat", "--format=%u", f"/proc/{process}").strip()
    assert (settings, owner == "0") == (["root", "600"], False)
    assert "NoNewPrivs:\t1" in machine.run("cat", f"/proc/{process}/status")
    # A process that is stopped gives no sign of life.
    machine.run("kill", "-STOP", process)
    machine.until(NAME, "NRestarts", "1")
    machine.until(NAME, "ActiveState", "active")
    machine.append("/srv/meter.log", "".join(_lines(4, 2)))
    machine.until(NAME, "StatusText", "14:18 0.25 kW")
    log = machine.run("journalctl", "--unit", NAME, "--output=cat")
    assert "Watchdog timeout" in log
    assert "continuing after" in log  # the recording
    machine.run("systemctl", "stop", NAME)
    assert machine.show(NAME, "Result") == "success"
    assert machine.run("ls", "/var/lib/private/streamer").split() == ["house.db"]


@pytest.mark.systemd
def test_wrong_settings_are_not_tried_again(machine: Machine) -> None:
    machine.write(str(CONFIG), _settings("sunit=W"), mode=0o600)
    machine.run("systemctl", "start", NAME, check=False)
    machine.until(NAME, "ActiveState", "failed")
    assert machine.show(NAME, "ExecMainStatus") == "2"
    assert machine.show(NAME, "NRestarts") == "0"
    assert "sunit" in machine.run("journalctl", "--unit", NAME, "--output=cat")
