"""Places of a meter's values in a JSON document, and their conversion to samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from streamer.feeds.values.direction import DIRECTION_OPTIONS, Direction
from streamer.feeds.values.malformed import MalformedError, MissingError, quoted
from streamer.feeds.values.paths import JsonPath, Place
from streamer.feeds.values.pathsum import PathSum
from streamer.feeds.values.quantity import Quantity
from streamer.feeds.values.times import to_moment
from streamer.readings import CounterSample, Sample

LAYOUT_OPTIONS = {
    "minus": "places of values to subtract, such as the power fed into the grid, written like "
    "path; out? counts as 0 where it is missing",
    **DIRECTION_OPTIONS,
}
"""Options of the feeds that read JSON, beside their ``path`` and ``time``."""


@dataclass(frozen=True)
class JsonLayout:
    """Places of the values and of their time in a JSON document.

    Attributes:
        quantity: the measured quantity.
        path: places of the values to be added.
        minus: places of values to subtract, such as the power fed into the grid.
        time: place of the time; None for the time of arrival.
        direction: place of the sign; None if the values have it.
        valid: places of marks that are all true, or above 0, where the meter measures.
        apart: whether a document may lack `minus` although it is not zero, where the sum of
            `path` is zero: it is then a document without a value.

    >>> layout = JsonLayout(Quantity("W"), PathSum.parse("in"), PathSum.parse("out?"))
    >>> layout.read({"in": 0, "out": 250}), layout.read({"in": 100})
    (Sample(kw=-0.25, at=None, channel=''), Sample(kw=0.1, at=None, channel=''))
    """

    quantity: Quantity
    path: PathSum
    minus: PathSum | None = None
    time: JsonPath | None = None
    direction: Direction | None = None
    valid: PathSum | None = None
    apart: bool = False

    def read(self, document: Any) -> Sample | CounterSample:
        """Return the sample of a document; NaN where the meter does not know its value.

        Raises:
            MissingError: the document lacks one of the places.
            MalformedError: one of them does not hold such a value.
        """
        return self.quantity.item(self.number(document), self.moment(document))

    def number(self, document: Any) -> float:
        """Return the value in kW or kWh, before the address's sign is applied.

        Raises:
            MissingError, MalformedError: as `read`.
        """
        places = self.path.places(document)
        if not places:
            raise MissingError(f"{self.path.text} is missing")
        minus = [] if self.minus is None else self.minus.places(document)
        numbers = [self._number(place) for place in places]
        less = [self._number(place) for place in minus]
        if self.apart and self.minus is not None and not less and not any(numbers):
            raise MissingError(f"{self.minus.text} is missing")
        if self.valid is not None and not all(
            _is_set(place.value) for place in self.valid.places(document)
        ):
            return math.nan
        if any(map(math.isnan, numbers + less)):
            return math.nan
        if self.direction is not None:
            if self.direction.is_unknown(document):
                return math.nan
            signs = self.direction.signs(document, len(numbers))
            numbers = [sign * abs(number) for sign, number in zip(signs, numbers, strict=True)]
        total = self.quantity.together(*numbers, *(-number for number in less))
        if not math.isfinite(total):
            raise MalformedError("the value is infinite")
        return total

    def moment(self, document: Any) -> datetime | None:
        """Return the time in a document; None for the time of arrival.

        Raises:
            MissingError, MalformedError: the document does not have it.
        """
        return None if self.time is None else to_moment(self.time.find(document))

    def _number(self, place: Place) -> float:
        if isinstance(place.value, list | dict):
            raise MalformedError(f"{quoted(place.value)} is not a number")
        unit = place.unit
        if unit is not None and not place.neutral:
            # The value's own name gives its quantity; the unit may belong to another one.
            unit = unit if unit_known(self.quantity, unit) else None
        return self.quantity.number(place.value, unit)


def _is_set(mark: Any) -> bool:
    return mark is True or (isinstance(mark, int | float) and mark > 0)


def unit_known(quantity: Quantity, unit: Any) -> bool:
    """Whether a text is a unit of a quantity."""
    try:
        quantity.check_unit(unit)
    except MalformedError:
        return False
    return True
