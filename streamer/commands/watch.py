"""The command `watch`: forecasts for a live meter, on a dashboard or as lines, and recorded."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from streamer.commands.channels import live_channels
from streamer.commands.forecasting import Forecasting
from streamer.commands.plugins import closing_all, make_sinks
from streamer.commands.recordchecks import check_meter_of, check_record
from streamer.display.horizons import SHOWN
from streamer.display.lines import one_line
from streamer.errors import RecordError
from streamer.feeds.address import Address
from streamer.readings import Notice
from streamer.sinks import Sink
from streamer.sinks.shared import SharedSinks
from streamer.sinks.summary import Summary
from streamer.stream.finish import summed_up
from streamer.stream.pacing import MAX, Pacer
from streamer.stream.signals import stopping

if TYPE_CHECKING:
    from streamer.commands.publishing import Publishing
    from streamer.display.themes import ThemeName
    from streamer.energy.tariff import Tariff
    from streamer.pipeline import Pipeline
    from streamer.publishing import WatchedMeter
    from streamer.publishing.background import Background
    from streamer.recording.pages import RecordingPages
    from streamer.recording.recorder import Recorder
    from streamer.sources.live import LiveSource

_LATE_S = 60.0  # a meter that sends once a minute completes a minute with its next sample


@dataclass(frozen=True)
class Watch:
    """A meter to watch, the model to forecast it with, and the recording to write.

    Attributes:
        address: address of the meter.
        forecasting: model and pipeline settings.
        record: the recording to resume and extend; None to record nothing.
        stale_after_s: upper bound in seconds for the validity of a value when no new one arrives;
            None for the default of the feed kind.
        grace_s: allowed lateness: seconds that a minute waits for late samples.
        by: `wall` if minutes end by this machine's clock, `feed` if by the samples' own times.
        retry_max_s: longest wait between two attempts to connect, in seconds.
        max_kw: implausible beyond this: no household draws so much.
        allow_other_meter: whether to continue a recording of another meter.
        secret_files: files with secrets that are in use.
        horizons: minutes of the means whose forecasts are recorded.
        tariff: what electricity costs; None if that is not known.
        sinks: names of sinks that are plug-ins.
    """

    address: Address
    forecasting: Forecasting = field(default_factory=Forecasting)
    record: Path | None = None
    stale_after_s: float | None = None
    grace_s: float = 5.0
    by: str = "wall"
    retry_max_s: float = 60.0
    max_kw: float = 100.0
    allow_other_meter: bool = False
    secret_files: tuple[Path, ...] = ()
    horizons: tuple[int, ...] = SHOWN
    tariff: Tariff | None = None
    sinks: tuple[str, ...] = ()

    def open(self) -> LiveSource:
        """Check the settings and make the source, which does not connect yet.

        Raises:
            StreamerError: a setting is wrong, the address lacks a channel that the model takes,
                or the recording is of another meter.
        """
        from streamer.sources.live import open_source

        self.forecasting.check()
        source = open_source(
            self.address,
            stale_after_s=self.stale_after_s,
            grace_s=self.grace_s,
            max_kw=self.max_kw,
            by=self.by,
            retry_max_s=self.retry_max_s,
            channels=live_channels(self.forecasting.inputs()),
        )
        if self.record is not None and not self.allow_other_meter:
            try:
                check_meter_of(self.record, self._meter(source))
            except BaseException:
                source.close()
                raise
        return source

    def run(
        self,
        source: LiveSource,
        sinks: Sequence[Sink],
        pacer: Pacer,
        *,
        looking: Sequence[Sink],
        opened: list[Recorder],
        background: Background | None = None,
    ) -> None:
        """Watch until the feed ends or the pacer is stopped.

        Args:
            source: the source that `open` made; closed when this ends.
            sinks: sinks for all steps from now on.
            pacer: ends the stream when it is stopped.
            looking: sinks that also get the latest recorded steps first.
            opened: output: the recorder is appended; it is closed when this ends.
            background: publishers of the steps from now on, which have been started.

        Raises:
            StreamerError: the model cannot be loaded, the file is not a recording, the feed
                has failed for good, or minutes could not be recorded.
        """
        from streamer.commands.rewinding import RememberedPast
        from streamer.stream.runner import run

        try:
            pipeline, about = self.forecasting.prepare(source.name, live=True)
            published = [] if background is None else [background.sink(self.published())]
            everyone = SharedSinks([*looking, *sinks, *published])
            everyone.write(about)
            for warning in self.warnings():
                everyone.write(Notice(Notice.WARNING, warning))
            if self.record is None:
                past = RememberedPast(pipeline)
                source.rewind_by(past)
                if background is not None:
                    background.report_to(everyone.write)
                run(source, pipeline, [past, everyone], pacer, one_by_one=True)
            else:
                self._run_recorded(
                    self.record, source, pipeline, everyone, pacer, looking, opened, background
                )
        finally:
            source.close()

    def published(self) -> WatchedMeter:
        """The meter as it is published."""
        from streamer.publishing import WatchedMeter

        return WatchedMeter(
            name="House",
            key="house",
            late_s=self.grace_s + _LATE_S,
            horizons=self.horizons,
            tariff=self.tariff,
            record=self.record,
        )

    def _run_recorded(
        self,
        path: Path,
        source: LiveSource,
        pipeline: Pipeline,
        everyone: SharedSinks,
        pacer: Pacer,
        looking: Sequence[Sink],
        opened: list[Recorder],
        background: Background | None,
    ) -> None:
        from streamer.commands.rewinding import RecordedPast
        from streamer.recording.ending import closed_without_loss
        from streamer.recording.recorder import Recorder
        from streamer.stream.runner import run

        recorder = Recorder.open(
            path,
            settings={**self._meter(source), **self.forecasting.fingerprint()},
            state=pipeline.state,
            notify=everyone.write,
            horizons=self.horizons,
            channels={each.name: each.unit for each in self.forecasting.inputs()},
            allow_other_meter=self.allow_other_meter,
        )
        opened.append(recorder)
        with closed_without_loss(recorder):
            fresh = pipeline.state()
            resumed = recorder.resume(pipeline)
            for sink in looking:
                for step in resumed.steps:
                    sink.write(step)
            text = f"{one_line(path)}: {resumed.text}"
            everyone.write(Notice(Notice.EVENT, text, resumed.last_at))
            source.resume_after(resumed.last_at)
            source.rewind_by(RecordedPast(recorder, pipeline, fresh))
            recorded = SharedSinks([recorder, everyone])
            if background is not None:
                background.report_to(recorded.write)
            run(source, pipeline, [recorded], pacer, one_by_one=True)

    def warnings(self) -> list[str]:
        """Texts about what works, but should be mended: secrets that other users may read."""
        from streamer.feeds.secretfile import exposure

        return list(filter(None, map(exposure, self.secret_files)))

    def check(self) -> None:
        """Check everything that needs no connection.

        Raises:
            StreamerError: address, model or recording cannot be used.
        """
        self.open().close()
        make_sinks(self.sinks, [])
        if self.record is not None:
            check_record(self.record)

    def archive(self) -> RecordingPages | None:
        """The recording, to scroll back in; None if nothing is recorded."""
        if self.record is None:
            return None
        from streamer.recording.pages import RecordingPages

        return RecordingPages(self.record)

    def _meter(self, source: LiveSource) -> dict[str, str]:
        """Settings of a recording that name the meter and identify it."""
        from streamer.feeds.identity import identity

        return {"source": source.name, "meter": identity(self.address)}


def show_dashboard(
    job: Watch,
    publishing: Publishing,
    *,
    ascii_only: bool,
    theme: ThemeName,
    verbose: bool = False,
    horizons: tuple[int, ...] = SHOWN,
) -> int:
    """Watch on the full screen, and print the summary at the end.

    Returns:
        The exit code: 0, or 128 and the number of the signal that ended it.
    """
    from streamer.commands.screen import show
    from streamer.dashboard import Dashboard

    source = job.open()
    pacer = Pacer(MAX, on_stop=source.close)
    dashboard = Dashboard(
        pacer,
        ascii=ascii_only,
        theme=theme,
        live=True,
        archive=job.archive(),
        horizons=horizons,
        tariff=job.tariff,
    )
    summary = Summary(verbose=verbose, horizons=horizons, tariff=job.tariff)
    opened: list[Recorder] = []
    with (
        closing_all(make_sinks(job.sinks, [dashboard, summary])) as plugged,
        publishing.running() as background,
    ):
        return show(
            dashboard,
            summary,
            pacer,
            lambda: job.run(
                source,
                [summary, *plugged],
                pacer,
                looking=[dashboard],
                opened=opened,
                background=background,
            ),
            finish=lambda: _wait_for(opened),
        )


def _wait_for(opened: Sequence[Recorder]) -> None:
    """Wait for the end of a recording, which the dashboard does not wait for.

    Raises:
        RecordError: minutes could not be recorded.
    """
    for recorder in opened:
        if not recorder.is_closed:
            print("streamer: writing the last minutes of the recording", file=sys.stderr)
            recorder.close()
        if recorder.loss:
            raise RecordError(recorder.loss)


def write_lines(
    job: Watch,
    publishing: Publishing,
    *,
    format: str | None,
    verbose: bool = False,
    horizons: tuple[int, ...] = SHOWN,
) -> int:
    """Watch as lines on standard output, or without a format as a summary only.

    Returns:
        The exit code: 0, or 128 and the number of the signal that ended it.
    """
    from streamer.sinks.notes import NoteSink
    from streamer.sinks.text import TextSink

    source = job.open()
    pacer = Pacer(MAX, on_stop=source.close)
    summary = Summary(verbose=verbose, horizons=horizons, tariff=job.tariff)
    sinks: list[Sink] = [summary, NoteSink(sys.stderr)]
    if format is not None:
        sinks.append(TextSink(sys.stdout, format, horizons=horizons))
    sinks += make_sinks(job.sinks, sinks)
    with (
        stopping(pacer) as ending,
        summed_up(summary, sinks),
        publishing.running() as background,
    ):
        job.run(source, sinks, pacer, looking=[], opened=[], background=background)
    return ending.exit_code
