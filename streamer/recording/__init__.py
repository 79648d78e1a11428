"""The recording: every minute on disk, in a SQLite database that plain SQL can read.

What is in it is told in `streamer.recording.schema`. The readings are the log: a snapshot
of the pipeline's state now and then, and the readings since, pushed again, give the state
back as it was.
"""

from __future__ import annotations

from pathlib import Path

_MAGIC = b"SQLite format 3\0"


def is_recording(path: str | Path) -> bool:
    """Whether a file is a SQLite database, by its first bytes; not in a process that writes it."""
    try:
        with Path(path).open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False
