"""Tables of a tariff file, read key by key, with errors that name file, key and value."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

from streamer.display.lines import one_line
from streamer.errors import ConfigError

_MAX_NUMBER = 1_000_000
_DECIMALS = 9


class Table:
    """A table of which each key is read once, and what is left at the end is unknown.

    Args:
        values: contents, as parsed with numbers as `Decimal`.
        where: file and table, for errors.
    """

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self._left = dict(values)
        self._known: list[str] = []
        self.where = where

    @property
    def left(self) -> list[str]:
        """Keys that have not been read, on one line each."""
        return [one_line(key) for key in self._left]

    def take(self, key: str) -> Any:
        """The value of a key as it is; None without it."""
        self._known.append(key)
        return self._left.pop(key, None)

    def text(self, key: str) -> str | None:
        """A text that is not empty; None without the key."""
        value = self.take(key)
        if value is not None and (not isinstance(value, str) or not value.strip()):
            self.wrong(key, value, "give a text in quotes")
        return value

    def number(self, key: str, low: int = -_MAX_NUMBER) -> Decimal | None:
        """A number of at most nine decimals, exactly as it is written; None without the key."""
        value = self.take(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self.wrong(key, value, "give a number without quotes")
        number = Decimal(value)
        # Its size comes first: rounding a huge number is an error of its own.
        if not number.is_finite() or not low <= number <= _MAX_NUMBER:
            self.wrong(key, value, f"give a number from {low:,} to {_MAX_NUMBER:,}")
        if number != round(number, _DECIMALS):
            self.wrong(key, value, f"give at most {_DECIMALS} decimals")
        return number

    def choice(self, key: str, choices: tuple[Any, ...]) -> Any:
        """One of some values, the first of them without the key."""
        value = self.take(key)
        if value is None:
            return choices[0]
        # True equals 1, but does not mean it.
        if not any(value == each and type(value) is type(each) for each in choices):
            shown = " or ".join(_toml(each) for each in choices if each is not None)
            self.wrong(key, value, f"give {shown}")
        return value

    def table(self, key: str) -> Table | None:
        """A table in it; None without the key."""
        value = self.take(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.wrong(key, value, f"begin a table with a line [{key}]")
        return Table(value, f"{self.where} [{key}]")

    def end(self) -> None:
        """Check that nothing is left.

        Raises:
            ConfigError: a key is unknown.
        """
        for key in self._left:
            near = difflib.get_close_matches(key, self._known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(self._known)}"
            raise ConfigError(f"{self.where} {one_line(key)}: unknown key; {hint}")

    def wrong(self, key: str, value: Any, remedy: str) -> NoReturn:
        """Raise the error about a value."""
        raise ConfigError(f"{self.where} {key} = {one_line(_toml(value))[:60]}: {remedy}")


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal | int):
        known = Decimal(value).is_finite() and -_MAX_NUMBER <= value <= _MAX_NUMBER
        return str(value) if known else "…"
    return f'"{value}"' if isinstance(value, str) else str(value)
