"""Settings of `streamer watch` from flags, variables and the configuration file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer

from streamer.cli.options import problem_of
from streamer.commands.config import SECRETS, Config, Setting, read_config
from streamer.commands.tables import Table
from streamer.display.numbers import NOTHING
from streamer.errors import ConfigError, UsageError
from streamer.feeds.address import Address, Credentials, Secret

PREFIX = "STREAMER"
CONTEXT = {"auto_envvar_prefix": PREFIX}
"""Context settings of a command that takes its options from variables too."""

_NO_KEYS = {"config", "help", "check"}
_FLAG, _VARIABLE, _FILE = _ORIGINS = ("COMMANDLINE", "ENVIRONMENT", "DEFAULT_MAP")
"""Origins of a setting, in typer's terms, from the highest precedence to the lowest."""


def apply_config(context: typer.Context, path: str | None) -> str | None:
    """Use the configuration file for settings that neither a flag nor a variable gives.

    The callback of the option ``--config``, which must be eager.

    Raises:
        ConfigError: the file or a variable has a setting that is unknown or wrong.
    """
    parameters = _parameters(context)
    config = read_config(path, parameters.keys())
    for key, value in config.settings.items():
        where = f"{config.path}: [watch] {key} = {value!r}"
        _check(context, parameters[key], _as_text(parameters[key], value, where), where)
    for parameter in parameters.values():
        text = parameter.resolve_envvar_value(context)
        if text is not None:
            _check(context, parameter, text, f"{_variable(parameter.name)}={text!r}")
    context.default_map = dict(config.settings)
    context.obj = config
    return path


@dataclass(frozen=True)
class Settings:
    """Resolved settings, each from the first of flag, variable and file that gives it.

    Attributes:
        path: the configuration file; None if it does not exist.
        values: value of each option by its key.
        origins: origin of each value in typer's terms; "" for other keys.
        address: the parsed address; None if no URL is given.
        in_url: those of "user" and "password" that are taken from the address.
        secrets: secrets of the configuration file, by key.
        tables: tables of the configuration file beside `[watch]`, by name.
    """

    path: Path | None
    values: Mapping[str, Any]
    origins: Mapping[str, str]
    address: Address | None
    in_url: frozenset[str]
    secrets: Mapping[str, Secret]
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

    def rows(self) -> list[tuple[str, str, str]]:
        """Key, value and origin of each setting, secrets hidden."""
        rows = [(key, self._shown(key), self._origin_shown(key)) for key in self.values]
        for name in SECRETS:
            if name in self.in_url:
                rows.append((name, "…", "url"))
            elif os.environ.get(_variable(name)):
                rows.append((name, "…", _variable(name)))
            elif name in self.secrets:
                rows.append((name, "…", "file"))
        return rows

    def secret_files(self) -> list[Path]:
        """Files with secrets that are in use: the configuration file, or others that it names."""
        files = [Path(path) for name in SECRETS if (path := self.values.get(f"{name}_file"))]
        in_file = self.origins.get("url") == _FILE and "password" in self.in_url
        if self.path is not None and (self.secrets or in_file):
            files.append(self.path)
        if self.address is not None and (path := self.address.text("token_file")):
            files.append(Path(path))
        return files

    def _secret(self, name: str) -> Secret | None:
        path, origin = self.values.get(f"{name}_file"), self.origins.get(f"{name}_file", "")
        text = os.environ.get(_variable(name))
        if text and origin != _FLAG:
            return Secret(text)
        if name in self.secrets and origin == _FILE:
            raise ConfigError(
                f"{self.path}: [watch] has both {name} and {name}_file; leave one out"
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
        return (
            str(value).lower() if isinstance(value, bool) else str(getattr(value, "value", value))
        )

    def _origin_shown(self, key: str) -> str:
        if key in self.in_url:
            return "url"
        names = {_FLAG: "flag", _VARIABLE: _variable(key), _FILE: "file"}
        return names.get(self.origins[key], "default")


def resolve_settings(context: typer.Context) -> Settings:
    """Resolve the settings of a context of `watch`.

    Raises:
        UsageError: the URL is not an address, or a user or password is given both in it and
            beside it.
    """
    config: Config = context.obj
    values = {key: context.params.get(key) for key in _parameters(context)}
    origins = {
        key: getattr(context.get_parameter_source(key), "name", "") for key in context.params
    }
    url = values["url"]
    address = Address.parse(url) if url else None
    in_url = frozenset(
        name
        for name in ("user", "password")
        if address is not None
        and getattr(address.credentials, name) is not None
        and _url_has_precedence(name, origins, config)
    )
    return Settings(config.path, values, origins, address, in_url, config.secrets, config.tables)


def _url_has_precedence(name: str, origins: Mapping[str, str], config: Config) -> bool:
    """Whether the user or password in the address overrides the one given beside it.

    Raises:
        UsageError: both come from the same place.
    """
    origin, beside = origins["url"], _origin_beside(name, origins, config)
    if origin == beside:
        place = {_FLAG: "the command line", _VARIABLE: "the environment"}.get(
            origin, f"{config.path}: [watch]"
        )
        raise UsageError(f"{place} has a {name} both in the address and beside it; leave one out")
    return beside not in _ORIGINS or _ORIGINS.index(origin) < _ORIGINS.index(beside)


def _origin_beside(name: str, origins: Mapping[str, str], config: Config) -> str:
    """Origin of the user or the secret that is given beside the address."""
    if name not in SECRETS:
        return origins.get(name, "")
    origin = origins.get(f"{name}_file", "")
    if os.environ.get(_variable(name)) and origin != _FLAG:
        return _VARIABLE
    return _FILE if name in config.secrets and origin not in _ORIGINS else origin


def _parameters(context: typer.Context) -> dict[str, Any]:
    return {
        parameter.name: parameter
        for parameter in context.command.params
        if parameter.name and parameter.name not in _NO_KEYS
    }


def _variable(key: str) -> str:
    return f"{PREFIX}_{key.upper()}"


def _as_text(parameter: Any, value: Setting, where: str) -> Setting:
    """A setting as text, as on the command line; true or false for a flag."""
    is_flag = getattr(parameter, "is_flag", False)
    if is_flag != isinstance(value, bool):
        raise ConfigError(f"{where}: give {'true or false' if is_flag else 'a value'}")
    return value if is_flag else str(value)


def _check(context: typer.Context, parameter: Any, value: Setting, where: str) -> None:
    try:
        parameter.process_value(context, value)
    except typer.TyperException as error:
        raise ConfigError(f"{where}: {problem_of(error)}") from None
