"""Publication of what `watch` forecasts, by its options and its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from streamer.commands.tables import Table
from streamer.readings import Notice

if TYPE_CHECKING:
    from streamer.publishing import Publisher, Report
    from streamer.publishing.background import Background


@dataclass(frozen=True)
class Publishing:
    """Where the forecasts of all meters of this process go, beside screen and recording.

    Attributes:
        publish: address of an MQTT broker; None for that of the table, if it has one.
        serve: host and port of the HTTP server; None for that of the table, if it has one.
        tables: tables of the configuration file, by name.
    """

    publish: str | None = None
    serve: str | None = None
    tables: Mapping[str, Table] = field(default_factory=dict)

    def table(self, name: str) -> Table:
        """A table of the configuration file; an empty one if it has none."""
        return self.tables.get(name) or Table(name)

    @contextmanager
    def running(self) -> Iterator[Background | None]:
        """Check the settings and run the publishers, for the time of the context.

        Returns:
            The publishers; None if nothing is published.

        Raises:
            UsageError: a setting is wrong.
            MissingExtraError: a library is not installed.
            StreamerError: a publisher cannot start.
        """
        makers = self._makers()
        if not makers:
            yield None
            return
        from streamer.publishing.background import Background

        def make_all(report: Report) -> list[Publisher]:
            for text in self.warnings():
                report(Notice(Notice.WARNING, text))
            return [make(report) for make in makers]

        background = Background(make_all)
        background.start()
        try:
            yield background
        finally:
            background.close()

    def check(self) -> None:
        """Check everything that needs no connection.

        Raises:
            UsageError: a setting is wrong.
        """
        self._makers()
        if self.table("notify"):
            from streamer.commands.publishnotify import check_receivers

            check_receivers(self.table("notify"))

    def warnings(self) -> list[str]:
        """Texts about what works, but should be mended: secrets that other users may read."""
        from streamer.feeds.secretfile import exposures

        return exposures(self.secret_files())

    def secret_files(self) -> Sequence[Path]:
        """Files with secrets that are in use."""
        return [
            *self.table("publish").secret_files("password"),
            *self.table("serve").secret_files("token"),
            *self.table("notify").secret_files("urls"),
        ]

    def _makers(self) -> list[Callable[[Report], Publisher]]:
        """Functions that make the publishers that are asked for."""
        makers: list[Callable[[Report], Publisher]] = []
        if self.publish is not None or self.table("publish"):
            from streamer.commands.publishmqtt import mqtt_maker

            makers.append(mqtt_maker(self.publish, self.table("publish")))
        if self.serve is not None or self.table("serve"):
            from streamer.commands.serving import web_server

            makers += filter(None, [web_server(self.serve, self.table("serve"))])
        if self.table("notify"):
            from streamer.commands.publishnotify import notify_maker

            makers.append(notify_maker(self.table("notify")))
        return makers
