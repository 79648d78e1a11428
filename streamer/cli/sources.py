"""Signature of `streamer sources`."""

from __future__ import annotations

from typing import Annotated

import typer


def sources(
    scheme: Annotated[
        str | None,
        typer.Argument(metavar="SCHEME", help="Show all options of one.", show_default=False),
    ] = None,
) -> None:
    """List the kinds of feeds that `streamer watch` can read.

    \b
    Examples:
      streamer sources
      streamer sources mqtt
    """
    from streamer.commands.sources import list_sources, show_source

    if scheme is None:
        list_sources()
    else:
        show_source(scheme)
