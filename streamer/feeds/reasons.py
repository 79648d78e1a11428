"""Why the system could not do something, in its own words."""

from __future__ import annotations

import os
import re
import socket

from streamer.display.lines import one_line


def system_reason(error: Exception) -> str:
    """Why, on one line.

    >>> system_reason(ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 1)"))
    'Connection refused'
    >>> system_reason(OSError("Multiple exceptions: [Errno 111] Connect call failed, …"))
    'Connection refused'
    >>> system_reason(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    'Name or service not known'
    """
    number = system_number(error)
    # The numbers of the resolver are others than the system's.
    if number > 0 and not isinstance(error, socket.gaierror):
        return os.strerror(number)
    said = getattr(error, "strerror", None) or error
    return one_line(said) or type(error).__name__


def system_number(error: Exception) -> int:
    """The system's number for an error; 0 if there is none.

    It is in the text alone of what pyserial and termios raise, and of what asyncio raises
    when each of a host's addresses has failed.
    """
    match = re.search(r"(?:\[Errno |\()(\d+)[\],]", str(error))
    return getattr(error, "errno", None) or (int(match[1]) if match else 0)
