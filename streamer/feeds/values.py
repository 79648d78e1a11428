"""What stands in a message: numbers, units, signs and times."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from streamer.feeds.address import Address

UNITS = {"W": 1000.0, "kW": 1.0}
"""Units of power: how many make a kW."""

SIGNS = {"import": 1.0, "export": -1.0}
"""What a positive value means."""

POWER_OPTIONS = {
    "unit": "unit of the power: W or kW",
    "sign": "what a positive value means: import (the default) or export",
}
"""The options that `Power.of` reads."""

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]|\[\"([^\"]+)\"\]")


class ValueProblem(ValueError):  # noqa: N818 - the message is all there is to it
    """A message has no power in it that can be read; says why."""


@dataclass(frozen=True)
class Power:
    """How a number becomes a power in kW, import positive.

    Attributes:
        unit: ``W`` or ``kW``.
        sign: what a positive number means, ``import`` or ``export``.

    >>> Power("W").kw(250.0), Power("kW", sign="export").kw(1.5)
    (0.25, -1.5)
    """

    unit: str
    sign: str = "import"

    @classmethod
    def of(cls, address: Address, *, unit: str | None = None, sign: str = "import") -> Power:
        """What an address's options ``unit`` and ``sign`` say.

        Args:
            address: the address.
            unit: the unit where the address says none; None if it must.
            sign: the sign where the address says none.

        Raises:
            UsageError: they are missing or wrong.
        """
        if unit is None:
            address.need("unit", "say unit=W or unit=kW; it is never guessed")
        chosen = address.choice("unit", UNITS, unit or "")
        return cls(chosen, address.choice("sign", SIGNS, sign))

    def kw(self, value: float) -> float:
        """A number of this unit and sign, in kW."""
        return value / UNITS[self.unit] * SIGNS[self.sign]


@dataclass(frozen=True)
class JsonPath:
    """Where in a JSON document a value stands: ``ENERGY.Power[0]`` or ``["a.b"].c``.

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
            ValueError: it is none.
        """
        steps: list[str | int] = []
        position = 0
        while position < len(text):
            match = _STEP.match(text, position)
            if match is None:
                raise ValueError(f"{text!r} is no path; write it like ENERGY.Power or phases[0].w")
            key, index, quoted = match.groups()
            steps.append(int(index) if index is not None else key or quoted)
            position = match.end()
        return cls(text, tuple(steps))

    @classmethod
    def of(cls, address: Address, option: str, default: str | None = None) -> JsonPath | None:
        """What an option of an address says, or else the default; None if there is neither.

        Raises:
            UsageError: it is no path.
        """
        text = address.options.get(option, default)
        try:
            return None if text is None else cls.parse(text)
        except ValueError as error:
            raise address.wrong(option, str(error)) from None

    def find(self, document: Any) -> Any:
        """The value that stands there.

        Raises:
            ValueProblem: there is none.
        """
        value = document
        for step in self.steps:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                raise ValueProblem(f"there is no {self.text} in it") from None
        return value


def parse_json(text: str | bytes) -> Any:
    """A JSON document.

    Raises:
        ValueProblem: it is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueProblem(f"not JSON: {error}") from None


def to_number(value: object) -> float:
    """A finite number, out of a number or its text.

    Raises:
        ValueProblem: it is none.

    >>> to_number("12.5"), to_number(3)
    (12.5, 3.0)
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueProblem(f"{_short(value)} is not a number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueProblem(f"{_short(value)} is not a number")
    return number


def to_moment(value: object) -> datetime:
    """A moment in time, with a zone.

    Args:
        value: ISO 8601, or seconds, milliseconds, microseconds or nanoseconds since 1970
            (which of them, the size tells). Without a zone it is on this machine's clock.

    Raises:
        ValueProblem: it is none.

    >>> to_moment("2026-03-29T01:59:00+01:00")
    datetime.datetime(2026, 3, 29, 0, 59, tzinfo=datetime.timezone.utc)
    >>> to_moment(1774745940) == to_moment("1774745940000") == to_moment(1774745940000000000)
    True
    """
    # Digits alone would pass for ISO 8601 now and then.
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
        raise ValueProblem(f"{_short(value)} is not a time") from None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"
