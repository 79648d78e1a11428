"""Several meters of the command `watch`, on one dashboard or as lines of one output."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from streamer.commands.notifying import notifying
from streamer.commands.supervision import Supervisor
from streamer.display.lines import error_line
from streamer.errors import RecordError
from streamer.readings import Notice
from streamer.sinks import Sink
from streamer.sinks.notes import NoteSink
from streamer.sinks.summary import Summary
from streamer.sinks.text import MeterLabel, TextSink
from streamer.stream.finish import summed_up
from streamer.stream.signals import stopping

if TYPE_CHECKING:
    from streamer.commands.publishing import Publishing
    from streamer.commands.watch import Watch
    from streamer.dashboard import MeterView
    from streamer.display.themes import ThemeName


class MeterSummaries:
    """Summaries of several meters, one below the other.

    Args:
        jobs: the meters.
        verbose: whether to name model and engine.
    """

    def __init__(self, jobs: Sequence[Watch], *, verbose: bool = False) -> None:
        self._names = [job.name for job in jobs]
        self.summaries = [
            Summary(verbose=verbose, horizons=job.horizons, tariff=job.tariff) for job in jobs
        ]
        self._failures: dict[int, str] = {}

    @property
    def begun(self) -> bool:
        """Whether anything has come from one of the sources."""
        return bool(self._failures) or any(each.begun for each in self.summaries)

    def failed(self, place: int, text: str) -> None:
        """Take note that the stream of a meter has failed, and why."""
        self._failures[place] = text

    def lines(self) -> list[str]:
        """The lines of all, below the name of each."""
        lines = []
        for place, (name, summary) in enumerate(zip(self._names, self.summaries, strict=True)):
            failure = self._failures.get(place)
            lines += [f"{name}:", *(f"  {line}" for line in summary.lines())]
            lines += [] if failure is None else [f"  failed: {failure}"]
        return lines


class _Lines:
    """Lines of all meters, on standard output and standard error."""

    def __init__(self, jobs: Sequence[Watch], summaries: MeterSummaries, format: str | None):
        self._summaries = summaries
        self._sinks: list[list[Sink]] = []
        self._notes = [NoteSink(sys.stderr, job.name) for job in jobs]
        width = max(len(job.name) for job in jobs)
        shared = tuple(sorted({minutes for job in jobs for minutes in job.horizons}))
        demand = any(job.forecasting.demand is not None for job in jobs)
        for place, job in enumerate(jobs):
            sinks: list[Sink] = [summaries.summaries[place], self._notes[place]]
            if format is not None:
                label = MeterLabel(job.key, f"{job.name:{width}}", place == 0, demand)
                horizons = shared if format == "csv" else job.horizons
                sinks.append(TextSink(sys.stdout, format, horizons=horizons, meter=label))
            self._sinks.append(sinks)

    def sinks(self, place: int) -> Sequence[Sink]:
        return self._sinks[place]

    def looking(self, place: int) -> Sequence[Sink]:  # noqa: ARG002 - none looks at the past
        return ()

    def failed(self, place: int, text: str) -> None:
        self._summaries.failed(place, text)
        self._notes[place].write(_failure(text))

    def all(self) -> list[Sink]:
        return [sink for sinks in self._sinks for sink in sinks]


def write_meters(
    jobs: Sequence[Watch],
    publishing: Publishing,
    *,
    format: str | None,
    verbose: bool = False,
) -> int:
    """Watch as lines on standard output, or without a format as summaries only.

    Returns:
        The exit code: that of a meter that has failed; otherwise 0, or 128 and the number of the
        signal that ended it.
    """
    supervisor = Supervisor(jobs)
    summaries = MeterSummaries(jobs, verbose=verbose)
    lines = _Lines(jobs, summaries, format)
    with (
        stopping(supervisor.pacer) as ending,
        summed_up(summaries, lines.all()),
        publishing.running() as background,
        notifying(supervisor.sources, background) as service,
    ):
        supervisor.run(lines, background, service)
    return supervisor.exit_code or ending.exit_code


class _Screens:
    """Rows and screens of all meters, and their summaries."""

    def __init__(self, views: Sequence[MeterView], summaries: MeterSummaries) -> None:
        self._views = views
        self._summaries = summaries

    def sinks(self, place: int) -> Sequence[Sink]:
        return (self._summaries.summaries[place],)

    def looking(self, place: int) -> Sequence[Sink]:
        return (self._views[place],)

    def failed(self, place: int, text: str) -> None:
        self._summaries.failed(place, text)
        self._views[place].failure = text
        self._views[place].write(_failure(text))


def show_meters(
    jobs: Sequence[Watch],
    publishing: Publishing,
    *,
    ascii_only: bool,
    theme: ThemeName,
    verbose: bool = False,
) -> int:
    """Watch on the full screen, and print the summaries at the end.

    Returns:
        The exit code, as of `write_meters`.
    """
    from streamer.commands.screen import show
    from streamer.commands.watching import wait_for
    from streamer.dashboard import MetersDashboard, MeterView
    from streamer.dashboard.fullscreen import local_now

    supervisor = Supervisor(jobs)
    views = [
        MeterView(
            clock=local_now,
            archive=job.archive(),
            horizons=job.horizons,
            tariff=job.tariff,
            name=job.name,
        )
        for job in jobs
    ]
    dashboard = MetersDashboard(supervisor.pacer, views, ascii=ascii_only, theme=theme)
    summaries = MeterSummaries(jobs, verbose=verbose)
    screens = _Screens(views, summaries)

    def finish() -> None:
        for place, stream in enumerate(supervisor.streams):
            try:
                wait_for(stream.opened)
            except RecordError as error:
                stream.failure = stream.failure or error
                screens.failed(place, error_line(error))

    with (
        publishing.running() as background,
        notifying(supervisor.sources, background) as service,
    ):
        code = show(
            dashboard,
            summaries,
            supervisor.pacer,
            lambda: supervisor.run(screens, background, service),
            finish=finish,
        )
    return supervisor.exit_code or code


def _failure(text: str) -> Notice:
    return Notice(Notice.WARNING, f"this meter is watched no longer: {text}")
