"""The command `service`: a systemd unit that runs `streamer watch`."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from importlib.resources import files
from pathlib import Path

import streamer
from streamer.errors import UsageError

_HIDDEN = tuple(map(Path, ("/home", "/root", "/run/user", "/tmp", "/var/tmp")))  # noqa: S108
"""Folders that the service cannot see."""

_NO_DEVICES = ("PrivateDevices=yes", "PrivateUsers=yes")
_SERIAL = (
    "# Serial devices, whenever they are plugged in, and the group that owns them.",
    *(f"DeviceAllow=char-{kind} rw" for kind in ("ttyUSB", "ttyACM", "ttyAMA", "ttyS")),
)
_SERIAL_GROUPS = ("dialout", "uucp")


def print_unit(config: Path, *, serial: bool) -> None:
    """Print a unit for this installation of streamer.

    Args:
        config: the settings.
        serial: whether the meter is at a serial device.

    Raises:
        UsageError: the path is relative, or this installation is where a service cannot see it.
    """
    check_visible(map(Path, (sys.executable, sys.base_prefix, streamer.__file__)))
    print(unit(Path(sys.executable), config, serial=serial, groups=_groups()), end="")


def unit(python: Path, config: Path, *, serial: bool, groups: Collection[str] = ()) -> str:
    """The unit as text.

    Args:
        python: the interpreter that has streamer.
        config: the settings.
        serial: whether the meter is at a serial device.
        groups: groups of this machine, of which one owns the serial devices.

    Raises:
        UsageError: the path is relative, or has characters that mean something in a unit.
    """
    for path in (python, config):
        if (
            not path.is_absolute()
            or not str(path).isprintable()
            or set(str(path)) & set(" \"'%\\$:")
        ):
            raise UsageError(
                f"{path}: give an absolute path without spaces, quotes, %, $, : and \\"
            )
    devices: tuple[str, ...] = _NO_DEVICES
    if serial:
        owner = next((each for each in _SERIAL_GROUPS if each in groups), _SERIAL_GROUPS[0])
        devices = (*_SERIAL, f"SupplementaryGroups={owner}")
    text = files("streamer.commands").joinpath("streamer.service").read_text()
    values = {"PYTHON": str(python), "CONFIG": str(config), "DEVICES": "\n".join(devices)}
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


def check_visible(paths: Iterable[Path]) -> None:
    """Check that a service can see what it needs: its unit hides homes and temporary files.

    Raises:
        UsageError: it cannot.
    """
    for path in paths:
        for folder in _HIDDEN:
            if path.is_relative_to(folder):
                raise UsageError(
                    f"{path}: a service cannot see what is in {folder}; install streamer (and its "
                    "Python) elsewhere, for example with python3 -m venv /opt/streamer"
                )


def _groups() -> list[str]:
    """Names of the groups of this machine."""
    if sys.platform == "win32":
        return []
    import grp

    return [each.gr_name for each in grp.getgrall()]
