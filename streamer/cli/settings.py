"""Settings of `streamer watch` from flags, variables and the configuration file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import typer

from streamer.cli.metersettings import FILE, FLAG, ORIGINS, PREFIX, VARIABLE, Settings, variable
from streamer.cli.options import problem_of
from streamer.commands.config import (
    CREDENTIALS,
    OWN,
    SECRETS,
    Config,
    MeterTable,
    Setting,
    read_config,
)
from streamer.display.lines import one_line
from streamer.errors import ConfigError, UsageError
from streamer.feeds.address import Address

CONTEXT = {"auto_envvar_prefix": PREFIX}
"""Context settings of a command that takes its options from variables too."""

_NO_KEYS = {"config", "help", "check", "only"}


def apply_config(context: typer.Context, path: str | None) -> str | None:
    """Use the configuration file for settings that neither a flag nor a variable gives.

    The callback of the option ``--config``, which must be eager.

    Raises:
        ConfigError: the file or a variable has a setting that is unknown or wrong.
    """
    parameters = _parameters(context)
    config = read_config(path, parameters.keys())
    for table in (config.common, *config.meters):
        for key, value in table.settings.items():
            _value(context, parameters[key], value, f"{config.path}: {table.where}")
    for parameter in parameters.values():
        text = parameter.resolve_envvar_value(context)
        if text is not None:
            given = _as_given(parameter, text)
            _check(context, parameter, given, f"{variable(parameter.name)}={text!r}")
    context.default_map = {
        key: _as_given(parameters[key], value) for key, value in config.defaults().items()
    }
    context.obj = config
    return path


def resolve_settings(context: typer.Context) -> list[Settings]:
    """Resolve the settings of each meter, in a context of `watch`.

    Raises:
        UsageError: a URL is not an address, a user or password is given both in it and beside
            it, a flag or variable cannot be for several meters, or no meter has a chosen name.
    """
    config: Config = context.obj
    tables = _chosen(config, context.params.get("only"))
    if len(tables) > 1:
        _check_shared(context, config)
    return [_resolved(context, config, table) for table in tables]


def _chosen(config: Config, only: str | None) -> Sequence[MeterTable]:
    """The tables of the meters with some names, or all of them.

    Raises:
        UsageError: no meter has one of the names.
    """
    if only is None:
        return config.meters
    names = [name.strip() for name in only.split(",")]
    known = [str(table.settings.get("name", "")) for table in config.meters]
    for name in names:
        if name not in known:
            given = ", ".join(filter(None, map(one_line, known)))
            raise UsageError(
                f"--only {one_line(name)}: no meter has this name; "
                + (f"known names: {given}" if given else "give each [[watch]] a name")
            )
    return [table for table, name in zip(config.meters, known, strict=True) if name in names]


def _check_shared(context: typer.Context, config: Config) -> None:
    """Check that no flag or variable is for one meter, since there are several.

    Raises:
        UsageError: one is.
    """
    remedy = f"set it in the tables [[watch]] of {config.path}, or choose one meter by --only"
    for key in (*OWN, *CREDENTIALS):
        origin = getattr(context.get_parameter_source(key), "name", "")
        if origin in (FLAG, VARIABLE):
            flag = "URL" if key == "url" else f"--{key.replace('_', '-')}"
            given = flag if origin == FLAG else variable(key)
            raise UsageError(f"{given} cannot be for several meters; {remedy}")
    for name in SECRETS:
        if os.environ.get(variable(name)):
            raise UsageError(f"{variable(name)} cannot be for several meters; {remedy}")


def _resolved(context: typer.Context, config: Config, own: MeterTable) -> Settings:
    """The settings of one meter."""
    table = own.over(config.common)
    parameters = _parameters(context)
    values = {key: context.params.get(key) for key in parameters}
    origins = {
        key: getattr(context.get_parameter_source(key), "name", "") for key in context.params
    }
    for key, value in table.settings.items():
        if origins.get(key) not in (FLAG, VARIABLE):
            where = f"{config.path}: {own.where}"
            values[key], origins[key] = _value(context, parameters[key], value, where), FILE
    url = values["url"]
    address = Address.parse(url) if url else None
    in_url = frozenset(
        name
        for name in ("user", "password")
        if address is not None
        and getattr(address.credentials, name) is not None
        and _url_has_precedence(name, origins, table, f"{config.path}: {own.where}")
    )
    return Settings(
        config.path,
        own.where,
        values,
        origins,
        address,
        in_url,
        table.secrets,
        own.formulas,
        config.tables,
    )


def _url_has_precedence(
    name: str, origins: Mapping[str, str], table: MeterTable, where: str
) -> bool:
    """Whether the user or password in the address overrides the one given beside it.

    Raises:
        UsageError: both come from the same place.
    """
    origin, beside = origins["url"], _origin_beside(name, origins, table)
    if origin == beside:
        place = {FLAG: "the command line", VARIABLE: "the environment"}.get(origin, where)
        raise UsageError(f"{place} has a {name} both in the address and beside it; leave one out")
    return beside not in ORIGINS or ORIGINS.index(origin) < ORIGINS.index(beside)


def _origin_beside(name: str, origins: Mapping[str, str], table: MeterTable) -> str:
    """Origin of the user or the secret that is given beside the address."""
    if name not in SECRETS:
        return origins.get(name, "")
    origin = origins.get(f"{name}_file", "")
    if os.environ.get(variable(name)) and origin != FLAG:
        return VARIABLE
    return FILE if name in table.secrets and origin not in ORIGINS else origin


def _parameters(context: typer.Context) -> dict[str, Any]:
    return {
        parameter.name: parameter
        for parameter in context.command.params
        if parameter.name and parameter.name not in _NO_KEYS
    }


def _value(context: typer.Context, parameter: Any, value: Setting, where: str) -> Any:
    """The value of a setting in a file, as that of a flag.

    Raises:
        ConfigError: it is not a value of that option.
    """
    where = f"{where} {parameter.name} = {value!r}"
    given = _as_given(parameter, _as_text(parameter, value, where))
    return _check(context, parameter, given, where)


def _as_text(parameter: Any, value: Setting, where: str) -> Setting:
    """A setting as text, as on the command line; true or false for a flag.

    Several values of an option that is repeatable are separated by white space, as in a variable.
    """
    is_flag = getattr(parameter, "is_flag", False)
    if is_flag != isinstance(value, bool):
        raise ConfigError(f"{where}: give {'true or false' if is_flag else 'a value'}")
    return value if is_flag else str(value)


def _as_given(parameter: Any, text: Setting) -> Setting | list[str]:
    """A setting as the command line gives it: a list where the option is repeatable."""
    return str(text).split() if getattr(parameter, "multiple", False) else text


def _check(context: typer.Context, parameter: Any, value: Setting | list[str], where: str) -> Any:
    try:
        return parameter.process_value(context, value)
    except typer.TyperException as error:
        raise ConfigError(f"{where}: {problem_of(error)}") from None
