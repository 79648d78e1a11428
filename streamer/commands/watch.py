"""The command `watch`: a meter to a dashboard or to lines, and into a recording."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from streamer.commands.forecasting import Forecasting
from streamer.errors import UsageError
from streamer.feeds.address import Address
from streamer.feeds.registry import load_kind, open_feed
from streamer.readings import Notice
from streamer.sinks import Sink
from streamer.sinks.summary import Summary
from streamer.stream.finish import summed_up
from streamer.stream.pacing import MAX, Pacer
from streamer.stream.signals import stopping

if TYPE_CHECKING:
    from streamer.pipeline import Pipeline
    from streamer.sources.live import LiveSource


@dataclass(frozen=True)
class Watch:
    """A meter to watch, and what to do with what it says.

    Attributes:
        address: the meter's.
        forecasting: what to forecast with.
        record: the recording to write and to go on from, if there is to be one.
        stale_after_s: for how long a value stands when nothing new comes; None for what
            suits the kind of feed.
        grace_s: how long a minute waits for samples that come late.
        by: `wall` if minutes end by this machine's clock, `feed` if by the samples' own.
        retry_max_s: the longest wait between two tries to connect.
        max_kw: more than any household draws.
    """

    address: Address
    forecasting: Forecasting = field(default_factory=Forecasting)
    record: Path | None = None
    stale_after_s: float | None = None
    grace_s: float = 5.0
    by: str = "wall"
    retry_max_s: float = 60.0
    max_kw: float = 100.0

    def open(self) -> LiveSource:
        """Make the source, which does not connect yet; what is wrong early is found here."""
        from streamer.sources.live import LiveSource

        self.forecasting.check()
        kind = load_kind(self.address.scheme)
        return LiveSource(
            open_feed(self.address),
            stale_after_s=self.stale_after_s or kind.stale_after_s,
            grace_s=self.grace_s,
            max_kw=self.max_kw,
            by=self.by,
            retry_max_s=self.retry_max_s,
        )

    def run(
        self, source: LiveSource, sinks: Sequence[Sink], pacer: Pacer, *, looking: Sequence[Sink]
    ) -> None:
        """Watch until the feed ends or the pacer is stopped.

        Args:
            source: what `open` gave; closed when this ends.
            sinks: given all that comes from now on.
            pacer: ends the stream when it is told to.
            looking: sinks that are given the latest of what was recorded before, too.

        Raises:
            StreamerError: the model cannot be loaded, the file is no recording, or the feed
                cannot go on.
        """
        from streamer.stream.runner import run

        try:
            pipeline, about = self.forecasting.prepare(source.name)
            everyone = [*looking, *sinks]
            for sink in everyone:
                sink.write(about)
            if self.record is None:
                run(source, pipeline, everyone, pacer, one_by_one=True)
            else:
                self._run_recorded(self.record, source, pipeline, everyone, pacer, looking)
        finally:
            source.close()

    def _run_recorded(
        self,
        path: Path,
        source: LiveSource,
        pipeline: Pipeline,
        everyone: Sequence[Sink],
        pacer: Pacer,
        looking: Sequence[Sink],
    ) -> None:
        from streamer.recording.recorder import Recorder
        from streamer.stream.runner import run

        def say(notice: Notice) -> None:
            for sink in everyone:
                sink.write(notice)

        settings = {"source": source.name, **self.forecasting.fingerprint()}
        recorder = Recorder.open(path, settings=settings, state=pipeline.state, notify=say)
        try:
            resumed = recorder.resume(pipeline)
            for sink in looking:
                for step in resumed.steps:
                    sink.write(step)
            say(Notice(Notice.EVENT, f"{path}: {resumed.text}", resumed.last_at))
            source.resume_after(resumed.last_at)
            run(source, pipeline, [recorder, *everyone], pacer, one_by_one=True)
        finally:
            recorder.close()

    def check(self) -> None:
        """Check all that can be checked without connecting.

        Raises:
            StreamerError: something is wrong with address, model or recording.
        """
        self.open().close()
        if self.record is not None:
            _check_record(self.record)


def _check_record(path: Path) -> None:
    from streamer.recording.database import (
        DamagedError,
        TransientError,
        check_place,
        open_for_reading,
    )

    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.absolute().parent}")
    check_place(path)
    if path.exists() and path.stat().st_size:
        # What is damaged is set aside when it is recorded to, and who locks it is waited for.
        with suppress(DamagedError, TransientError):
            open_for_reading(path).close()


def show_dashboard(job: Watch, *, ascii_only: bool, verbose: bool = False) -> int:
    """Watch on the full screen; the summary stays when it ends.

    Returns:
        The exit code: 0, or 128 and the number of the signal that ended it.
    """
    from streamer.dashboard import Dashboard

    source = job.open()
    pacer = Pacer(MAX, on_stop=source.close)
    dashboard = Dashboard(pacer, ascii=ascii_only, live=True)
    summary = Summary(verbose=verbose)
    try:
        dashboard.run(lambda: job.run(source, [summary], pacer, looking=[dashboard]))
    finally:
        print("\n".join(summary.lines()))
    return 0 if dashboard.ended_by is None else 128 + dashboard.ended_by


def write_lines(job: Watch, *, format: str | None, verbose: bool = False) -> int:
    """Watch as lines on standard output, or with no format as a summary alone.

    Returns:
        The exit code: 0, or 128 and the number of the signal that ended it.
    """
    from streamer.sinks.notes import NoteSink
    from streamer.sinks.text import TextSink

    source = job.open()
    pacer = Pacer(MAX, on_stop=source.close)
    summary = Summary(verbose=verbose)
    sinks: list[Sink] = [summary, NoteSink(sys.stderr)]
    if format is not None:
        sinks.append(TextSink(sys.stdout, format))
    signals: list[signal.Signals] = []
    with summed_up(summary, sinks), stopping(pacer, signals):
        job.run(source, sinks, pacer, looking=[])
    return 128 + signals[0] if signals else 0
