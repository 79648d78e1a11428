"""Cache folder for fetched files.

It contains the zip as published, and a stamp that confirms that the text inside was checked.
Anything else belongs to a run in progress; leftovers of a killed run are removed by the next
download.

The zip is stored rather than the text: streamer replays it directly, and decompression costs
half a second for the whole file, while the text would need seven times the space, and room
for a second copy during unpacking, on small machines.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from streamer.atomic import put_in_place
from streamer.datasets.dataset import Dataset
from streamer.display.lines import printable
from streamer.errors import SourceError
from streamer.sources.files.bytestream import open_bytes

CACHE_VARIABLE = "STREAMER_CACHE"
"""Environment variable with the folder for fetched files."""

Report = Callable[[str], None]


def cache_folder(cache: str | Path | None = None) -> Path:
    """Return the folder for fetched files.

    Args:
        cache: the folder; by default that of `STREAMER_CACHE`, or else the user's cache.
    """
    chosen = cache or os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).absolute()
    # pooch.os_cache uses it too; importing pooch itself would delay a replay.
    import platformdirs

    return platformdirs.user_cache_path("streamer")


def cached(dataset: Dataset, cache: str | Path | None = None) -> Path | None:
    """Return a dataset's file if it is in the cache and unchanged since it was checked.

    Args:
        dataset: the dataset.
        cache: as for `cache_folder`.
    """
    path = cache_folder(cache) / dataset.file
    return path if _is_stamped(dataset, path) else None


def find_kept(dataset: Dataset, folder: Path, *, verify: bool, report: Report) -> Path | None:
    """Return the file in the cache if it is valid.

    Args:
        dataset: the dataset.
        folder: the cache folder.
        verify: check its text even if it has a stamp.
        report: takes a message if the file is not valid.
    """
    path = folder / dataset.file
    if not verify and _is_stamped(dataset, path):
        return path
    if not path.exists():
        return None
    try:
        check(dataset, path)
    except SourceError as error:
        _stamp_path(path).unlink(missing_ok=True)
        report(f"In the cache: {error}")
        return None
    _write_stamp(dataset, path)
    return path


def is_under_way(path: Path) -> bool:
    """Whether a run is downloading this file, or was killed while doing so."""
    return _lock_path(path).exists()


def keep(dataset: Dataset, path: Path, folder: Path) -> Path:
    """Move a checked file into the cache, atomically."""
    kept = folder / dataset.file
    put_in_place(path, kept)
    _write_stamp(dataset, kept)
    return kept


def _stamp_path(path: Path) -> Path:
    return path.with_suffix(".checked.json")


def _stamp(dataset: Dataset, path: Path) -> dict[str, object]:
    status = path.stat()
    return {
        "text_sha256": dataset.sha256,
        "zip_bytes": status.st_size,
        "zip_mtime_ns": status.st_mtime_ns,
    }


def _write_stamp(dataset: Dataset, path: Path) -> None:
    # Without a valid stamp, the next run checks the text again, which does no harm.
    with suppress(OSError):
        _stamp_path(path).write_text(json.dumps(_stamp(dataset, path)), encoding="utf-8")


def _is_stamped(dataset: Dataset, path: Path) -> bool:
    try:
        return bool(json.loads(_stamp_path(path).read_bytes()) == _stamp(dataset, path))
    except (OSError, ValueError):
        return False


def check(dataset: Dataset, path: Path) -> None:
    """Check the text in a zip, read as for a replay.

    Raises:
        SourceError: the text is not the published one, or cannot be read.
    """
    if not zipfile.is_zipfile(path):
        raise SourceError(
            f"{path.name} is not a zip (a sign-in page of this network?); get it again"
        )
    _, text = open_bytes(path)
    with closing(text):
        _check_member(dataset, path)
        digest = hashlib.sha256()
        size = 0
        # Stops at the expected size: a small zip can contain an enormous text.
        while size <= dataset.size and (piece := text.read()):
            digest.update(piece)
            size += len(piece)
    if size > dataset.size:
        raise SourceError(
            f"{path.name}: {dataset.member} is longer than the {dataset.size:,} bytes expected; "
            "get it again"
        )
    if digest.hexdigest() != dataset.sha256:
        raise SourceError(
            f"{path.name}: {dataset.member} has the wrong checksum: expected SHA-256 "
            f"{dataset.sha256}, got {digest.hexdigest()} ({size:,} bytes); get it again"
        )


def _check_member(dataset: Dataset, path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if dataset.member not in names:
        found = ", ".join(map(printable, names))
        raise SourceError(f"{path.name} contains {found}, but not {dataset.member}; get it again")


@contextmanager
def work_alone(path: Path, report: Report) -> Iterator[Path]:
    """Exclude other runs that download this file; yields an empty folder for the download."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _lock(_lock_path(path), report):
        # The creator of this folder does not hold the lock, so its process has ended.
        work = path.with_suffix(".partial")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _lock_path(path: Path) -> Path:
    return path.with_suffix(".lock")


@contextmanager
def _lock(path: Path, report: Report) -> Iterator[None]:
    """Hold a lock that ends with the process, and delete its file afterwards."""
    # A file that is in the cache already is found without it.
    from filelock import FileLock, Timeout

    lock = FileLock(path, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        report("Another streamer fetch is running; waiting for it ...")
        lock.acquire()
    try:
        yield
    finally:
        # Deleted while still locked, so that a waiting process notices that its file is gone.
        path.unlink(missing_ok=True)
        lock.release()
