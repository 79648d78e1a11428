"""Numbers, units, signs, JSON paths and times in the messages of meters."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from streamer.feeds.address import Address

UNITS = {"W": 1000.0, "kW": 1.0}
"""Units of power, each with its number per kW."""

SIGNS = {"import": 1.0, "export": -1.0}
"""Meanings of a positive value, each with the factor that makes import positive."""

POWER_OPTIONS = {
    "unit": "unit of the power: W or kW",
    "sign": "what a positive value means: import (the default) or export",
}
"""The options that `Power.of` reads."""

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]|\[\"([^\"]+)\"\]")


class MalformedError(ValueError):
    """A message from which no power can be read; the text gives the reason."""


@dataclass(frozen=True)
class Power:
    """Conversion of a number to a power in kW, import positive.

    Attributes:
        unit: ``W`` or ``kW``.
        sign: meaning of a positive number, ``import`` or ``export``.

    >>> Power("W").kw(250.0), Power("kW", sign="export").kw(1.5)
    (0.25, -1.5)
    """

    unit: str
    sign: str = "import"

    @classmethod
    def of(cls, address: Address, *, unit: str | None = None, sign: str = "import") -> Power:
        """Read the options ``unit`` and ``sign`` of an address.

        Args:
            address: the address.
            unit: unit if the address has none; None if the option is required.
            sign: sign if the address has none.

        Raises:
            UsageError: an option is missing or wrong.
        """
        if unit is None:
            address.need("unit", "give unit=W or unit=kW; it is never guessed")
        chosen = address.choice("unit", UNITS, unit or "")
        return cls(chosen, address.choice("sign", SIGNS, sign))

    def kw(self, value: float) -> float:
        """Convert a number of this unit and sign to kW."""
        return value / UNITS[self.unit] * SIGNS[self.sign]


@dataclass(frozen=True)
class JsonPath:
    """Place of a value in a JSON document: ``ENERGY.Power[0]`` or ``["a.b"].c``.

    Attributes:
        text: the path as it was given; empty for the document itself.
        steps: keys and positions.

    >>> JsonPath.parse("em.phases[1].power").find({"em": {"phases": [{}, {"power": 7.5}]}})
    7.5
    """

    text: str
    steps: tuple[str | int, ...]

    @classmethod
    def parse(cls, text: str) -> JsonPath:
        """Read a path.

        Raises:
            ValueError: the text is not a path.
        """
        steps: list[str | int] = []
        position = 0
        while position < len(text):
            match = _STEP.match(text, position)
            if match is None:
                raise ValueError(
                    f"{text!r} is not a path; write it like ENERGY.Power or phases[0].w"
                )
            key, index, quoted = match.groups()
            steps.append(int(index) if index is not None else key or quoted)
            position = match.end()
        return cls(text, tuple(steps))

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
            MalformedError: the document has no such place.
        """
        value = document
        for step in self.steps:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                raise MalformedError(f"{self.text} is missing") from None
        return value


def parse_json(text: str | bytes) -> Any:
    """Decode a JSON document.

    Raises:
        MalformedError: the text is not JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"not JSON: {error}") from None


def to_number(value: object) -> float:
    """Convert a number, or the text of one, to a finite float.

    Raises:
        MalformedError: the value is not a finite number.

    >>> to_number("12.5"), to_number(3)
    (12.5, 3.0)
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise MalformedError(f"{_short(value)} is not a number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise MalformedError(f"{_short(value)} is not a number")
    return number


def to_moment(value: object) -> datetime:
    """Convert a value to a moment in time, in UTC.

    Args:
        value: ISO 8601, or seconds, milliseconds, microseconds or nanoseconds since 1970,
            distinguished by their size. Without a zone it is in this machine's local time.

    Raises:
        MalformedError: the value is not a time.

    >>> to_moment("2026-03-29T01:59:00+01:00")
    datetime.datetime(2026, 3, 29, 0, 59, tzinfo=datetime.timezone.utc)
    >>> to_moment(1774745940) == to_moment("1774745940000") == to_moment(1774745940000000000)
    True
    """
    # Some numbers would pass for ISO 8601 dates.
    if isinstance(value, str) and not value.strip().isdigit():
        try:
            return datetime.fromisoformat(value.strip()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    try:
        number = to_number(value)
        for _ in range(3):
            number /= 1e3 if abs(number) >= 1e11 else 1.0
        return datetime.fromtimestamp(number, UTC)
    except (ValueError, OverflowError, OSError):
        raise MalformedError(f"{_short(value)} is not a time") from None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"
