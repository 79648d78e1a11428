"""The command `fetch`: the UCI file, downloaded once and checked."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from streamer import datasets


def fetch(
    *, cache: Path | None = None, url: str | None = None, force: bool = False, verify: bool = False
) -> None:
    """Download the UCI file unless it is there, and print its path.

    Args:
        cache: folder to keep it in; None for the default.
        url: another place that has the zip.
        force: download it even if it is there.
        verify: check the file that is there once more.

    Raises:
        StreamerError: as for `streamer.datasets.fetch`.
    """
    console = Console(stderr=True, highlight=False)
    path = datasets.fetch(
        datasets.UCI, cache=cache, url=url, force=force, verify=verify, console=console
    )
    console.out(datasets.CREDIT)
    print(path)
