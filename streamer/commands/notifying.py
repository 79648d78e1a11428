"""Notification of the service manager while meters are watched."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from streamer.errors import StreamerError
from streamer.sinks import Sink

if TYPE_CHECKING:
    from streamer.publishing.background import Background
    from streamer.sources.derived import DerivedSource
    from streamer.sources.live import LiveSource
    from streamer.stream.service import Service


class Notifying:
    """The service that this process is for a service manager, if it is one.

    Args:
        service: the service; None if no manager expects notifications.
    """

    def __init__(self, service: Service | None = None) -> None:
        self._service = service

    def sinks(self, name: str) -> list[Sink]:
        """Sinks for the stream of a meter, for the status that the manager shows.

        Args:
            name: name of the meter, by which it is told apart from others.
        """
        if self._service is None:
            return []
        from streamer.sinks.servicestatus import ServiceStatus

        return [ServiceStatus(partial(self._service.set_status, name))]


@contextmanager
def notifying(
    sources: Sequence[LiveSource | DerivedSource], background: Background | None
) -> Iterator[Notifying]:
    """Notify the service manager of this process, for the time of the context.

    A manager that cannot be reached is a warning on standard error: it acts on what it misses.

    Args:
        sources: the sources of all meters.
        background: the publishers, which have been started; None if nothing is published.
    """
    if not os.environ.get("NOTIFY_SOCKET"):
        yield Notifying()
        return
    from streamer.stream.service import Service
    from streamer.stream.servicemanager import ServiceManager

    try:
        manager = ServiceManager.of_process(os.environ, os.getpid())
    except StreamerError as error:
        print(f"streamer: warning: {error}", file=sys.stderr)
        manager = None
    if manager is None:
        yield Notifying()
        return
    loops = [source.call_soon for source in sources]
    service = Service(manager, loops if background is None else [*loops, background.call_soon])
    service.start()
    try:
        yield Notifying(service)
    finally:
        service.close()
