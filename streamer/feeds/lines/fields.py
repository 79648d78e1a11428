"""Fields of line protocol that are added: ``field=l1,l2,l3?``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streamer.feeds.address import Address


@dataclass(frozen=True)
class Fields:
    """Names of fields to be added; ``?`` marks one that counts as 0 where it is missing.

    Attributes:
        names: the names, each with whether it is optional.

    >>> Fields.parse("l1,l2?").values({"l1": 3}), Fields.parse("l1,l2").values({"l1": 3})
    ([3], None)
    """

    names: tuple[tuple[str, bool], ...]

    @classmethod
    def parse(cls, text: str) -> Fields:
        """Read the names."""
        return cls(tuple((name.removesuffix("?"), name[-1:] == "?") for name in text.split(",")))

    @classmethod
    def of(cls, address: Address, option: str) -> Fields | None:
        """Read the names in an option of an address; None without it.

        Raises:
            UsageError: a name is empty.
        """
        text = address.text(option)
        if text is None:
            return None
        fields = cls.parse(text)
        if not all(name for name, _ in fields.names):
            raise address.wrong(option, "give the names of fields, like l1,l2,l3")
        return fields

    def values(self, fields: Mapping[str, Any]) -> list[Any] | None:
        """Return the values to be added; None if a field is missing that is not optional."""
        if any(name not in fields and not optional for name, optional in self.names):
            return None
        return [fields[name] for name, _ in self.names if name in fields]

    def __str__(self) -> str:
        return ", ".join(name for name, _ in self.names)
