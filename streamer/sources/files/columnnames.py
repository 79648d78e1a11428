"""Columns of a table by name or number, and errors that list them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from streamer.display.lines import printable, shorten
from streamer.errors import UsageError

_LISTED_COLUMNS = 40


class ColumnNames:
    """The columns of a table, as options name them.

    Args:
        name: the file's name, for errors.
        names: names of the columns.
    """

    def __init__(self, name: str, names: Sequence[str]) -> None:
        self._name = name
        self._names = names

    def find(self, requested: str) -> list[int]:
        """Return the columns of a name; in another case only if none has it exactly."""
        text = requested.strip()
        exact = [i for i, name in enumerate(self._names) if name == text]
        return exact or [i for i, n in enumerate(self._names) if n.lower() == text.lower()]

    def requested(self, requested: str | int, option: str, prefix: str = "") -> int:
        """Return the column of a name or a number from 1.

        Args:
            requested: the value of the option.
            option: the option, for errors.
            prefix: the option's value before the name, likewise.

        Raises:
            UsageError: there is none, or several have the name.
        """
        text = str(requested).strip()
        alike = self.find(text)
        if alike:
            self.check_only(alike, shorten(text), option, prefix)
            return alike[0]
        if text.isdecimal() and 1 <= int(text) <= len(self._names):
            return int(text) - 1
        text = f"{option} {prefix}{shorten(text)} is not among them"
        raise self.error(text, option, f"{prefix}NAME")

    def check_only(self, indices: Sequence[int], what: str, option: str, prefix: str = "") -> None:
        """Raise UsageError if there are several columns."""
        if len(indices) > 1:
            text = f"several may be the {what} column: {self.shown(indices)}"
            raise self.error(text, option, f"{prefix}{self.choice(indices[0])}")

    def shown(self, indices: Sequence[int]) -> str:
        """The columns with their numbers, for errors."""
        return ", ".join(f"{shorten(self._names[i])} (number {i + 1})" for i in indices)

    def choice(self, index: int) -> str:
        """A column as the value of an option, quoted for a shell."""
        return shlex.quote(self.name(index))

    def name(self, index: int) -> str:
        """A column's name; its number if the name does not identify it."""
        name = self._names[index]
        return name if name and self._names.count(name) == 1 else str(index + 1)

    def error(
        self, what: str, option: str, choice: str = "NAME", *, unit: bool = False
    ) -> UsageError:
        """Return the error that lists the columns.

        Args:
            what: what is wrong, as part of a sentence.
            option: the option that chooses a column.
            choice: a value for it.
            unit: whether the unit must be given as well.
        """
        columns = ", ".join(printable(name) for name in self._names[:_LISTED_COLUMNS])
        if len(self._names) > _LISTED_COLUMNS:
            columns += f", … ({len(self._names)} in all)"
        end = f"choose one by name or number: {option} {choice}"
        if unit:
            end = f"if one of them is, give its name and unit: {option} NAME --unit kW"
        return UsageError(printable(f"{self._name} has the columns {columns}; {what}; {end}"))
