"""Bounds of the packets that a broker may send."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiomqtt import Client

MAX_MESSAGE_BYTES = 1 << 20
"""Largest message that is read."""

MAX_PACKET_BYTES = MAX_MESSAGE_BYTES + (1 << 17)
"""Largest packet: a message with its topic of at most 64 KiB, and properties."""


class PacketBound:
    """Ends the connection of a client instead of receiving a packet that is too large.

    paho asks the socket for all bytes of a packet at once, and allocates as many, up to 256 MB,
    before a single one has arrived. It has no option for a bound.

    Args:
        client: the client, not connected yet.
        most: size in bytes of the largest packet.

    Attributes:
        exceeded: size in bytes of the packet that was refused; 0 if there was none.
    """

    def __init__(self, client: Client, most: int = MAX_PACKET_BYTES) -> None:
        self.exceeded = 0
        self._most = most
        paho = client._client  # noqa: SLF001
        self._receive = paho._sock_recv  # noqa: SLF001
        paho._sock_recv = self._bounded  # type: ignore[method-assign]  # noqa: SLF001

    def _bounded(self, bufsize: int) -> bytes:
        if bufsize > self._most:
            self.exceeded = bufsize
            # As an error of the socket, it makes paho close the connection at once.
            raise ConnectionAbortedError(f"a packet of {bufsize} bytes")
        return self._receive(bufsize)
