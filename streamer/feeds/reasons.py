"""Reasons for system errors, as text and as error numbers."""

from __future__ import annotations

import os
import re
import socket

from streamer.display.lines import one_line


def system_reason(error: Exception) -> str:
    """Return the reason for an error, on one line.

    >>> system_reason(ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 1)"))
    'Connection refused'
    >>> system_reason(OSError("Multiple exceptions: [Errno 111] Connect call failed, …"))
    'Connection refused'
    >>> system_reason(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    'Name or service not known'
    """
    number = system_number(error)
    # The name resolver has error numbers of its own.
    if number > 0 and not isinstance(error, socket.gaierror):
        return os.strerror(number)
    text = getattr(error, "strerror", None) or error
    return one_line(text) or type(error).__name__


def system_number(error: Exception) -> int:
    """Return the system's number of an error; 0 if it has none.

    The errors of pyserial and termios have it in their text alone, and so has the error that
    asyncio raises when all addresses of a host have failed.
    """
    match = re.search(r"(?:\[Errno |\()(\d+)[\],]", str(error))
    return getattr(error, "errno", None) or (int(match[1]) if match else 0)
