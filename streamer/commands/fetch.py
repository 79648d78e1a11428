"""The command `fetch`: one download of the UCI file, verified by its checksum."""

from __future__ import annotations

from pathlib import Path

from streamer import datasets
from streamer.display.console import PlainConsole
from streamer.display.lines import one_line


def fetch(
    *, cache: Path | None = None, url: str | None = None, force: bool = False, verify: bool = False
) -> None:
    """Download the UCI file unless it is in the cache, and print its path.

    Args:
        cache: folder to keep it in; None for the default.
        url: another address of the zip file.
        force: download it even if it is in the cache.
        verify: verify the checksum of a cached file again.

    Raises:
        StreamerError: as for `streamer.datasets.fetch`.
    """
    console = PlainConsole(stderr=True)
    path = datasets.fetch(
        datasets.UCI, cache=cache, url=url, force=force, verify=verify, console=console
    )
    console.out(datasets.CREDIT)
    print(one_line(path))
