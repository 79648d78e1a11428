"""Download of published datasets into a cache, with checks, for `streamer fetch`."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

from streamer.datasets.cache import (
    CACHE_VARIABLE,
    cache_folder,
    cached,
    check,
    find_kept,
    is_under_way,
    keep,
    work_alone,
)
from streamer.datasets.dataset import CREDIT, UCI, Dataset
from streamer.datasets.download import download, host_of, import_pooch
from streamer.display.lines import printable
from streamer.errors import SourceError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["CREDIT", "UCI", "Dataset", "cache_folder", "cached", "fetch", "find_recording"]

TIMEOUT_S = 30.0
"""Longest silence of the server in seconds."""

RETRIES = 2
"""Number of repeated attempts after a transient failure."""

_ELSEWHERE = f"choose another folder with --cache DIR or {CACHE_VARIABLE}"
_FULL = (errno.ENOSPC, errno.EDQUOT)


def find_recording(file: str) -> str:
    """Return the path that a FILE on the command line refers to.

    That is the path itself, except for the name ``uci`` if no such file exists here.

    >>> find_recording("house.csv")
    'house.csv'

    Raises:
        UsageError: the name refers to a dataset that has not been fetched.
    """
    if file != UCI.name or Path(file).exists():
        return file
    path = cached(UCI)
    if path is None:
        raise UsageError(
            f"{file} is neither in the cache ({cache_folder()}) nor a file here; "
            "download it first: streamer fetch"
        )
    return str(path)


def fetch(
    dataset: Dataset,
    *,
    cache: str | Path | None = None,
    url: str | None = None,
    force: bool = False,
    verify: bool = False,
    timeout: float = TIMEOUT_S,
    retries: int = RETRIES,
    console: Console | None = None,
) -> Path:
    """Download a dataset into the cache, unless it is cached already.

    Args:
        dataset: the dataset.
        cache: as for `cache_folder`.
        url: another address for the zip.
        force: download even if the dataset is in the cache.
        verify: check the text of a cached file even if its stamp is valid.
        timeout: longest silence of the server in seconds.
        retries: number of repeated attempts after a transient failure.
        console: takes messages, and a progress bar if it is a terminal; by default there
            are none.

    Returns:
        Path of the zip, its text checked.

    Raises:
        UsageError: the address is not a web address, or the extra is not installed.
        SourceError: the file cannot be downloaded, is not the published one, or cannot be
            stored.
    """
    from rich.console import Console

    console = console or Console(quiet=True)
    url = url or dataset.url
    host = host_of(url)
    folder = cache_folder(cache)
    try:
        kept = None if force else find_kept(dataset, folder, verify=verify, report=console.out)
        if kept is not None and not is_under_way(kept):
            return kept
        import_pooch()
        with work_alone(folder / dataset.file, console.out) as work:
            # Another run may have downloaded it while this one waited.
            kept = None if force else cached(dataset, folder)
            if kept is not None:
                return kept
            console.out(f"Fetching {dataset.name} from {host} ...")
            path = download(dataset.file, url, work, timeout, retries, console)
            console.out("Checking ...")
            try:
                check(dataset, path)
            except SourceError as error:
                raise SourceError(f"{error} (from {host}; the download is deleted)") from None
            return keep(dataset, path, folder)
    except OSError as error:
        raise SourceError(_why_not_kept(folder, error)) from None


def _why_not_kept(folder: Path, error: OSError) -> str:
    if error.errno in _FULL:
        return f"not enough space in {folder}; free some 25 MB, or {_ELSEWHERE}"
    reason = error.strerror or printable(str(error))
    return f"{folder} cannot be used as a cache: {reason}; {_ELSEWHERE}"
