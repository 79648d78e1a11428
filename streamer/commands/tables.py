"""Tables of the configuration file beside `[watch]`, with errors that name file, table and key."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streamer.errors import ConfigError
from streamer.feeds.address import Secret

NAMES = ("publish", "serve", "notify")
"""Names of these tables."""


@dataclass(frozen=True)
class Table:
    """Values of a table by key, each checked when it is taken.

    Attributes:
        name: name of the table.
        file: the configuration file; None if there is none.
        values: what it has; empty for a table that the file does not have.
    """

    name: str
    file: Path | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.values)

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def check(self, known: Collection[str]) -> None:
        """Check that all keys are known.

        Raises:
            ConfigError: one is not.
        """
        for key in self.values:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"
                raise self.wrong(key, f"unknown key; {hint}")

    def text(self, key: str) -> str | None:
        """A text; None if it is not given.

        Raises:
            ConfigError: it is empty, or something else.
        """
        value = self.values.get(key)
        if value is None or (isinstance(value, str) and value):
            return value
        raise self.wrong(key, "give a non-empty text in quotes")

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty if it is not given.

        Raises:
            ConfigError: it is something else.
        """
        value = self.values.get(key, ())
        if isinstance(value, list | tuple) and all(
            isinstance(each, str) and each for each in value
        ):
            return tuple(value)
        raise self.wrong(key, 'give a list of texts, like ["…", "…"]')

    def number(self, key: str, default: float, *, least: float, most: float) -> float:
        """A number within bounds.

        Raises:
            ConfigError: it is out of bounds, or something else.
        """
        value = self.values.get(key, default)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and least <= value <= most and math.isfinite(value):
            return float(value)
        raise self.wrong(key, f"give a number from {least:g} to {most:g}")

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false.

        Raises:
            ConfigError: it is something else.
        """
        value = self.values.get(key, default)
        if isinstance(value, bool):
            return value
        raise self.wrong(key, "give true or false")

    def secret(self, key: str) -> Secret | None:
        """A secret from this table, or from the file that the key with `_file` names.

        Raises:
            ConfigError: both are given, or it is not a text.
            UsageError: that file cannot be read.
        """
        in_file = f"{key}_file"
        value, path = self.text(key), self.text(in_file)
        if value is not None and path is not None:
            raise self.wrong(key, f"{in_file} is given, too; leave one out")
        if path is not None:
            from streamer.feeds.secretfile import read_secret

            return read_secret(path)
        return None if value is None else Secret(value)

    def secret_files(self, *keys: str) -> list[Path]:
        """Files with the secrets that are given, for a look at who may read them."""
        files = [Path(path) for key in keys if (path := self.text(f"{key}_file"))]
        if self.file is not None and any(key in self.values for key in keys):
            files.append(self.file)
        return files

    def wrong(self, key: str, remedy: str) -> ConfigError:
        """The error about a key."""
        return ConfigError(f"{self.file}: [{self.name}] {key}: {remedy}")
