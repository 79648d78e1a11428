"""Resolved settings of one meter, and the origin of each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from streamer.commands.config import FEED, PROCESS, SECRETS
from streamer.commands.tables import Table
from streamer.display.lines import one_line
from streamer.display.numbers import NOTHING
from streamer.errors import ConfigError
from streamer.feeds.address import Address, Credentials, Secret

PREFIX = "STREAMER"
"""Beginning of the names of variables."""

FLAG, VARIABLE, FILE = ORIGINS = ("COMMANDLINE", "ENVIRONMENT", "DEFAULT_MAP")
"""Origins of a setting, in typer's terms, from the highest precedence to the lowest."""


def variable(key: str) -> str:
    """The variable for a setting.

    >>> variable("max_kw")
    'STREAMER_MAX_KW'
    """
    return f"{PREFIX}_{key.upper()}"


@dataclass(frozen=True)
class Settings:
    """Resolved settings, each from the first of flag, variable and file that gives it.

    Attributes:
        path: the configuration file; None if it does not exist.
        where: table of the meter in it, for messages.
        values: value of each option by its key.
        origins: origin of each value in typer's terms; "" for other keys.
        address: the parsed address; None if no URL is given.
        in_url: those of "user" and "password" that are taken from the address.
        secrets: secrets of the configuration file, by key.
        formulas: formulas of a derived meter, by key; empty for others.
        tables: tables of the configuration file that are not about meters, by name.
    """

    path: Path | None
    where: str
    values: Mapping[str, Any]
    origins: Mapping[str, str]
    address: Address | None
    in_url: frozenset[str]
    secrets: Mapping[str, Secret]
    formulas: Mapping[str, str]
    tables: Mapping[str, Table]

    def meter(self, address: Address) -> Address:
        """Complete the address with the credentials from address, options and file.

        Raises:
            UsageError: a secret file cannot be read.
            ConfigError: the configuration file gives both a secret and a file with it.
        """
        inside = address.credentials
        credentials = Credentials(
            user=inside.user if "user" in self.in_url else self.values["user"],
            password=inside.password if "password" in self.in_url else self._secret("password"),
            token=self._secret("token"),
        )
        return replace(address, credentials=credentials)

    def rows(self, *, alone: bool = True) -> list[tuple[str, str, str]]:
        """Key, value and origin of each setting, secrets hidden.

        Args:
            alone: whether this is the only meter, so that those of the program are among them.
        """
        skipped = {*(FEED if self.formulas else ()), *(() if alone else PROCESS)}
        rows = [
            (key, self._shown(key), self._origin_shown(key))
            for key in self.values
            if key not in skipped
        ]
        rows += [(key, one_line(text), "file") for key, text in self.formulas.items()]
        if self.formulas:
            return rows
        for name in SECRETS:
            if name in self.in_url:
                rows.append((name, "…", "url"))
            elif os.environ.get(variable(name)):
                rows.append((name, "…", variable(name)))
            elif name in self.secrets:
                rows.append((name, "…", "file"))
        return rows

    def process_rows(self) -> list[tuple[str, str, str]]:
        """The same for the settings that are not about a meter."""
        return [(key, self._shown(key), self._origin_shown(key)) for key in PROCESS]

    def secret_files(self) -> list[Path]:
        """Files with secrets that are in use: the configuration file, or others that it names."""
        files = [Path(path) for name in SECRETS if (path := self.values.get(f"{name}_file"))]
        in_file = self.origins.get("url") == FILE and "password" in self.in_url
        if self.path is not None and (self.secrets or in_file):
            files.append(self.path)
        if self.address is not None and (path := self.address.text("token_file")):
            files.append(Path(path))
        return files

    def _secret(self, name: str) -> Secret | None:
        path, origin = self.values.get(f"{name}_file"), self.origins.get(f"{name}_file", "")
        text = os.environ.get(variable(name))
        if text and origin != FLAG:
            return Secret(text)
        if name in self.secrets and origin == FILE:
            raise ConfigError(
                f"{self.path}: {self.where} has both {name} and {name}_file; leave one out"
            )
        if path is None:
            return self.secrets.get(name)
        from streamer.feeds.secretfile import read_secret

        return read_secret(path)

    def _shown(self, key: str) -> str:
        value = self.values[key]
        if self.address is not None and key == "url":
            # The URL may contain a password.
            return self.address.shown
        if key == "publish" and value is not None:
            return Address.parse(value).shown
        if self.address is not None and key in self.in_url:
            value = self.address.credentials.user
        if value is None:
            return NOTHING
        if type(value) in (list, tuple):  # of a repeatable option
            value = " ".join(value) or NOTHING
        return (
            str(value).lower() if isinstance(value, bool) else str(getattr(value, "value", value))
        )

    def _origin_shown(self, key: str) -> str:
        if key in self.in_url:
            return "url"
        names = {FLAG: "flag", VARIABLE: variable(key), FILE: "file"}
        return names.get(self.origins[key], "default")
