"""A recording as one page of HTML that needs nothing but a browser."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from streamer.errors import RecordError
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
        out: the page, replaced as a whole if it is there.
        period: `day`, `week` or `month`, each to the minute: it begins as late in the day
            as it ends.
        until: the moment that the period ends before, on the house's clock if it has no
            zone; None for the end of the recording.
        written: when the report is made; None for now.

    Raises:
        RecordError: there is no such recording, nothing is recorded in the period, or the
            page cannot be written.
        UsageError: there is no such period.
    """
    if out.exists() and path.exists() and out.samefile(path):
        raise RecordError(f"{out} is the recording itself; give another name for the report")
    page = render_report(path, period=period, until=until, written=written)
    try:
        _replace(out, page)
    except OSError as error:
        raise RecordError(f"{out} cannot be written: {error.strerror or error}") from None


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


def _replace(out: Path, page: str) -> None:
    """Write a file such that it is never there by half."""
    folder = out.resolve().parent
    with NamedTemporaryFile(
        "w", encoding="utf-8", dir=folder, prefix=f".{out.name}-", delete=False
    ) as file:
        beside = Path(file.name)
        try:
            file.write(page)
            file.close()
            beside.chmod(0o666 & ~_umask())
            beside.replace(out.resolve())
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


def _umask() -> int:
    """What a new file is not allowed; it can only be asked for by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
