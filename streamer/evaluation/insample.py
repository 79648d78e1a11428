"""In-sample minutes: those that a model was trained on, with scores that are too good."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from streamer.display.numbers import plural
from streamer.errors import UsageError
from streamer.models.card import Card
from streamer.readings import MINUTE
from streamer.readings.arrays import TimeArray


def seen_in_training(card: Card, at: TimeArray) -> TimeArray:
    """The minutes inside the spans that a model was trained on.

    Only the clock is compared: another house in the same years counts as inside.

    Args:
        card: the model's card; without a training span, nothing lies inside.
        at: (minutes,) times without zone.
    """
    inside = np.zeros(len(at), np.bool_)
    for span in card.trained_spans:
        begin, end = (np.datetime64(_naive(moment), "s") for moment in span)
        inside |= (at >= begin) & (at <= end)
    seen: TimeArray = at[inside]
    return seen


def refuse_in_sample(name: str, card: Card, at: TimeArray) -> None:
    """Raise UsageError if a model was trained on some of the minutes.

    Args:
        name: name of the model.
        card: its card.
        at: (minutes,) times of the minutes to score, in order.
    """
    seen = seen_in_training(card, at)
    if not len(seen):
        return
    remedies = ["--in-sample to score them all the same"]
    if at[-1] > seen[-1]:
        ends = [_naive(last) for _, last in card.trained_spans]
        later = min(last for last in ends if np.datetime64(last, "s") >= seen[-1]) + MINUTE
        remedies = [f"--from {later:%Y-%m-%dT%H:%M}", "a shorter --last", *remedies]
    spans = [
        f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}" for first, last in card.trained_spans
    ]
    raise UsageError(
        f"model {name!r} was trained on {', and on '.join(spans)}, and "
        f"{plural(len(seen), 'minute')} of the {len(at):,} to be scored lie in "
        f"{'those spans' if len(spans) > 1 else 'that span'} ({_text(seen[0])} to "
        f"{_text(seen[-1])}), where its scores are too good; use {', or '.join(remedies)}"
    )


def _naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def _text(at: np.datetime64) -> str:
    return str(at.astype("datetime64[m]")).replace("T", " ")
