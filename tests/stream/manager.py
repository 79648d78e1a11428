"""The other end of the notifications to a service manager: its socket."""

from __future__ import annotations

import socket


class Manager:
    """A service manager's end of its socket.

    Args:
        address: address of the socket as in `NOTIFY_SOCKET`.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0", 1))

    def heard(self, *, within_s: float = 10.0) -> dict[str, str]:
        """The next notification."""
        self._socket.settimeout(within_s)
        lines = self._socket.recv(4096).decode().split("\n")
        return dict(line.split("=", 1) for line in lines)

    def close(self) -> None:
        self._socket.close()
