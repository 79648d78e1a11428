"""State of a shard between batches: compressed, and remembered by its worker."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from streamer.errors import StateError
from streamer.fleet.shard import Shard

if TYPE_CHECKING:
    from pyspark.sql.streaming import StatefulProcessorHandle

SHARD = "shard"
SHARD_SCHEMA = "state binary, latest_us long, late long, doubled long, invalid long"
"""State variable: a shard as `compressed` returns it, and figures of it that can be read without
decoding it."""

HEAD = "head"
HEAD_SCHEMA = "token long, advanced_ms long, due_ms long"
"""State variable: random number of the write, processing time at which the newest minute arrived,
and at which the timer is due, or 0."""

_FORMER_HEAD = ("timer", "advanced_ms long, due_ms long")
"""The same until version 4 of a shard's state."""

_CODEC = pa.Codec("zstd", compression_level=3)
_SIZE = 4
"""Bytes of the size of a state before its compressed form."""

_MAX_REMEMBERED = 64
"""Shards that a worker remembers: 140 MB with a thousand meters each."""

_remembered: OrderedDict[tuple[int, Hashable], Shard] = OrderedDict()
"""Shards by the token of the write that stored them, and their task. If that write was discarded,
or another worker has written since, the state has another token, and is read."""


@dataclass
class KeptShard:
    """A shard of one key, and the times of its timer.

    Attributes:
        shard: the shard.
        advanced_ms: processing time at which its newest minute arrived; 0 before any.
        due_ms: processing time at which its timer is due; 0 for none.
        token: random number of the write that stored it.
    """

    shard: Shard
    advanced_ms: int = 0
    due_ms: int = 0
    token: int = 0


class ShardStates:
    """Loads and saves the shard of the present key.

    Args:
        handle: Spark's access to the state.
        task: the parameters of all shards.
        restored: makes a shard of its saved state, or a new one without.
    """

    def __init__(
        self,
        handle: StatefulProcessorHandle,
        task: Hashable,
        restored: Callable[[bytes | None], Shard],
    ) -> None:
        self._task, self._restored = task, restored
        self._shard = handle.getValueState(SHARD, SHARD_SCHEMA)
        self._head = handle.getValueState(HEAD, HEAD_SCHEMA)
        self._former_head = handle.getValueState(*_FORMER_HEAD)

    def load(self) -> KeptShard:
        """The shard of the present key; a new one if it has none.

        Raises:
            StateError: its state is damaged, or of other settings.
        """
        head = self._head.get()
        token, advanced_ms, due_ms = head or (0, *(self._former_head.get() or (0, 0)))
        shard = _remembered.pop((token, self._task), None)
        if shard is None:
            stored = self._shard.get()
            shard = self._restored(None if stored is None else decompressed(bytes(stored[0])))
        return KeptShard(shard, advanced_ms, due_ms, token)

    def save(self, kept: KeptShard, *, changed: bool = True) -> None:
        """Store the shard of the present key, for the next batch.

        Args:
            kept: the shard, which `load` returned.
            changed: whether its meters have changed, and not only the times.
        """
        shard = kept.shard
        # The state of a former version has no token to remember the shard by.
        if changed or not kept.token:
            latest = shard.latest
            latest_us = None if latest is None else int(latest.astype("datetime64[us]").astype(int))
            dropped = (shard.late, shard.doubled, shard.invalid)
            self._shard.update((compressed(shard.state()), latest_us, *dropped))
            kept.token = secrets.randbits(62) + 1
        self._head.update((kept.token, kept.advanced_ms, kept.due_ms))
        _remembered[kept.token, self._task] = shard
        if len(_remembered) > _MAX_REMEMBERED:
            _remembered.popitem(last=False)


def compressed(state: bytes) -> bytes:
    """The saved state of a shard as it is stored: its size, and its compressed bytes."""
    data: bytes = _CODEC.compress(state, asbytes=True)
    return len(state).to_bytes(_SIZE, "big") + data


def decompressed(data: bytes) -> bytes:
    """The saved state of a shard, from what `compressed` returned or a former version stored.

    Raises:
        StateError: the data are damaged.
    """
    if data.startswith(b"{"):  # not compressed until version 4
        return data
    try:
        size = int.from_bytes(data[:_SIZE], "big")
        state: bytes = _CODEC.decompress(data[_SIZE:], size, asbytes=True)
    except (OSError, ValueError, OverflowError, MemoryError) as error:
        raise StateError(f"state of a shard is damaged: {error}") from None
    return state
