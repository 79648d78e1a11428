"""Notifications to the service manager that has started this process: the protocol of sd_notify.

A service manager such as systemd names a datagram socket in `NOTIFY_SOCKET`, and in
`WATCHDOG_USEC` how often it expects a sign of life.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

from streamer.display.lines import one_line
from streamer.errors import StreamerError

READY, STOPPING, WATCHDOG = {"READY": "1"}, {"STOPPING": "1"}, {"WATCHDOG": "1"}
"""Notifications: the start is complete, the end has begun, the service is alive."""

_SEND_S = 1.0


class ServiceManager:
    """The socket of a service manager.

    Args:
        address: path of a Unix datagram socket; an abstract one begins with ``@``.
        watchdog_s: seconds without a sign of life after which the service is restarted; None if
            none is expected.

    Raises:
        StreamerError: the socket cannot be reached.
    """

    def __init__(self, address: str, watchdog_s: float | None = None) -> None:
        self.watchdog_s = watchdog_s
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | _CLOSED_ON_EXEC)
        self._socket.settimeout(_SEND_S)
        try:
            self._socket.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        except (OSError, ValueError) as error:
            self._socket.close()
            reason = one_line(getattr(error, "strerror", None) or error)
            raise StreamerError(
                f"NOTIFY_SOCKET={one_line(address)}: the service manager cannot be notified: "
                f"{reason}"
            ) from None

    @classmethod
    def of_process(cls, environment: Mapping[str, str], process: int) -> Self | None:
        """The service manager of a process; None if there is none that expects notifications.

        Args:
            environment: the process's environment variables.
            process: the number of the process.

        Raises:
            StreamerError: the socket cannot be reached.
        """
        address = environment.get("NOTIFY_SOCKET", "")
        # Other kinds of sockets, such as vsock, are for virtual machines.
        if not hasattr(socket, "AF_UNIX") or not address.startswith(("/", "@")):
            return None
        return cls(address, _watchdog_s(environment, process))

    def send(self, fields: Mapping[str, str]) -> bool:
        """Send a notification; each value is a single line.

        Returns:
            Whether it was sent: no if the manager does not read its socket any more.
        """
        lines = (f"{key}={one_line(value)}" for key, value in fields.items())
        with suppress(OSError):
            self._socket.send("\n".join(lines).encode())
            return True
        return False

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def _watchdog_s(environment: Mapping[str, str], process: int) -> float | None:
    """Seconds within which a sign of life is expected; None if it is of another process."""
    text = environment.get("WATCHDOG_USEC", "")
    if environment.get("WATCHDOG_PID", str(process)) != str(process):
        return None
    return int(text) / 1e6 if text.isascii() and text.isdecimal() and int(text) else None


_CLOSED_ON_EXEC = getattr(socket, "SOCK_CLOEXEC", 0)
