"""A recording as one page of HTML that needs nothing but a browser."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from streamer.recording.whole import whole_file
from streamer.reporting.data import DAY, MONTH, WEEK, read_period
from streamer.reporting.page import render

__all__ = ["DAY", "MONTH", "WEEK", "render_report", "write_report"]


def write_report(
    path: Path,
    out: Path,
    *,
    period: str = DAY,
    until: datetime | None = None,
    written: datetime | None = None,
) -> None:
    """Write a report of the last day, week or month that is recorded.

    Args:
        path: the recording; it is only read, and may be written to meanwhile.
        out: the page, replaced as a whole if it is there; or a pipe or device to write it to.
        period: `day`, `week` or `month`, each to the minute: it begins as late in the day
            as it ends.
        until: the moment that the period ends before, on the house's clock if it has no
            zone; None for the end of the recording.
        written: when the report is made; None for now.

    Raises:
        RecordError: there is no such recording, nothing is recorded in the period, or the
            page cannot be written or would take the recording's place.
        UsageError: there is no such period.
    """
    page = render_report(path, period=period, until=until, written=written)
    with whole_file(out, of=path) as file:
        file.write(page.encode())


def render_report(
    path: Path,
    *,
    period: str = DAY,
    until: datetime | None = None,
    written: datetime | None = None,
) -> str:
    """The page that `write_report` writes.

    Raises:
        RecordError: there is no such recording, or nothing is recorded in the period.
        UsageError: there is no such period.
    """
    recorded = read_period(path, period, until)
    return render(recorded, path.name, written or datetime.now().astimezone())
