"""The command `watch`: forecasts for a live meter, on a dashboard or as lines, and recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from streamer.commands.channels import live_channels
from streamer.commands.forecasting import Forecasting
from streamer.commands.meternames import MAX_NAME, key_of, named
from streamer.commands.plugins import make_sinks
from streamer.commands.recordchecks import check_meter_of, check_record
from streamer.display.horizons import SHOWN
from streamer.display.lines import one_line
from streamer.errors import UsageError
from streamer.feeds.address import Address
from streamer.readings import Notice
from streamer.sinks import Sink
from streamer.sinks.shared import SharedSinks
from streamer.stream.pacing import Pacer

if TYPE_CHECKING:
    from streamer.energy.tariff import Tariff
    from streamer.pipeline import Pipeline
    from streamer.publishing import Report, WatchedMeter
    from streamer.publishing.background import Background
    from streamer.recording.pages import RecordingPages
    from streamer.recording.recorder import Recorder
    from streamer.sources.derived import DerivedPowers, DerivedSource
    from streamer.sources.live import LiveSource

    MeterSource = LiveSource | DerivedSource

_HOUSE = "House"


@dataclass(frozen=True)
class Watch:
    """A meter to watch, the model to forecast it with, and the recording to write.

    Attributes:
        address: address of the meter; None for one that is derived from others.
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
        name: name of the meter; empty for the only one.
        where: its place in the configuration, for messages; empty if it has none.
        derived: its formulas, of the keys of other meters; None if it is not derived.
        sinks: names of sinks that are plug-ins.
    """

    address: Address | None
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
    name: str = ""
    where: str = ""
    derived: DerivedPowers | None = None
    sinks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.name != one_line(self.name).strip() or len(self.name) > MAX_NAME:
            raise UsageError(
                f"name {one_line(self.name)!r}: give up to {MAX_NAME} printable characters"
            )

    @property
    def key(self) -> str:
        """Name of the meter in topics, labels and paths."""
        return key_of(self.name or _HOUSE)

    @property
    def part_keys(self) -> tuple[str, ...]:
        """Keys of the meters that it is derived from."""
        return () if self.derived is None else self.derived.names

    def open(self) -> MeterSource:
        """Check the settings and make the source, which does not connect yet.

        Raises:
            StreamerError: a setting is wrong, the address lacks a channel that the model takes,
                or the recording is of another meter.
        """
        self.forecasting.check()
        channels = live_channels(self.forecasting.inputs())
        source = self._derived_source(channels) if self.derived else self._live_source(channels)
        if self.record is not None and not self.allow_other_meter:
            try:
                check_meter_of(self.record, self._meter(source))
            except BaseException:
                source.close()
                raise
        return source

    def _live_source(self, channels: Sequence[str]) -> LiveSource:
        from streamer.sources.live import open_source

        assert self.address is not None  # noqa: S101 - it is not derived
        return open_source(
            self.address,
            stale_after_s=self.stale_after_s,
            grace_s=self.grace_s,
            max_kw=self.max_kw,
            by=self.by,
            retry_max_s=self.retry_max_s,
            channels=channels,
        )

    def _derived_source(self, channels: Sequence[str]) -> DerivedSource:
        from streamer.sources.derived import DerivedSource

        assert self.derived is not None  # noqa: S101 - it is derived
        if channels:
            raise UsageError(
                f"the model takes {' and '.join(channels)}, which a derived meter cannot give; "
                "choose another model"
            )
        return DerivedSource(self.name, self.derived)

    def run(
        self,
        source: MeterSource,
        sinks: Sequence[Sink],
        pacer: Pacer,
        *,
        looking: Sequence[Sink],
        opened: list[Recorder],
        background: Background | None = None,
        reporting: Callable[[Report], None] | None = None,
    ) -> None:
        """Watch until the feed ends or the pacer is stopped.

        Args:
            source: the source that `open` made; closed when this ends.
            sinks: sinks for all steps from now on.
            pacer: ends the stream when it is stopped.
            looking: sinks that also get the latest recorded steps first.
            opened: output: the recorder is appended; it is closed when this ends.
            background: publishers of the steps from now on, which have been started.
            reporting: called with what takes and records notices from any thread, once it does.

        Raises:
            StreamerError: the model cannot be loaded, the file is not a recording, the feed
                has failed for good, or minutes could not be recorded.
        """
        from streamer.commands.rewinding import RememberedPast
        from streamer.stream.runner import run

        published: list[Sink] = []
        try:
            if background is not None:
                published.append(background.sink(self.published(), lambda: source.late_s))
            pipeline, about = self.forecasting.prepare(source.name, live=True)
            everyone = SharedSinks([*looking, *sinks, *published])
            everyone.write(about)
            for warning in self.warnings():
                everyone.write(Notice(Notice.WARNING, warning))
            if self.record is None:
                past = RememberedPast(pipeline)
                source.rewind_by(past)
                if reporting is not None:
                    reporting(everyone.write)
                run(source, pipeline, [past, everyone], pacer, one_by_one=True)
            else:
                self._run_recorded(
                    self.record,
                    source,
                    pipeline,
                    everyone,
                    pacer,
                    looking,
                    opened,
                    background,
                    reporting,
                )
        finally:
            source.close()
            for sink in published:
                sink.close()

    def published(self) -> WatchedMeter:
        """The meter as it is published, before the pace of its samples is known."""
        from streamer.publishing import WatchedMeter

        return WatchedMeter(
            name=self.name or _HOUSE,
            key=self.key,
            horizons=self.horizons,
            tariff=self.tariff,
            record=self.record,
        )

    def _run_recorded(
        self,
        path: Path,
        source: MeterSource,
        pipeline: Pipeline,
        everyone: SharedSinks,
        pacer: Pacer,
        looking: Sequence[Sink],
        opened: list[Recorder],
        background: Background | None,
        reporting: Callable[[Report], None] | None,
    ) -> None:
        from streamer.commands.rewinding import RecordedPast
        from streamer.recording.ending import closed_without_loss
        from streamer.recording.notifications import KeptNotifications
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
        with ExitStack() as ending:
            ending.enter_context(closed_without_loss(recorder))
            if background is not None:
                kept = KeptNotifications(path, recorder.keep)
                ending.enter_context(background.keeping(self.published(), kept))
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
            if reporting is not None:
                reporting(recorded.write)
            run(source, pipeline, [recorded], pacer, one_by_one=True)

    def warnings(self) -> list[str]:
        """Texts about what works, but should be mended: secrets that other users may read."""
        from streamer.feeds.secretfile import exposures

        return exposures(self.secret_files)

    def check(self) -> None:
        """Check everything that needs no connection.

        Raises:
            StreamerError: address, model or recording cannot be used.
        """
        with named(self.where if self.name else ""):
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

    def _meter(self, source: MeterSource) -> dict[str, str]:
        """Settings of a recording that name the meter and identify it."""
        from streamer.feeds.identity import identity

        if self.address is not None:
            return {"source": source.name, "meter": identity(self.address)}
        assert self.derived is not None  # noqa: S101 - it has no address
        return {"source": source.name, "meter": f"derived: {self.derived.identity}"}
