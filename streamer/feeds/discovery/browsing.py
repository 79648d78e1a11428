"""Services announced on the local network, by zeroconf."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from streamer.display.lines import error_line
from streamer.errors import LinkError, UsageError
from streamer.extras import optional_import
from streamer.feeds.discovery import Announcement

if TYPE_CHECKING:
    from zeroconf import ServiceStateChange, Zeroconf
    from zeroconf.asyncio import AsyncServiceInfo

_DOMAIN = ".local."


def browse(
    services: Sequence[str], seconds: float, *, interface: str | None = None
) -> list[Announcement]:
    """Collect what is announced within some time.

    Args:
        services: types of services, such as ``_shelly._tcp``.
        seconds: how long to wait for answers.
        interface: IPv4 address of this machine in the network to search; None for all networks.

    Returns:
        Each service once, in order of type and name.

    Raises:
        MissingExtraError: zeroconf is not installed.
        UsageError: the interface's address is not of this machine.
        LinkError: this machine is in no network, or may not use it.
    """
    with optional_import("streamer find", "find"):
        import zeroconf  # noqa: F401
    if interface is not None:
        _check_own(interface)
    try:
        return asyncio.run(_browse(services, seconds, interface))
    except OSError as error:
        raise LinkError(
            f"the network cannot be searched: {error.strerror or error_line(error)}"
        ) from None


def _check_own(interface: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((interface, 0))
        except OSError:
            raise UsageError(
                f"--interface {interface}: this machine does not have this address"
            ) from None


async def _browse(
    services: Sequence[str], seconds: float, interface: str | None
) -> list[Announcement]:
    from zeroconf import InterfaceChoice, IPVersion, ServiceStateChange
    from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

    asked: dict[str, asyncio.Task[AsyncServiceInfo | None]] = {}
    loop = asyncio.get_running_loop()
    end_s = loop.time() + seconds
    try:
        network = AsyncZeroconf(
            interfaces=InterfaceChoice.All if interface is None else [interface],
            ip_version=IPVersion.V4Only,
        )
    except RuntimeError:  # what zeroconf raises without a network
        raise LinkError("the network cannot be searched: this machine is in none") from None

    async def ask(kind: str, name: str) -> AsyncServiceInfo | None:
        info = AsyncServiceInfo(kind, name)
        left_ms = max(0.0, end_s - loop.time()) * 1000
        return info if await info.async_request(network.zeroconf, left_ms) else None

    def changed(
        zeroconf: Zeroconf,  # noqa: ARG001 - called by these names
        service_type: str,
        name: str,
        state_change: ServiceStateChange,
    ) -> None:
        if state_change is ServiceStateChange.Added and name not in asked:
            asked[name] = asyncio.create_task(ask(service_type, name))

    try:
        browser = AsyncServiceBrowser(
            network.zeroconf, [f"{each}{_DOMAIN}" for each in services], handlers=[changed]
        )
        await asyncio.sleep(seconds)
        await browser.async_cancel()
        infos = await asyncio.gather(*asked.values())
    finally:
        await network.async_close()
    found = (_announcement(info) for info in infos if info is not None)
    return sorted(filter(None, found), key=lambda each: (each.service, each.name))


def _announcement(info: AsyncServiceInfo) -> Announcement | None:
    address = _address(info)
    if address is None or not info.port:
        return None
    return Announcement(
        service=info.type.removesuffix(_DOMAIN),
        name=info.name.removesuffix(f".{info.type}"),
        host=(info.server or "").removesuffix("."),
        address=address,
        port=info.port,
        properties={key.lower(): value or "" for key, value in info.decoded_properties.items()},
    )


def _address(info: AsyncServiceInfo) -> str | None:
    """An address that a URL can hold: an IPv4 one, or else an IPv6 one that needs no scope."""
    from zeroconf import IPVersion

    for version, form in ((IPVersion.V4Only, "{}"), (IPVersion.V6Only, "[{}]")):
        for address in info.ip_addresses_by_version(version):
            if not address.is_link_local:
                return form.format(address)
    return None
