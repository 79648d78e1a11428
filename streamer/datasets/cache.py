"""The folder that fetched files are kept in.

It holds the zip as it is published, and beside it a stamp, which says that the text inside
has been checked. Anything else in there belongs to a run under way; what a killed run has
left is swept by the next one that downloads.

The zip is kept rather than the text: streamer replays it unopened, and inflating costs half
a second for the whole file, where the text would take seven times the room, and a second copy
while it is unpacked, on boxes that have little.
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
"""Environment variable that names the folder fetched files are kept in."""

Say = Callable[[str], None]


def cache_folder(cache: str | Path | None = None) -> Path:
    """The folder that fetched files are kept in.

    Args:
        cache: the folder; by default that of `STREAMER_CACHE`, or else the user's cache.
    """
    chosen = cache or os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).absolute()
    # What pooch.os_cache asks too; pooch itself would delay a replay by its import.
    import platformdirs

    return platformdirs.user_cache_path("streamer")


def cached(dataset: Dataset, cache: str | Path | None = None) -> Path | None:
    """A dataset's file, if it is in the cache and as it was when it was checked.

    Args:
        dataset: what to look for.
        cache: as for `cache_folder`.
    """
    path = cache_folder(cache) / dataset.file
    return path if _is_stamped(dataset, path) else None


def find_kept(dataset: Dataset, folder: Path, *, verify: bool, say: Say) -> Path | None:
    """The file that is there already, if it is good.

    Args:
        dataset: what to look for.
        folder: where.
        verify: check its text even if it has a stamp.
        say: told what is wrong with it.
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
        say(f"In the cache: {error}")
        return None
    _write_stamp(dataset, path)
    return path


def is_under_way(path: Path) -> bool:
    """Whether a run is bringing this file, or was killed at it."""
    return _lock_path(path).exists()


def keep(dataset: Dataset, path: Path, folder: Path) -> Path:
    """Put a checked file in the cache; whole, or not at all."""
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
    # Without a stamp, or with half of one, the next run checks the text again: no harm.
    with suppress(OSError):
        _stamp_path(path).write_text(json.dumps(_stamp(dataset, path)), encoding="utf-8")


def _is_stamped(dataset: Dataset, path: Path) -> bool:
    try:
        return bool(json.loads(_stamp_path(path).read_bytes()) == _stamp(dataset, path))
    except (OSError, ValueError):
        return False


def check(dataset: Dataset, path: Path) -> None:
    """Check the text in a zip, read as a replay would read it.

    Raises:
        SourceError: it is not the published one, or cannot be read.
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
        # No further than the text may be long: a small zip can hold an enormous one.
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
        raise SourceError(f"{path.name} holds {found}, but no {dataset.member}; get it again")


@contextmanager
def work_alone(path: Path, say: Say) -> Iterator[Path]:
    """Be the only run that brings this file, with an empty folder to work in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _lock(_lock_path(path), say):
        # Whoever made this folder does not hold the lock, so is dead.
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
def _lock(path: Path, say: Say) -> Iterator[None]:
    """Hold a lock that dies with the process, and leave no file behind."""
    # Only here: a file that is there already is found without it.
    from filelock import FileLock, Timeout

    lock = FileLock(path, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        say("Another streamer fetch is under way; waiting for it ...")
        lock.acquire()
    try:
        yield
    finally:
        # While it is still locked: who waits for it sees that it is not the file it opened.
        path.unlink(missing_ok=True)
        lock.release()
