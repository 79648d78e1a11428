"""Where the settings of `streamer watch` come from: flags, variables, the configuration file."""

from __future__ import annotations

import os
from typing import Any

import typer

from streamer.config import SECRETS, Config, Setting, read_config
from streamer.errors import ConfigError
from streamer.feeds.address import Address, Credentials, Secret, read_secret
from streamer.words import NOTHING

PREFIX = "STREAMER"
CONTEXT = {"auto_envvar_prefix": PREFIX}
"""Context settings of a command that takes its options from variables too."""

_NO_KEYS = {"config", "help", "check"}


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


def find_credentials(context: typer.Context) -> Credentials:
    """What lets us in, from the first of these that has it: flag, variable, file.

    Raises:
        UsageError: a secret's file cannot be read.
        ConfigError: the configuration file has a secret twice.
    """
    password, token = (_find_secret(context, name) for name in SECRETS)
    return Credentials(context.params["user"], password, token)


def origins(context: typer.Context) -> list[tuple[str, str, str]]:
    """Key, value and origin of each setting, secrets hidden."""
    config: Config = context.obj
    rows = []
    for key in _parameters(context):
        origin = {
            "COMMANDLINE": "flag",
            "ENVIRONMENT": _variable(key),
            "DEFAULT_MAP": "file",
        }.get(_origin(context, key), "default")
        rows.append((key, _shown(key, context.params.get(key)), origin))
    for name in SECRETS:
        if os.environ.get(_variable(name)):
            rows.append((name, "…", _variable(name)))
        elif name in config.secrets:
            rows.append((name, "…", "file"))
    return rows


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
    if text and origin != "COMMANDLINE":
        return Secret(text)
    if name in config.secrets and origin == "DEFAULT_MAP":
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
        problem = getattr(error, "message", str(error))
        raise ConfigError(f"{where}: {problem}") from None
