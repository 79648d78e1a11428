"""`streamer sources`."""

from __future__ import annotations

from typing import Annotated

import typer


def sources(
    scheme: Annotated[
        str | None,
        typer.Argument(metavar="SCHEME", help="Tell all about one of them.", show_default=False),
    ] = None,
) -> None:
    """List the kinds of meters that `streamer watch` can read.

    \b
    Examples:
      streamer sources
      streamer sources mqtt
    """
    from streamer import listing

    if scheme is None:
        listing.list_sources()
    else:
        listing.show_source(scheme)
