r"""Paths to places in JSON documents: ``ENERGY.Power[0]`` or ``["a.b"].c``.

==================== ====================================================================
step                 selects
==================== ====================================================================
``name``             the member of an object; names with ``. [ ] , | ?`` are quoted
``["name"]``         the same; the name may be empty, and ``\`` escapes a quotation mark
``[0]``              the element of an array
``[*]`` or ``*``     all elements of an array or members of an object
``[name=text]``      the elements of an array whose member has this text or number
==================== ====================================================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NamedTuple

from streamer.feeds.address import Address
from streamer.feeds.values.malformed import MalformedError, MissingError
from streamer.feeds.values.numbers import split_unit

_STEP = re.compile(
    r"""\.?(?P<key>[^.\[\],|?*]+)
    |\.?(?P<all>\*)
    |\[(?:(?P<index>[0-9]{1,9})
        |(?P<each>\*)
        |(?P<quote>["'])(?P<quoted>(?:\\.|(?!(?P=quote))[^\\])*)(?P=quote)
        |(?P<name>[^"'\[\]=*]+)=(?P<text>[^\[\]]*))\]""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)

_MAX_PLACES: Final = 1000
_MAX_NAMES: Final = 6

_NEUTRAL = ("value", "state", "v", "val")
"""Names of a value that leave open what is measured."""

_BESIDE = ("unit", "units", "unit_of_measurement", "uom", "u")


class Each(NamedTuple):
    """Step to all elements or members, or to those with a text in one of their members."""

    name: str | None = None
    text: str = ""


class Place(NamedTuple):
    """A value in a document.

    Attributes:
        value: the value.
        unit: the text beside the value that gives its unit, if there is one.
        neutral: whether the name of the value leaves open what is measured.
    """

    value: Any
    unit: Any = None
    neutral: bool = False


@dataclass(frozen=True)
class JsonPath:
    """Place of a value in a JSON document: ``ENERGY.Power[0]`` or ``["a.b"].c``.

    Attributes:
        text: the path as it was given; empty for the document itself.
        steps: names, positions and selections.

    >>> JsonPath.parse("em.phases[1].power").find({"em": {"phases": [{}, {"power": 7.5}]}})
    7.5
    >>> [place.value for place in JsonPath.parse("em[*].p").places({"em": [{"p": 1}, {"p": 2}]})]
    [1, 2]
    """

    text: str
    steps: tuple[str | int | Each, ...]

    @classmethod
    def parse(cls, text: str) -> JsonPath:
        """Read a path.

        Raises:
            ValueError: the text is not a path.
        """
        path, end = cls.parse_at(text, 0)
        if end < len(text):
            raise not_a_path(text)
        return path

    @classmethod
    def parse_at(cls, text: str, start: int) -> tuple[JsonPath, int]:
        """Read the path that begins at `start`; returns it, and the position of its end.

        Raises:
            ValueError: the text there is not a path.
        """
        if not text.isprintable():  # it is quoted in errors
            raise not_a_path(text)
        steps: list[str | int | Each] = []
        position = start
        while position < len(text) and text[position] not in ",|?":
            match = _STEP.match(text, position)
            if match is None:
                raise not_a_path(text)
            steps.append(_step(match))
            position = match.end()
        return cls(text[start:position], tuple(steps)), position

    @classmethod
    def of(cls, address: Address, option: str, default: str | None = None) -> JsonPath | None:
        """Read the path in an option of an address, or in the default; None without either.

        Raises:
            UsageError: the text is not a path.
        """
        text = address.options.get(option, default)
        try:
            return None if text is None else cls.parse(text)
        except ValueError as error:
            raise address.wrong(option, str(error)) from None

    def find(self, document: Any) -> Any:
        """Return the value at this place.

        Raises:
            MissingError: the document has no such place.
            MalformedError: there are several.
        """
        places = self.places(document)
        if len(places) > 1:
            raise MalformedError(f"{self.text} is in several places")
        return places[0].value

    def places(self, document: Any) -> list[Place]:
        """Return the values at all places that the path selects.

        Raises:
            MissingError: the document has no such place, or lacks one of them.
            MalformedError: there are too many.
        """
        places = [Place(document)]
        for step in self.steps:
            found: list[Place] = []
            for place in places:
                found += self._after(step, place.value)
            if not found:
                raise MissingError(f"{self.text} is missing")
            if len(found) > _MAX_PLACES:
                raise MalformedError(f"{self.text} is in more than {_MAX_PLACES} places")
            places = found
        return places

    def _after(self, step: str | int | Each, holder: Any) -> list[Place]:
        if isinstance(step, Each):
            return [Place(value) for value in _selected(step, holder)]
        if isinstance(step, int) and isinstance(holder, list) and step < len(holder):
            return [Place(holder[step])]
        if isinstance(step, str) and isinstance(holder, dict) and step in holder:
            return [Place(holder[step], _unit_beside(holder), step.lower() in _NEUTRAL)]
        raise MissingError(f"{self.text} is missing")


def not_a_path(text: str) -> ValueError:
    """Return the error for a text that is not a path."""
    return ValueError(f"{text!r} is not a path; write it like ENERGY.Power or phases[0].w")


def parse_json(text: str | bytes) -> Any:
    """Decode a JSON document.

    Raises:
        MalformedError: the text is not JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"not JSON: {error}") from None


def with_contents(error: MissingError, document: Any) -> str:
    """Return the text of an error with the paths of the numbers that a document contains.

    >>> with_contents(MissingError("p is missing"), {"q": 1, "r": [{"s.t": 2}]})
    'p is missing; it contains q, r[0]["s.t"]'
    """
    names = ", ".join(islice(_numbers(document), _MAX_NAMES))
    return f"{error}; it contains {names}" if names else str(error)


def _step(match: re.Match[str]) -> str | int | Each:
    if match["index"] is not None:
        return int(match["index"])
    if match["quoted"] is not None:
        return _ESCAPED.sub(r"\1", match["quoted"])
    if match["name"] is not None:
        return Each(match["name"], match["text"].strip("\"'"))
    return Each() if match["key"] is None else match["key"]


def _selected(step: Each, holder: Any) -> list[Any]:
    values = list(holder.values()) if isinstance(holder, dict) else holder
    if not isinstance(values, list):
        return []
    if step.name is None:
        return values
    return [
        value
        for value in values
        if isinstance(value, dict)
        and isinstance(found := value.get(step.name), str | int | float)
        and str(found).lower() == step.text.lower()
    ]


def _unit_beside(holder: dict[str, Any]) -> Any:
    attributes = holder.get("attributes")
    for each in (holder, attributes if isinstance(attributes, dict) else {}):
        for name in _BESIDE:
            if isinstance(unit := each.get(name), str) and unit.strip():
                return unit
    return None


def _is_numeric(value: object) -> bool:
    try:
        split_unit(value)
    except MalformedError:
        return False
    return True


def _numbers(document: Any, prefix: str = "", depth: int = 4) -> Iterator[str]:
    """Paths of the numbers in a document, if they are fit for display."""
    if isinstance(document, bool) or not depth:
        return
    if isinstance(document, int | float | str):
        if prefix and _is_numeric(document):
            yield prefix
    elif isinstance(document, list):
        for number, value in enumerate(document[:_MAX_NAMES]):
            yield from _numbers(value, f"{prefix}[{number}]", depth - 1)
    elif isinstance(document, dict):
        for key, value in document.items():
            if not (key.isprintable() and len(key) <= 40) or set(key) & set('"\\'):
                continue
            if not key or set(key) & set(".[],|?*"):
                yield from _numbers(value, f'{prefix}["{key}"]', depth - 1)
            else:
                yield from _numbers(value, f"{prefix}.{key}" if prefix else key, depth - 1)
