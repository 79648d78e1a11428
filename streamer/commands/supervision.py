"""Streams of several meters in one process, each in a thread of its own.

A stream that fails ends alone: it is reported, and the others continue.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from streamer.commands.meternames import named
from streamer.commands.meterset import ordered
from streamer.commands.plugins import make_sinks
from streamer.display.lines import error_line
from streamer.errors import StreamerError
from streamer.readings import Notice
from streamer.sinks import Sink
from streamer.stream.pacing import MAX, Pacer
from streamer.stream.standard import ReaderGoneError

if TYPE_CHECKING:
    from streamer.commands.notifying import Notifying
    from streamer.commands.watch import MeterSource, Watch
    from streamer.publishing import Report
    from streamer.publishing.background import Background
    from streamer.recording.recorder import Recorder
    from streamer.sources.derived import PartSink


class Looker(Protocol):
    """What is shown of each meter, such as a row of the dashboard."""

    def sinks(self, place: int) -> Sequence[Sink]:
        """Sinks of a meter for all steps from now on."""

    def looking(self, place: int) -> Sequence[Sink]:
        """Sinks of a meter that also get its latest recorded steps first."""

    def failed(self, place: int, text: str) -> None:
        """Take note that the stream of a meter has failed, and why."""


@dataclass
class MeterStream:
    """Stream of one of several meters.

    Attributes:
        job: the meter.
        source: its source.
        feeding: sinks of the meters that are derived from it.
        opened: its recorder, once there is one.
        failure: the exception that it ended with; None if none did.
        report: takes and records notices, from any thread; None while it cannot.
    """

    job: Watch
    source: MeterSource
    feeding: list[PartSink] = field(default_factory=list)
    opened: list[Recorder] = field(default_factory=list)
    failure: BaseException | None = None
    report: Report | None = None


class Supervisor:
    """Runs the streams of several meters.

    Args:
        jobs: the meters; each name in a formula is a key of one of them.

    Attributes:
        streams: the stream of each meter.
        pacer: ends all streams when it is stopped.

    Raises:
        StreamerError: a meter cannot be watched; the message names it. Nothing is left open.
    """

    def __init__(self, jobs: Sequence[Watch]) -> None:
        found: dict[int, MeterStream] = {}
        by_key: dict[str, MeterStream] = {}
        try:
            for place in ordered(jobs):
                job = jobs[place]
                with named(job.where):
                    source = job.open()
                found[place] = by_key[job.key] = MeterStream(job, source)
                for key in job.part_keys:
                    part = by_key[key]
                    part.feeding.append(_part_sink(source, part))
        except BaseException:
            for stream in found.values():
                stream.source.close()
            raise
        self.streams = [found[place] for place in range(len(jobs))]
        self.pacer = Pacer(MAX, on_stop=self._close)
        self._fatal: BaseException | None = None

    @property
    def sources(self) -> list[MeterSource]:
        """The source of each meter."""
        return [stream.source for stream in self.streams]

    @property
    def exit_code(self) -> int:
        """Exit code by the failures: 0 if there is none."""
        errors = [each.failure for each in self.streams if isinstance(each.failure, StreamerError)]
        return max((error.exit_code for error in errors), default=0)

    def run(
        self,
        looker: Looker,
        background: Background | None = None,
        service: Notifying | None = None,
    ) -> None:
        """Watch all meters until all have ended or the pacer is stopped.

        Args:
            looker: gets the steps of each.
            background: publishers of the steps from now on, which have been started.
            service: shows the state of each to a service manager; None if there is none.

        Raises:
            ReaderGoneError, OSError: what is shown can be shown no longer; all have ended in good
                order.
            Exception: a stream has failed by an error in the program; raised at the end.
        """
        threads = [
            threading.Thread(
                target=self._work,
                args=(place, looker, background, service),
                name=f"stream {stream.job.key}",
                daemon=True,
            )
            for place, stream in enumerate(self.streams)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        failures = [self._fatal, *(each.failure for each in self.streams)]
        for failure in failures:
            if failure is not None and not isinstance(failure, StreamerError):
                raise failure

    def _work(
        self,
        place: int,
        looker: Looker,
        background: Background | None,
        service: Notifying | None,
    ) -> None:
        """Run the stream of one meter."""
        stream = self.streams[place]
        sinks, looking = looker.sinks(place), looker.looking(place)
        plugged: Sequence[Sink] = ()
        status = [] if service is None else service.sinks(stream.job.name)

        def take_reports(report: Report) -> None:
            stream.report = report
            if background is not None:
                # Those from before are kept until one of the streams can record them.
                background.report_to(self._report)

        try:
            plugged = make_sinks(stream.job.sinks, [*sinks, *looking])
            stream.job.run(
                stream.source,
                [*sinks, *status, *plugged],
                self.pacer,
                looking=[*looking, *stream.feeding],
                opened=stream.opened,
                background=background,
                reporting=take_reports,
            )
        except (ReaderGoneError, OSError) as error:
            # Nobody sees the others either.
            self._fatal = self._fatal or error
            self.pacer.stop()
        except BaseException as error:  # noqa: BLE001 - the others must continue
            stream.failure = error
            with suppress(ReaderGoneError, OSError):
                looker.failed(place, error_line(error))
        finally:
            stream.report = None
            stream.source.close()
            for sink in (*stream.feeding, *looking, *plugged):
                sink.close()

    def _report(self, notice: Notice) -> None:
        """Pass on what concerns all meters, to the first of those that are watched."""
        for stream in self.streams:
            report = stream.report
            if report is not None:
                with suppress(ReaderGoneError, OSError, StreamerError):
                    report(notice)
                return

    def _close(self) -> None:
        # Derived meters first: that their parts end now is nothing to report.
        for stream in sorted(self.streams, key=lambda each: each.job.derived is None):
            stream.source.close()


def _part_sink(source: MeterSource, part: MeterStream) -> PartSink:
    from streamer.sources.derived import DerivedSource

    assert isinstance(source, DerivedSource)  # noqa: S101 - it has parts
    by_clock = part.job.derived is None and part.job.by == "wall"
    return source.part(part.job.key, lambda: part.source.late_s, by_clock=by_clock)
