"""What `streamer fetch` does: brings a published file into a cache, once, and checks it."""

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
"""How long a server may be silent, in seconds."""

RETRIES = 2
"""How often a download that failed by a passing fault is begun anew."""

_ELSEWHERE = f"choose another folder with --cache DIR or {CACHE_VARIABLE}"
_FULL = (errno.ENOSPC, errno.EDQUOT)


def find_recording(file: str) -> str:
    """The path that a FILE on the command line stands for.

    That is the path itself, but for the name ``uci`` with no such file around.

    >>> find_recording("house.csv")
    'house.csv'

    Raises:
        UsageError: it stands for a file that has not been fetched.
    """
    if file != UCI.name or Path(file).exists():
        return file
    path = cached(UCI)
    if path is None:
        raise UsageError(
            f"{file} is not in the cache ({cache_folder()}), nor a file here; "
            "bring it first: streamer fetch"
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
    """Bring a dataset into the cache, unless it is there.

    Args:
        dataset: what to bring.
        cache: as for `cache_folder`.
        url: where to get the zip instead.
        force: download it even if it is there.
        verify: check the text of the one that is there, rather than trust its stamp.
        timeout: how long the server may be silent, in seconds.
        retries: how often to try again after a passing fault.
        console: where to say what happens, with a progress bar if it is a terminal; by
            default nothing is said.

    Returns:
        Path of the zip, its text checked.

    Raises:
        UsageError: the address is none of the web, or the extra is not installed.
        SourceError: it cannot be had, is not what was published, or cannot be kept.
    """
    from rich.console import Console

    console = console or Console(quiet=True)
    url = url or dataset.url
    host = host_of(url)
    folder = cache_folder(cache)
    try:
        kept = None if force else find_kept(dataset, folder, verify=verify, say=console.out)
        if kept is not None and not is_under_way(kept):
            return kept
        import_pooch()
        with work_alone(folder / dataset.file, console.out) as work:
            # Another run may have brought it while this one waited.
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
        return f"there is no room in {folder}; free some 25 MB, or {_ELSEWHERE}"
    reason = error.strerror or printable(str(error))
    return f"{folder} cannot be used as a cache: {reason}; {_ELSEWHERE}"
