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
    """The minutes inside the span that a model was trained on.

    Only the clock is compared: another house in the same years counts as inside.

    Args:
        card: the model's card; without a training span, nothing lies inside.
        at: (minutes,) times without zone.
    """
    if card.trained_from is None or card.trained_to is None:
        return at[:0]
    begin, end = (np.datetime64(_naive(m), "s") for m in (card.trained_from, card.trained_to))
    inside: TimeArray = at[(at >= begin) & (at <= end)]
    return inside


def refuse_in_sample(name: str, card: Card, at: TimeArray) -> None:
    """Raise UsageError if a model was trained on some of the minutes.

    Args:
        name: name of the model.
        card: its card.
        at: (minutes,) times of the minutes to score, in order.
    """
    seen = seen_in_training(card, at)
    if not len(seen) or card.trained_from is None or card.trained_to is None:
        return
    remedies = ["--in-sample to score them all the same"]
    if at[-1] > seen[-1]:
        later = _naive(card.trained_to) + MINUTE
        remedies = [f"--from {later:%Y-%m-%dT%H:%M}", "a shorter --last", *remedies]
    raise UsageError(
        f"model {name!r} was trained on {card.trained_from:%Y-%m-%d %H:%M} to "
        f"{card.trained_to:%Y-%m-%d %H:%M}, and {plural(len(seen), 'minute')} of the "
        f"{len(at):,} to be scored lie in that span ({_text(seen[0])} to {_text(seen[-1])}), "
        f"where its scores are too good; use {', or '.join(remedies)}"
    )


def _naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def _text(at: np.datetime64) -> str:
    return str(at.astype("datetime64[m]")).replace("T", " ")
