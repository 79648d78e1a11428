"""Status of a fleet's meters from the summaries of its shards: counts, scores, worst meters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest
from typing import Any

from streamer.fleet.summary import MIN_SETTLED, MeterSummary, Scores, ShardSummary, time_of

_MINUTE_US = 60_000_000
_SUMMED = ("meters", "late", "doubled", "invalid", "silent")


@dataclass(frozen=True, kw_only=True)
class MetersStatus:
    """Status of all meters.

    Attributes:
        batch: number of the last batch that is in these figures; None if shards may be missing,
            which the next run corrects.
        meters: number of meters so far.
        shards: number of shards with meters.
        newest: the newest minute that a shard has reached, ignoring single meters whose clocks
            are ahead.
        oldest: the last minute of the meter that is furthest behind.
        late: readings dropped in all batches because they were late.
        doubled: readings dropped because they were duplicates.
        invalid: readings dropped because their power was not finite.
        scores: scores of the fleet, one minute ahead.
        horizons: scores of the means over more minutes, by their number.
        silent: number of meters that were reported as silent and have sent no reading since.
        soon_silent: number of other meters in shards that are as far behind the newest minute,
            which will be reported within a minute or two.
        longest_silent: the meters of both kinds that are furthest behind.
        lowest_skill: the meters with the lowest skill, of those with at least `MIN_SETTLED`
            settled minutes.
        largest_mse: the meters with the largest MSE, of the same.
    """

    batch: int | None
    meters: int
    shards: int
    newest: datetime | None
    oldest: datetime | None
    late: int
    doubled: int
    invalid: int
    scores: Scores
    horizons: dict[str, Scores]
    silent: int
    soon_silent: int
    longest_silent: tuple[MeterSummary, ...]
    lowest_skill: tuple[MeterSummary, ...]
    largest_mse: tuple[MeterSummary, ...]


def meters_status(
    shards: Mapping[int, ShardSummary], *, batch: int | None, worst: int, silent_after: int
) -> MetersStatus:
    """Status of all meters out of the last summaries of their shards.

    Args:
        shards: the summaries by key.
        batch: number of the last batch that is in them.
        worst: number of meters in each ranking.
        silent_after: minutes after which a meter is silent; 0 for never.
    """
    all_of_them = shards.values()
    sums = {name: sum(getattr(it, name) for it in all_of_them) for name in _SUMMED}
    newest_us = max((it.latest_us for it in all_of_them if it.latest_us is not None), default=None)
    oldest_us = min((it.oldest_us for it in all_of_them if it.oldest_us is not None), default=None)
    bound_us = -1
    if silent_after and newest_us is not None:
        bound_us = newest_us - silent_after * _MINUTE_US
    known = [meter for shard in all_of_them for meter in shard.worst]
    scored = [meter for meter in known if meter.settled >= MIN_SETTLED]

    def first(
        meters: Iterable[MeterSummary], order: Callable[[MeterSummary], Any]
    ) -> tuple[MeterSummary, ...]:
        return tuple(nsmallest(worst, meters, key=lambda it: (order(it), it.meter)))

    return MetersStatus(
        batch=batch,
        **sums,
        shards=len(shards),
        newest=None if newest_us is None else time_of(newest_us / 1e6),
        oldest=None if oldest_us is None else time_of(oldest_us / 1e6),
        scores=_scores(all_of_them, "1"),
        horizons={
            minutes: _scores(all_of_them, minutes)
            for minutes in sorted({it for shard in all_of_them for it in shard.scores}, key=int)
            if minutes != "1"
        },
        soon_silent=sum(
            it.meters - it.silent
            for it in all_of_them
            if it.latest_us is not None and it.latest_us < bound_us
        ),
        longest_silent=first(
            (it for it in known if it.silent or it.minute_us < bound_us),
            lambda it: it.minute_us,
        ),
        lowest_skill=first((it for it in scored if it.skill is not None), lambda it: it.skill),
        largest_mse=first(scored, lambda it: -(it.mse_kw2 or 0.0)),
    )


def _scores(shards: Iterable[ShardSummary], minutes: str) -> Scores:
    return Scores.total(it.scores[minutes] for it in shards if minutes in it.scores).means()
