"""Offsets in Spark's notation, and their distribution over batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from streamer.errors import SourceError

Offsets: TypeAlias = dict[int, int]
"""The next offset to read, by partition."""

OffsetJson: TypeAlias = dict[str, dict[str, int]]
"""The same by topic, in the form of Spark's own connector in the checkpoint."""


def to_json(topic: str, offsets: Mapping[int, int]) -> OffsetJson:
    """Offsets for the checkpoint, in a canonical order.

    >>> to_json("readings", {10: 4, 2: 3})
    {'readings': {'2': 3, '10': 4}}
    """
    return {topic: {str(partition): offsets[partition] for partition in sorted(offsets)}}


def from_json(topic: str, json: OffsetJson) -> Offsets:
    """Offsets from the checkpoint.

    Raises:
        SourceError: they are those of another topic.
    """
    if set(json) != {topic}:
        raise SourceError(
            f"the checkpoint is for topic {', '.join(json)}, but the source is topic {topic}: "
            "give each topic its own checkpoint"
        )
    return {int(partition): offset for partition, offset in json[topic].items()}


def shares(lags: Mapping[int, int], limit: int) -> Offsets:
    """Number of offsets to take from each partition, at most `limit` in total.

    In proportion to the lag of each, so that none gets far ahead of the others in time.

    >>> shares({0: 900, 1: 100, 2: 0}, 50)
    {0: 45, 1: 5, 2: 0}
    >>> shares({0: 3, 1: 3, 2: 3}, 4)
    {0: 2, 1: 1, 2: 1}
    """
    total = sum(lags.values())
    if total <= limit:
        return dict(lags)
    taken = {partition: lag * limit // total for partition, lag in lags.items()}
    by_rest = sorted(lags, key=lambda partition: (-(lags[partition] * limit % total), partition))
    for partition in by_rest[: limit - sum(taken.values())]:
        taken[partition] += 1
    return taken
