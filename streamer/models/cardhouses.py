"""Houses whose data a model was trained on, on its card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from streamer.models.fields import Fields

_MAX_HOUSES = 1000
_MAX_NAME = 1000


@dataclass(frozen=True)
class CardHouse:
    """Training data of one house.

    Attributes:
        source: name of the file.
        trained_from: first minute of the training data; None if it is not known.
        trained_to: last minute of the training data; None likewise.
    """

    source: str
    trained_from: datetime | None
    trained_to: datetime | None


def read_houses(given: Fields) -> tuple[CardHouse, ...]:
    """The houses under `data`; none on the card of a model of one house without that entry.

    Raises:
        ModelError: an entry has an invalid value; the message names the key.
    """
    if not given.has("data") or not given.part("data").has("houses"):
        return ()
    return tuple(
        CardHouse(
            each.text("source", _MAX_NAME), each.moment("trained_from"), each.moment("trained_to")
        )
        for each in given.part("data").each("houses", _MAX_HOUSES)
    )
