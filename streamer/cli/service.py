"""Signature of `streamer service`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def service(
    config: Annotated[
        Path, typer.Option("--config", metavar="FILE", help="Configuration file of the service.")
    ] = Path("/etc/streamer/streamer.toml"),
    serial: Annotated[
        bool, typer.Option("--serial", help="Let it use serial devices, such as /dev/ttyUSB0.")
    ] = False,
) -> None:
    """Print a systemd unit that runs `streamer watch`, day and night, with this installation.

    \b
    Example:
      streamer service | sudo tee /etc/systemd/system/streamer.service
      sudo systemctl daemon-reload
      sudo systemctl enable --now streamer
    """
    from streamer.commands.service import print_unit

    print_unit(config, serial=serial)
