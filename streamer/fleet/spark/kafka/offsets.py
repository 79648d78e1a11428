"""Offsets as Spark keeps them, and how much of what there is goes into a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from streamer.errors import SourceError

Offsets: TypeAlias = dict[int, int]
"""The next offset to read, by partition."""

OffsetJson: TypeAlias = dict[str, dict[str, int]]
"""The same by topic, in the form that Spark's own connector gives it in the checkpoint."""


def to_json(topic: str, offsets: Mapping[int, int]) -> OffsetJson:
    """For the checkpoint; the same offsets are always the same text.

    >>> to_json("readings", {10: 4, 2: 3})
    {'readings': {'2': 3, '10': 4}}
    """
    return {topic: {str(partition): offsets[partition] for partition in sorted(offsets)}}


def from_json(topic: str, json: OffsetJson) -> Offsets:
    """From the checkpoint.

    Raises:
        SourceError: they are another topic's.
    """
    if set(json) != {topic}:
        raise SourceError(
            f"the checkpoint is of topic {', '.join(json)}, and the source of topic {topic}: "
            "give the topic its own checkpoint"
        )
    return {int(partition): offset for partition, offset in json[topic].items()}


def shares(lags: Mapping[int, int], most: int) -> Offsets:
    """How many offsets of each partition to take, so that all together are at most `most`.

    In proportion to what each is behind, so that none runs far ahead of the others in time.

    >>> shares({0: 900, 1: 100, 2: 0}, 50)
    {0: 45, 1: 5, 2: 0}
    >>> shares({0: 3, 1: 3, 2: 3}, 4)
    {0: 2, 1: 1, 2: 1}
    """
    total = sum(lags.values())
    if total <= most:
        return dict(lags)
    taken = {partition: lag * most // total for partition, lag in lags.items()}
    by_rest = sorted(lags, key=lambda partition: (-(lags[partition] * most % total), partition))
    for partition in by_rest[: most - sum(taken.values())]:
        taken[partition] += 1
    return taken
