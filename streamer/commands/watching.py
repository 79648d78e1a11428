"""One meter of the command `watch`, on the dashboard or as lines."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from streamer.commands.notifying import notifying
from streamer.commands.plugins import closing_all, make_sinks
from streamer.display.horizons import SHOWN
from streamer.errors import RecordError
from streamer.sinks import Sink
from streamer.sinks.summary import Summary
from streamer.stream.finish import summed_up
from streamer.stream.pacing import MAX, Pacer
from streamer.stream.signals import stopping

if TYPE_CHECKING:
    from streamer.commands.publishing import Publishing
    from streamer.commands.watch import Watch
    from streamer.display.themes import ThemeName
    from streamer.recording.recorder import Recorder


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
        notifying([source], background) as service,
    ):
        return show(
            dashboard,
            summary,
            pacer,
            lambda: job.run(
                source,
                [summary, *service.sinks(job.name), *plugged],
                pacer,
                looking=[dashboard],
                opened=opened,
                background=background,
                reporting=None if background is None else background.report_to,
            ),
            finish=lambda: wait_for(opened),
        )


def wait_for(opened: Sequence[Recorder]) -> None:
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
        notifying([source], background) as service,
    ):
        job.run(
            source,
            [*sinks, *service.sinks(job.name)],
            pacer,
            looking=[],
            opened=[],
            background=background,
            reporting=None if background is None else background.report_to,
        )
    return ending.exit_code
