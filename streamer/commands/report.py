"""The command `report`: an HTML page about the last part of a recording."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from streamer.commands.tariff import find_tariff
from streamer.display.lines import one_line
from streamer.reporting import write_report


def report(
    file: Path, *, period: str, until: datetime | None, out: Path | None, tariff: str | None = None
) -> None:
    """Write an HTML page about a recording, and print the page's path.

    Args:
        file: the recording.
        period: `day`, `week` or `month`.
        until: end of the period; None for the end of the recording.
        out: file to write; None for the recording's name with ``.html``, in the working
            directory.
        tariff: name or file of what electricity costs; None to leave that out.

    Raises:
        StreamerError: as for `streamer.reporting.write_report`, or the tariff cannot be used.
    """
    path = Path(file.stem + ".html") if out is None else out
    write_report(file, path, period=period, until=until, tariff=find_tariff(tariff))
    print(one_line(path))
