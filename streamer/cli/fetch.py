"""`streamer fetch`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def fetch(
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder to keep it in. By default that of the environment variable "
            "STREAMER_CACHE, or else your cache folder; `streamer replay uci` looks in the "
            "same two.",
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check the file that is there once more.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Download it even if it is there.")
    ] = False,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Another place that has the zip, such as a mirror."),
    ] = None,
) -> None:
    """Bring the UCI file: nearly four years of one house, minute by minute (20 MB).

    It is kept as published, zipped, once the SHA-256 of the text in it has been checked; the
    next time it is there already. Its path goes to standard output, all else to standard
    error.

    \b
    Examples:
      streamer fetch
      streamer replay uci
      streamer train "$(streamer fetch --cache data)"
    """
    from streamer.commands import fetch as command

    command.fetch(cache=cache, url=url, force=force, verify=verify)
