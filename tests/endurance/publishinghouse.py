"""A house whose minutes pass faster than real ones: `streamer watch` with publishers on its clock.

All is as the command has it, except that the present of the publishers is that of the readings.
The meter is standard input: lines of Unix time and watts.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from streamer.commands.forecasting import Forecasting
from streamer.commands.watch import Watch
from streamer.feeds.address import Address
from streamer.publishing import Publisher, Report
from streamer.publishing.background import Background
from streamer.publishing.metrics import Metrics
from streamer.publishing.mqtt.publisher import MqttPublisher
from streamer.publishing.mqtt.settings import read_settings
from streamer.publishing.web.publisher import Listen, WebServer
from streamer.readings import Step
from streamer.sinks import Item
from streamer.stream.pacing import MAX, Pacer
from streamer.stream.signals import stopping
from streamer.web.access import Access

_HERE_AFTER = timedelta(seconds=65)
"""How long after its begin the reading of a minute is here."""


class StreamClock:
    """A clock that shows when the latest reading was here; a sink that takes the readings."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)

    def now(self) -> datetime:
        """The time."""
        return self._now

    def write(self, item: Item) -> None:
        """Advance by a step."""
        if isinstance(item, Step):
            self._now = item.reading.at + _HERE_AFTER

    def close(self) -> None:
        """Stop where it is."""


def run(broker: str, port: int, record: Path) -> None:
    """Watch standard input until it ends."""
    clock = StreamClock()
    access = Access(token=None, names=frozenset(), purpose="read from here", remedy="")

    def publishers(report: Report) -> Sequence[Publisher]:
        listen = Listen("127.0.0.1", port)
        return [
            MqttPublisher(read_settings(broker, where="broker"), report, now=clock.now),
            WebServer(listen, access, report, metrics=Metrics(), now=clock.now, apart_s=0.0),
        ]

    job = Watch(
        Address.parse("stdin:?unit=W"),
        Forecasting(model="sceaux"),
        record=record,
        stale_after_s=45.0,
        by="feed",
    )
    background = Background(publishers, now=clock.now)
    background.start()
    source = job.open()
    pacer = Pacer(MAX, on_stop=source.close)
    with stopping(pacer):
        job.run(
            source,
            [clock],
            pacer,
            looking=[],
            opened=[],
            background=background,
            reporting=background.report_to,
        )
    background.close()


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
