"""Publication of live forecasts to other programs: MQTT, HTTP and notifications.

A publisher runs in a thread of its own, with an asyncio event loop. The stream never waits for
it, and a failure of it is reported as a notice, not raised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from streamer.display.horizons import SHOWN
from streamer.readings import Notice

if TYPE_CHECKING:
    from streamer.energy.tariff import Tariff
    from streamer.publishing.state import MeterState
    from streamer.recording.notifications import KeptNotifications
    from streamer.sinks import Item


@dataclass(frozen=True)
class WatchedMeter:
    """A meter whose forecasts are published.

    Attributes:
        name: its name for people; unique among those of a process.
        key: its name in topics, labels and paths: lower-case letters, digits and underscores.
        late_s: seconds after the end of a minute by which its reading should be here; after
            that, the meter's state is stale.
        horizons: minutes of the means that are shown, in rising order.
        tariff: what electricity costs; None if that is not known.
        record: the recording of this meter; None if nothing is recorded.
        live: whether its readings are of the present; those of a replay count as of the time
            at which they arrive.
    """

    name: str
    key: str
    late_s: float = 30.0
    horizons: tuple[int, ...] = SHOWN
    tariff: Tariff | None = None
    record: Path | None = None
    live: bool = True


Report: TypeAlias = Callable[[Notice], None]
"""Takes what a user should know, from any thread."""


class Publisher(Protocol):
    """Publishes the states of all meters of a process.

    All methods are called in the thread of one event loop, and none may block it.
    """

    @property
    def name(self) -> str:
        """What it publishes to, for messages and without secrets: `mqtt://broker`."""

    async def start(self) -> None:
        """Make what must be there from the beginning, such as a listening socket.

        Raises:
            StreamerError: the program should not start without it.
        """

    async def run(self) -> None:
        """Publish until cancelled.

        Raises:
            LinkError, OSError: the connection failed or is lost; it is reported, and `run` is
                called again after a while.
        """

    def take(self, state: MeterState, item: Item | None) -> None:
        """Take the state of a meter, and the item of its stream that has led to it.

        The item is None when the stream has ended. `Vitals` are not passed on.

        It is called for each item in order, also while `run` waits to be called again. What
        has to arrive must be kept until it has, in bounded memory.
        """

    async def close(self) -> None:
        """Publish what must still be published, within a second or two, and release all."""


@runtime_checkable
class FailureCounter(Protocol):
    """A publisher that also counts the failures of all publishers."""

    def count_failure(self, publisher: str) -> None:
        """Count that a publisher has failed, and will be run again.

        Args:
            publisher: its name.
        """


@runtime_checkable
class KeepingPublisher(Publisher, Protocol):
    """A publisher that keeps in the recording of a meter what must outlive the program."""

    async def keep(self, meter: WatchedMeter, kept: KeptNotifications) -> None:
        """Continue from what the recording of a meter has, and keep in it from now on."""

    async def release(self, meter: WatchedMeter) -> None:
        """Write what must still be written, within a second or two; the recording then ends."""
