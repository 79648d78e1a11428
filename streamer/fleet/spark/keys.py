"""Assignment of meters to shards, and of shards to Spark's partitions."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import Column

SEED = 42
"""Seed of the hash by which Spark partitions."""

_BITS = 0xFFFFFFFF


def murmur3(number: int, seed: int = SEED) -> int:
    """Spark's `hash` of one 32-bit integer: Murmur3_x86_32.

    Returns:
        A signed 32-bit integer.

    >>> murmur3(0), murmur3(1), murmur3(-1)
    (933211791, -559580957, -1604776387)
    """
    mixed = (number & _BITS) * 0xCC9E2D51 & _BITS
    mixed = _rotated(mixed, 15) * 0x1B873593 & _BITS
    state = _rotated((seed & _BITS) ^ mixed, 13) * 5 + 0xE6546B64 & _BITS
    state ^= 4  # bytes taken in
    state = (state ^ state >> 16) * 0x85EBCA6B & _BITS
    state = (state ^ state >> 13) * 0xC2B2AE35 & _BITS
    state ^= state >> 16
    return state - (1 << 32) if state >> 31 else state


def shard_keys(shards: int, partitions: int) -> list[int]:
    """A grouping key for each shard, such that shard i is in partition i % partitions.

    Spark assigns a key to a partition by its hash. With few arbitrary keys, some partitions would
    get several and others none, which would leave cores idle.

    >>> [murmur3(key) % 4 for key in shard_keys(6, 4)]
    [0, 1, 2, 3, 0, 1]
    """
    waiting = [list(range(first, shards, partitions))[::-1] for first in range(partitions)]
    keys = [0] * shards
    left = shards
    for key in count():
        if not left:
            break
        due = waiting[murmur3(key) % partitions]
        if due:
            keys[due.pop()] = key
            left -= 1
    return keys


METERS_PER_SHARD = 1000
_MIN_METERS = 30
"""A shard costs some time in each batch, which a few meters are not worth."""


def shards_for(meters: int, cores: int) -> int:
    """Number of shards for a number of meters: a thousand each, spread evenly over the cores.

    >>> [shards_for(meters, cores=4) for meters in (0, 60, 1_000, 10_000, 100_000)]
    [1, 2, 4, 12, 100]
    """
    spread = min(cores, max(1, meters // _MIN_METERS))
    return -(-max(1, meters) // (METERS_PER_SHARD * spread)) * spread


def shard_key(meter: Column, shards: int, partitions: int) -> Column:
    """The grouping key of a meter's shard."""
    from pyspark.sql import functions as fn

    # As text, because one call per shard takes seconds for thousands of shards.
    keys = fn.expr(f"array({', '.join(map(str, shard_keys(shards, partitions)))})")
    return fn.element_at(keys, fn.pmod(fn.hash(meter), fn.lit(shards)) + 1)


def _rotated(word: int, by: int) -> int:
    return (word << by | word >> (32 - by)) & _BITS
