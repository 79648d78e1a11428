"""Fields of a JSON object, read by type and bounds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from streamer.errors import ModelError

_SHOWN = 60
"""Characters of a wrong value that an error shows."""

FIRST_YEAR, LAST_YEAR = 1900, 2200
"""Years between which times are plausible."""


class Fields:
    """Fields of a JSON object. Every error is a `ModelError` that names place, key and value.

    Args:
        where: the place, such as a file or a layer.
        value: what should be an object.

    Raises:
        ModelError: it is not an object; from the methods: the field is missing, or has another
            type or value.

    >>> fields = Fields("card.json", {"window": 49, "target": "level"})
    >>> fields.whole("window", 1, 1440)
    49
    >>> fields.whole("window", 1, 48)
    Traceback (most recent call last):
    ...
    streamer.errors.ModelError: card.json: 'window' is 49; give a whole number from 1 to 48
    """

    def __init__(self, where: str, value: Any) -> None:
        if not isinstance(value, Mapping):
            raise ModelError(f"{where}: is {_short(value)}, not a JSON object")
        self.where = where
        self._value = value

    def has(self, key: str) -> bool:
        """True if there is a field of that name with a value."""
        return self._value.get(key) is not None

    def text(self, key: str, most: int = 200) -> str:
        """A text of 1 to `most` characters."""
        value = self._value.get(key)
        if not isinstance(value, str) or not 0 < len(value) <= most:
            raise self.wrong(key, f"give a text of 1 to {most} characters")
        return value

    def whole(self, key: str, least: int, most: int) -> int:
        """A whole number within bounds."""
        value = self._value.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.wrong(key, f"give a whole number from {least} to {most}")
        return value

    def number(self, key: str, least: float, most: float) -> float:
        """A number within bounds."""
        value = self._value.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(key, "give a number")
        if not least <= value <= most:
            raise self.wrong(key, f"give a number from {least:g} to {most:g}")
        return float(value)

    def moment(self, key: str) -> datetime | None:
        """A time without its zone; None if there is none."""
        value = self._value.get(key)
        if value is None:
            return None
        try:
            found = datetime.fromisoformat(value).replace(tzinfo=None)
        except (TypeError, ValueError):
            found = None
        if found is None or not FIRST_YEAR <= found.year <= LAST_YEAR:
            raise self.wrong(key, f"give an ISO 8601 time of {FIRST_YEAR} to {LAST_YEAR}")
        return found

    def texts(self, key: str, most: int, length: int = 200) -> tuple[str, ...]:
        """A list of at most `most` texts of 1 to `length` characters."""
        value = self._value.get(key)
        if not isinstance(value, list) or len(value) > most:
            raise self.wrong(key, f"give a list of at most {most} texts")
        if not all(isinstance(each, str) and 0 < len(each) <= length for each in value):
            raise self.wrong(key, f"give texts of 1 to {length} characters")
        return tuple(value)

    def wholes(self, key: str, length: int, least: int, most: int) -> tuple[int, ...]:
        """A list of at most `length` whole numbers within bounds."""
        items = self._items(key, length, "whole numbers")
        given = Fields(self.where, items)
        return tuple(given.whole(place, least, most) for place in items)

    def numbers(self, key: str, length: int, least: float, most: float) -> tuple[float, ...]:
        """A list of at most `length` numbers within bounds."""
        items = self._items(key, length, "numbers")
        given = Fields(self.where, items)
        return tuple(given.number(place, least, most) for place in items)

    def each(self, key: str, most: int) -> list[Fields]:
        """A list of at most `most` objects."""
        value = self._value.get(key)
        if not isinstance(value, list) or len(value) > most:
            raise self.wrong(key, f"give a list of at most {most} objects")
        return [Fields(f"{self.where}: {key}[{i}]", each) for i, each in enumerate(value)]

    def part(self, key: str) -> Fields:
        """An object."""
        if key not in self._value:
            raise self.wrong(key, "give an object")
        return Fields(f"{self.where}: {key}", self._value[key])

    def parts(self, key: str, most: int) -> dict[str, Fields]:
        """An object of at most `most` objects, by name."""
        value = self._value.get(key)
        if not isinstance(value, Mapping) or len(value) > most:
            raise self.wrong(key, f"give an object of at most {most} objects")
        return {
            name: Fields(f"{self.where}: {key}: {_short(name)}", each)
            for name, each in value.items()
        }

    def _items(self, key: str, most: int, what: str) -> dict[str, Any]:
        """The items of a list, by the name of their place, as `minutes[0]`."""
        value = self._value.get(key)
        if not isinstance(value, list) or len(value) > most:
            raise self.wrong(key, f"give a list of at most {most} {what}")
        return {f"{key}[{place}]": each for place, each in enumerate(value)}

    def get(self, key: str, default: Any = None) -> Any:
        """The field as it is."""
        return self._value.get(key, default)

    def without(self, *keys: str) -> dict[str, Any]:
        """All fields but these, as they are."""
        return {key: value for key, value in self._value.items() if key not in keys}

    def wrong(self, key: str, wanted: str) -> ModelError:
        """The error of a field with a wrong value."""
        if key not in self._value:
            return ModelError(f"{self.where}: {key!r} is missing; {wanted}")
        return ModelError(f"{self.where}: {key!r} is {_short(self._value[key])}; {wanted}")


def _short(value: Any) -> str:
    # Only as much of a large value is converted as is shown.
    if isinstance(value, int) and abs(value) >= 1 << 64:
        return "a number of more than 19 digits"
    if isinstance(value, str):
        value = value[: _SHOWN + 1]
    text = repr(value[:_SHOWN] if isinstance(value, list) else value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
