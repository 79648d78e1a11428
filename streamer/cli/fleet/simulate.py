"""Signature of `streamer fleet simulate`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from streamer.cli.fileoptions import takes_file_options
from streamer.cli.fleet.options import FileFormat
from streamer.cli.options import FILE_HELP, parse_moment, parse_number, parse_speed
from streamer.commands.files import FileOptions
from streamer.errors import UsageError

DEFAULT_MINUTES = 120
"""Enough to fill the window of 50 and to forecast more than an hour."""


def parse_share(text: str) -> float:
    """Parse a share from 0 to 1, both included.

    >>> parse_share("0.01")
    0.01
    """
    wanted = "a share from 0 to 1; give one like 0.01, for one in a hundred"
    return parse_number(text, lambda share: 0 <= share <= 1, wanted)


def _share(of: str) -> Any:
    """Declaration of an option that takes a share."""
    return typer.Option(parser=parse_share, metavar="SHARE", help=f"Share of the {of}")


@takes_file_options(
    "start", "end", "limit", "strict", "solar", "solar_unit", "battery", "battery_unit", "channel"
)
def simulate(
    *,
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="Folder for the files: new, or empty.", show_default=False
        ),
    ],
    meters: Annotated[int, typer.Option(metavar="N", min=1, help="Number of meters.")] = 1_000,
    minutes: Annotated[
        int | None,
        typer.Option(
            metavar="M",
            min=1,
            help=f"Number of minutes. By default {DEFAULT_MINUTES}, or with --live until Ctrl-C.",
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help=f"Recording that each meter repeats. {FILE_HELP} By default the bundled sample.",
        ),
    ] = None,
    format: Annotated[
        FileFormat, typer.Option(help="json is one line per reading; parquet needs an extra.")
    ] = "parquet",
    every: Annotated[
        int | None,
        typer.Option(
            metavar="MINUTES",
            min=1,
            help="Minutes per file. By default 10, but more if there would be over 200 files, "
            "fewer if a file would hold over a million readings, and 1 with --live.",
        ),
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            parser=parse_moment,
            metavar="TIME",
            help="The first minute, in UTC. By default 2026-01-01T00:00, or with --live the "
            "minute that has just ended; with --speed above 1 it is M minutes before now, or 30 "
            "days, so that the fleet does not overtake the clock.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Each seed gives another fleet.")
    ] = 0,
    silent: Annotated[
        float, _share("meters that are silent for 5 to 30 minutes in each hour.")
    ] = 0.01,
    lost: Annotated[
        float,
        _share(
            "meters that fall silent for good, at some minute (without an end, of the first day)."
        ),
    ] = 0.01,
    missing: Annotated[float, _share("readings that are missing.")] = 0.005,
    late: Annotated[float, _share("readings that arrive one to three files late.")] = 0.005,
    doubled: Annotated[
        float,
        _share(
            "readings that arrive twice, the second time in the same file or up to three later."
        ),
    ] = 0.005,
    live: Annotated[
        bool,
        typer.Option("--live", help="Write a file each minute, like a live feed, until Ctrl-C."),
    ] = False,
    speed: Annotated[
        float | None,
        typer.Option(
            parser=parse_speed,
            metavar="SPEED",
            help="With --live: 1 is real time, 60 an hour per minute. By default 1.",
        ),
    ] = None,
    options: FileOptions,
) -> None:
    """Make files of a simulated fleet for fleet run.

    They are made from one house's real minutes. Each meter repeats the house's minutes, gaps
    included, from a starting point of its own, with all powers multiplied by a factor of its own
    from 0.3 to 3, in whole watts. Some readings are missing, late or duplicated, as in real
    fleets; --silent 0 --lost 0 --missing 0 --late 0 --doubled 0 turns that off. The same options
    give the same files.

    The columns are meter, minute (UTC) and kw. The files are ordered in time by their names
    and by their modification times, and each is complete as soon as it is visible.

    \b
    Examples:
      streamer fleet simulate readings
      streamer fleet simulate readings --meters 100000 --minutes 20 --seed 7
      streamer fleet simulate readings --from house.csv --format csv --every 30
      streamer fleet simulate readings --meters 200 --live --speed 60
    """
    from streamer.commands.simulate import SimulateJob
    from streamer.commands.simulate import simulate as write_fleet
    from streamer.datasets import find_recording
    from streamer.fleet.simulate import Faults
    from streamer.sample import sample_path
    from streamer.stream.pacing import MAX

    if speed is not None and not live:
        raise UsageError("--speed needs --live; without it all files are written at once")
    if speed == MAX:
        raise UsageError("--speed max does not apply to --live: give a number, or leave out --live")
    job = SimulateJob(
        folder=folder,
        file=str(sample_path()) if file is None else find_recording(file),
        options=options,
        meters=meters,
        minutes=DEFAULT_MINUTES if minutes is None and not live else minutes,
        every=every,
        format=format,
        start=start,
        seed=seed,
        faults=Faults(silent, lost, missing, late, doubled),
        speed=(speed or 1.0) if live else None,
    )
    write_fleet(job)
