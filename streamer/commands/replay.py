"""The command `replay`: forecasts for a recorded stream, on a dashboard or as lines."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamer.commands.files import FileOptions
from streamer.commands.forecasting import Forecasting
from streamer.commands.plugins import closing_all, make_sinks
from streamer.commands.publishing import Publishing
from streamer.display.horizons import SHOWN
from streamer.readings import Notice
from streamer.sinks import Sink
from streamer.sinks.summary import Summary
from streamer.stream.finish import summed_up
from streamer.stream.pacing import MAX, Pacer
from streamer.stream.signals import stopping

if TYPE_CHECKING:
    from streamer.display.themes import ThemeName
    from streamer.energy.tariff import Tariff
    from streamer.pipeline import Pipeline
    from streamer.sinks.items import About
    from streamer.sources import Source


@dataclass(frozen=True)
class Replay:
    """A recorded stream to replay, and the model to forecast it with.

    Attributes:
        file: path of the recording, or `-` for standard input.
        options: options for reading it.
        forecasting: model and pipeline settings.
        tariff: what electricity costs; None if that is not known.
        publishing: where the forecasts go besides.
        sinks: names of sinks that are plug-ins.
    """

    file: str
    options: FileOptions
    forecasting: Forecasting
    tariff: Tariff | None = None
    publishing: Publishing = field(default_factory=Publishing)
    sinks: tuple[str, ...] = ()

    def open(self) -> Source:
        """Check the settings and open the recording; the first errors are raised here."""
        self.forecasting.check()
        return self.options.open(self.file, self.forecasting.inputs())

    def advice(self, source: Source) -> list[Notice]:
        """The notice about a shipped model that would use more of the recording, if any."""
        from streamer.commands.channels import advice_on

        known: Sequence[str] = getattr(source, "known_channels", ())
        return advice_on(source.name, known, self.forecasting.model)

    def run(
        self,
        source: Source,
        sinks: list[Sink],
        pacer: Pacer,
        *,
        prepared: tuple[Pipeline, About] | None = None,
        reading: AbstractContextManager[object] | None = None,
        notices: Sequence[Notice] = (),
    ) -> None:
        """Replay the source to its end, or until the pacer is stopped.

        Args:
            source: the source that `open` made; closed when this ends.
            sinks: sinks for all steps.
            pacer: decides when each reading is due, and ends the stream when it is stopped.
            prepared: pipeline and description, if they have been prepared already.
            reading: context of each read of the source.
            notices: what the sinks get before anything of the stream.
        """
        from streamer.stream.runner import run

        pipeline, about = prepared or self.forecasting.prepare(source.name)
        for sink in sinks:
            sink.write(about)
            for notice in notices:
                sink.write(notice)
        run(source, pipeline, sinks, pacer, reading=reading or nullcontext())

    @contextmanager
    def published(self, horizons: tuple[int, ...]) -> Iterator[list[Sink]]:
        """Publish for the time of the context, through the sinks that are returned.

        Raises:
            StreamerError: a publisher cannot start.
        """
        with self.publishing.running() as background:
            if background is None:
                yield []
                return
            from streamer.publishing import WatchedMeter

            meter = WatchedMeter(
                "Replay", "replay", horizons=horizons, tariff=self.tariff, live=False
            )
            yield [background.sink(meter)]


def show_dashboard(
    job: Replay,
    *,
    speed: float,
    ascii_only: bool,
    theme: ThemeName,
    verbose: bool = False,
    horizons: tuple[int, ...] = SHOWN,
) -> int:
    """Replay on the full screen, and print the summary at the end.

    Returns:
        The exit code: 0, or 128 and the number of the signal that ended it.
    """
    from streamer.commands.screen import show
    from streamer.dashboard import Dashboard
    from streamer.readings.buffer import CAPACITY

    source = job.open()
    pacer = Pacer(speed, warm_up=CAPACITY)
    dashboard = Dashboard(
        pacer, ascii=ascii_only, theme=theme, horizons=horizons, tariff=job.tariff
    )
    summary = Summary(verbose=verbose, horizons=horizons, tariff=job.tariff)
    notices = job.advice(source)
    with (
        closing_all(make_sinks(job.sinks, [dashboard, summary])) as plugged,
        job.published(horizons) as publishing,
    ):
        sinks: list[Sink] = [dashboard, summary, *publishing, *plugged]
        return show(
            dashboard, summary, pacer, lambda: job.run(source, sinks, pacer, notices=notices)
        )


def write_lines(
    job: Replay,
    *,
    speed: float | None,
    format: str | None,
    verbose: bool = False,
    horizons: tuple[int, ...] = SHOWN,
) -> int:
    """Replay as lines on standard output, or without a format as a summary only.

    The summary goes to standard error however the replay ends, except when the reader of the
    lines has closed the pipe: then nothing more is printed. A progress bar is shown at full
    speed, if nothing else is written to the terminal.

    Returns:
        The exit code: 0, or 128 and the number of the signal that ended it.
    """
    from streamer.sinks.notes import NoteSink
    from streamer.sinks.progress import ProgressSink
    from streamer.sinks.text import TextSink

    with job.published(horizons) as publishing, closing(job.open()) as source:
        # Before there is anything to sum up: a model that cannot be loaded is one line.
        prepared = job.forecasting.prepare(source.name)
        pacer = Pacer(MAX if speed is None else speed)
        summary = Summary(verbose=verbose, horizons=horizons, tariff=job.tariff)
        sinks: list[Sink] = [summary]
        notes = NoteSink(sys.stderr)
        for notice in job.advice(source):
            notes.write(notice)
        if pacer.free_running and _terminal_is_free(lines=format is not None):
            # First, because it clears its bar before the others print their notes.
            sinks.append(ProgressSink(sys.stderr))
        if format is not None:
            sinks += [TextSink(sys.stdout, format, horizons=horizons), notes]
        sinks += [*publishing, *make_sinks(job.sinks, [summary, notes])]
        with stopping(pacer) as ending, summed_up(summary, sinks):
            job.run(source, sinks, pacer, prepared=prepared, reading=ending)
    return ending.exit_code


def _terminal_is_free(*, lines: bool) -> bool:
    """Whether standard error is a terminal that no lines are written to.

    Lines written to a pipe may end up on the same terminal, in a pager for example.
    """
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return False
    if not lines:
        return True
    mode = os.fstat(sys.stdout.fileno()).st_mode
    return not (sys.stdout.isatty() or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode))
