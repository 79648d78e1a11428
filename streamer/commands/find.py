"""The command `find`: meters and brokers that announce themselves on the local network."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from streamer.feeds.discovery import Found
from streamer.feeds.discovery.browsing import browse
from streamer.feeds.discovery.services import SERVICES, found


def find(*, seconds: float, interface: str | None, as_json: bool) -> None:
    """Print what is found, each device with the command that watches it.

    Args:
        seconds: how long to wait for answers.
        interface: IPv4 address of this machine in the network to search; None for all networks.
        as_json: whether to print a JSON object a line.

    Raises:
        MissingExtraError: zeroconf is not installed.
        LinkError: this machine is in no network, or may not use it.
    """
    devices = [
        each
        for announced in browse(SERVICES, seconds, interface=interface)
        if (each := found(announced)) is not None
    ]
    if as_json:
        for device in devices:
            print(json.dumps(asdict(device), ensure_ascii=False))
    elif devices:
        print("\n".join(line for device in devices for line in lines(device)))
    if not devices:
        print(
            f"streamer: nothing announced itself within {seconds:g} s; a firewall may block UDP "
            "port 5353, and devices in other networks (a guest network, a container) do not hear "
            "the question",
            file=sys.stderr,
        )


def lines(device: Found) -> Sequence[str]:
    r"""A device as lines for a person.

    >>> device = Found("p1", "HomeWizard", "p1.local", "10.0.0.2:80", "homewizard://10.0.0.2")
    >>> print("\n".join(lines(device)))
    p1: HomeWizard at 10.0.0.2:80 (p1.local)
      streamer watch 'homewizard://10.0.0.2'
    """
    host = f" ({device.host})" if device.host else ""
    head = f"{device.name}: {device.kind} at {device.address}{host}"
    command = [] if device.url is None else [f"  streamer watch '{device.url}'"]
    return [head, *command, *([f"  {device.advice}"] if device.advice else [])]
