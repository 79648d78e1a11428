"""Signature of `streamer find`."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Address
from typing import Annotated

import typer


class FoundFormat(StrEnum):
    """Form of the list."""

    PLAIN = "plain"
    JSON = "json"


def find(
    seconds: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0.2, max=60.0, help="How long to wait for answers."),
    ] = 3.0,
    interface: Annotated[
        IPv4Address | None,
        typer.Option(
            metavar="ADDRESS",
            parser=IPv4Address,
            help="Search only the network in which this machine has this address; by default all.",
            show_default=False,
        ),
    ] = None,
    format: Annotated[
        FoundFormat, typer.Option(help="Lines for people, or a JSON object a line.")
    ] = FoundFormat.PLAIN,
) -> None:
    """List meters, brokers and Home Assistants that announce themselves on the network.

    With each comes the command that watches it, as far as its announcement shows.

    \b
    Examples:
      streamer find
      streamer find --seconds 10 --format json
    """
    from streamer.commands.find import find as run

    run(
        seconds=seconds,
        interface=None if interface is None else str(interface),
        as_json=format is FoundFormat.JSON,
    )
