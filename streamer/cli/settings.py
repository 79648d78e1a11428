"""Where the settings of `streamer watch` come from: flags, variables, the configuration file."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import typer

from streamer.config import SECRETS, Config, Setting, read_config
from streamer.errors import ConfigError, UsageError
from streamer.feeds.address import Address, Credentials, Secret, read_secret
from streamer.options import problem_of
from streamer.words import NOTHING

PREFIX = "STREAMER"
CONTEXT = {"auto_envvar_prefix": PREFIX}
"""Context settings of a command that takes its options from variables too."""

_NO_KEYS = {"config", "help", "check"}
_FLAG, _VARIABLE, _FILE = _ORIGINS = ("COMMANDLINE", "ENVIRONMENT", "DEFAULT_MAP")
"""Where a setting may come from, as typer calls it; the first has the last word."""


def apply_config(context: typer.Context, path: str | None) -> str | None:
    """Let the configuration file say what neither flag nor variable does.

    The callback of the option ``--config``, which has to be eager.

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


def find_address(context: typer.Context) -> Address:
    """The meter's address and what lets us in, from the first that has it: flag, variable, file.

    A user and a password may stand in the address, too, and come from where that does.

    Raises:
        UsageError: it is no address, a user or a password is said twice, or a secret's file
            cannot be read.
        ConfigError: the configuration file has a secret twice.
    """
    address = Address.parse(context.params["url"])
    inside = address.credentials
    user = inside.user if _is_in_url(context, "user") else context.params["user"]
    password = (
        inside.password if _is_in_url(context, "password") else _find_secret(context, "password")
    )
    return replace(address, credentials=Credentials(user, password, _find_secret(context, "token")))


def origins(context: typer.Context) -> list[tuple[str, str, str]]:
    """Key, value and origin of each setting, secrets hidden."""
    config: Config = context.obj
    rows = []
    for key in _parameters(context):
        origin = {_FLAG: "flag", _VARIABLE: _variable(key), _FILE: "file"}.get(
            _origin(context, key), "default"
        )
        value = context.params.get(key)
        if key == "user" and _is_in_url(context, key):
            value, origin = Address.parse(context.params["url"]).credentials.user, "url"
        rows.append((key, _shown(key, value), origin))
    for name in SECRETS:
        if _is_in_url(context, name):
            rows.append((name, "…", "url"))
        elif os.environ.get(_variable(name)):
            rows.append((name, "…", _variable(name)))
        elif name in config.secrets:
            rows.append((name, "…", "file"))
    return rows


def _is_in_url(context: typer.Context, name: str) -> bool:
    """Whether user or password is the one that stands in the address.

    Raises:
        UsageError: another one comes from where the address does.
    """
    url = context.params["url"]
    if not url or getattr(Address.parse(url).credentials, name) is None:
        return False
    origin, other = _origin(context, "url"), _origin_beside(context, name)
    if origin == other:
        place = {_FLAG: "the command line", _VARIABLE: "the environment"}.get(
            origin, f"{context.obj.path}: [watch]"
        )
        raise UsageError(f"{place} has a {name} both in the address and beside it; leave one out")
    return other not in _ORIGINS or _ORIGINS.index(origin) < _ORIGINS.index(other)


def _origin_beside(context: typer.Context, name: str) -> str:
    """Where the user or a secret comes from that does not stand in the address."""
    if name not in SECRETS:
        return _origin(context, name)
    origin = _origin(context, f"{name}_file")
    if os.environ.get(_variable(name)) and origin != _FLAG:
        return _VARIABLE
    return _FILE if name in context.obj.secrets and origin not in _ORIGINS else origin


def _shown(key: str, value: Any) -> str:
    if value is None:
        return NOTHING
    if key == "url":
        # A password may stand in it.
        return Address.parse(value).shown
    return str(value).lower() if isinstance(value, bool) else str(getattr(value, "value", value))


def _find_secret(context: typer.Context, name: str) -> Secret | None:
    config: Config = context.obj
    path = context.params.get(f"{name}_file")
    origin = _origin(context, f"{name}_file")
    text = os.environ.get(_variable(name))
    if text and origin != _FLAG:
        return Secret(text)
    if name in config.secrets and origin == _FILE:
        raise ConfigError(f"{config.path}: [watch] has both {name} and {name}_file; leave one out")
    return config.secrets.get(name) if path is None else read_secret(path)


def _origin(context: typer.Context, key: str) -> str:
    return getattr(context.get_parameter_source(key), "name", "")


def _parameters(context: typer.Context) -> dict[str, Any]:
    return {
        parameter.name: parameter
        for parameter in context.command.params
        if parameter.name and parameter.name not in _NO_KEYS
    }


def _variable(key: str) -> str:
    return f"{PREFIX}_{key.upper()}"


def _as_text(parameter: Any, value: Setting, where: str) -> Setting:
    """A setting as it would stand on the command line; a flag's is true or false."""
    is_flag = getattr(parameter, "is_flag", False)
    if is_flag != isinstance(value, bool):
        raise ConfigError(f"{where}: give {'true or false' if is_flag else 'a value'}")
    return value if is_flag else str(value)


def _check(context: typer.Context, parameter: Any, value: Setting, where: str) -> None:
    try:
        parameter.process_value(context, value)
    except typer.TyperException as error:
        raise ConfigError(f"{where}: {problem_of(error)}") from None
