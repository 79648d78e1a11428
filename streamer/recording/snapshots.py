"""Policy for saving snapshots of the pipeline's state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from streamer.errors import RecordError
from streamer.recording.database import DamagedError, explained
from streamer.recording.rows import seconds_of
from streamer.recording.store import Store


class SnapshotPolicy:
    """Saves a snapshot after a number of minutes.

    Args:
        state: the pipeline's `state`.
        every: minutes between two snapshots.

    Attributes:
        every: minutes between two snapshots.
        suspended: whether saving is off, because the pipeline does not continue the recording.
    """

    def __init__(self, state: Callable[[], Mapping[str, Any]], every: int) -> None:
        self.every = every
        self.suspended = False
        self._state = state
        self._since = every
        self._ahead_at: int | None = None

    def continue_from(self, since: int) -> None:
        """Set the number of minutes since the last snapshot."""
        self._since = since
        self._ahead_at = None

    def save_soon(self) -> None:
        """Make a snapshot due with the next minute."""
        self._since = self.every

    def written(self, minutes: int) -> None:
        """Count written minutes."""
        self._since += minutes

    def save_if_due(self, store: Store, path: Path, at: int) -> None:
        """Save a snapshot if it is due, unless the pipeline is ahead of the minutes written.

        It is ahead in the middle of a block. A snapshot is not essential, since the readings
        are recorded: if it cannot be saved, the next attempt follows after a tenth of the
        usual interval.

        Args:
            store: the recording.
            path: its path, for errors.
            at: time of the last minute written, in Unix seconds.

        Raises:
            DamagedError: the file is damaged.
        """
        if self._since < self.every or self.suspended:
            return
        if self._ahead_at is not None and at < self._ahead_at:
            return
        state = self._state()
        last_at = seconds_of(datetime.fromisoformat(state["last_at"]))[0]
        self._ahead_at = last_at
        if last_at != at:
            return
        try:
            with explained(path):
                store.save(at, state)
            self._since = 0
        except DamagedError:
            raise
        except RecordError:
            self._since -= self.every // 10 + 1
