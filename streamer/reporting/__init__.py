"""Report on a recording as a single, self-contained HTML page."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from streamer.recording.whole import whole_file
from streamer.reporting.data import DAY, MONTH, WEEK, read_period
from streamer.reporting.page import render

if TYPE_CHECKING:
    from streamer.energy.tariff import Tariff

__all__ = ["DAY", "MONTH", "WEEK", "render_report", "write_report"]


def write_report(
    path: Path,
    out: Path,
    *,
    period: str = DAY,
    until: datetime | None = None,
    written: datetime | None = None,
    tariff: Tariff | None = None,
) -> None:
    """Write a report of the last day, week or month that is recorded.

    Args:
        path: the recording; only read, and may be written to at the same time.
        out: the file of the page, replaced atomically if it exists; or a pipe or device.
        period: `day`, `week` or `month`; it begins at the same time of day at which it ends.
        until: the time before which the period ends, on the house's clock if it has no zone;
            None for the end of the recording.
        written: time of the report; None for now.
        tariff: what electricity costs; None to leave that out.

    Raises:
        RecordError: the recording does not exist, nothing is recorded in the period, or the
            page cannot be written or would overwrite the recording.
        UsageError: the period is unknown.
    """
    page = render_report(path, period=period, until=until, written=written, tariff=tariff)
    with whole_file(out, of=path) as file:
        file.write(page.encode())


def render_report(
    path: Path,
    *,
    period: str = DAY,
    until: datetime | None = None,
    written: datetime | None = None,
    tariff: Tariff | None = None,
) -> str:
    """The page that `write_report` writes.

    Raises:
        RecordError: the recording does not exist, or nothing is recorded in the period.
        UsageError: the period is unknown.
    """
    recorded = read_period(path, period, until, energies=tariff is not None)
    return render(recorded, path.name, written or datetime.now().astimezone(), tariff)
