"""Signature of `streamer fetch`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def fetch(
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder to keep it in. By default the one in the environment variable "
            "STREAMER_CACHE, or else your cache folder; `streamer replay uci` reads from the "
            "default folder.",
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Verify the checksum of a cached file again.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Download it even if it is in the cache.")
    ] = False,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Another address of the zip file, such as a mirror."),
    ] = None,
) -> None:
    """Download the UCI file: nearly four years of one house, minute by minute (20 MB).

    The zip file is kept as published, after the SHA-256 of its text has been verified; later
    calls use the cached file. Its path goes to standard output, everything else to standard
    error.

    \b
    Examples:
      streamer fetch
      streamer replay uci
      streamer train "$(streamer fetch --cache data)"
    """
    from streamer.commands import fetch as command

    command.fetch(cache=cache, url=url, force=force, verify=verify)
