"""The command `config`: reading the configuration file of `watch`, and showing its settings.

::

    [watch]
    url = "mqtt://broker/tele/meter/SENSOR?preset=tasmota-energy"
    record = "house.db"
    password_file = "~/.config/streamer/password"

A key is the name of an option of `streamer watch`, with underscores, and accepts the values of
that option. The keys `url`, `password` and `token` are accepted as well. Flags take precedence
over environment variables (`STREAMER_RECORD`), and variables over the file. The tables `[publish]`,
`[serve]` and `[notify]` are about where the forecasts go.

Several meters have a table `[[watch]]` each, with a `name`, and may share the settings in a table
`[all]`. One that is derived from others has `derive`, a formula, in place of `url`.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from streamer.commands.tables import NAMES, Table
from streamer.display.lines import one_line
from streamer.errors import ConfigError
from streamer.feeds.address import Secret
from streamer.tomlfile import read_toml

TABLE, COMMON = "watch", "all"
"""Names of the tables of meters, and of what they have in common."""

FORMULAS = ("derive", "solar", "battery")
"""Keys of a meter that is derived from others; accepted in `[[watch]]` only."""

PROCESS = ("format", "ascii", "theme", "quiet", "verbose", "publish", "serve")
"""Options that are not about a meter, but about all of them together."""

OWN = ("url", "name", "record", "allow_other_meter")
"""Options that two meters cannot have in common."""

CREDENTIALS = ("user", "password_file", "token_file")
"""Options that two meters have in common only if `[all]` says so."""

FEED = ("url", "stale_after", "grace", "clock", "retry", "max_kw", *CREDENTIALS)
"""Options that a derived meter has no use for."""

SECRETS = ("password", "token")
"""Keys accepted in the file or in a variable only: other users can see the command line."""

_MAX_BITS = 64

Setting = str | int | float | bool


@dataclass(frozen=True)
class MeterTable:
    """Settings of a meter in the configuration file, or those that all have in common.

    Attributes:
        where: the table, for messages: ``[[watch]] 2 (solar)``.
        settings: value of each key, except secrets and formulas.
        secrets: the secrets, by key.
        formulas: the formulas of a derived meter, by key.
    """

    where: str
    settings: Mapping[str, Setting] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    formulas: Mapping[str, str] = field(default_factory=dict)

    def over(self, common: MeterTable) -> MeterTable:
        """These settings, completed by those that all have in common."""
        settings = {
            key: value
            for key, value in common.settings.items()
            if key.removesuffix("_file") not in self.secrets and key not in PROCESS
        }
        secrets = {
            key: secret
            for key, secret in common.secrets.items()
            if f"{key}_file" not in self.settings
        }
        return replace(
            self, settings={**settings, **self.settings}, secrets={**secrets, **self.secrets}
        )


@dataclass(frozen=True)
class Config:
    """Contents of a configuration file.

    Attributes:
        path: the file; None if it does not exist.
        meters: the tables of meters: one, or all those of an array.
        common: settings in `[all]`.
        tables: the other tables in the file, by name; their values are checked where they are used.
    """

    path: Path | None = None
    meters: tuple[MeterTable, ...] = (MeterTable(f"[{TABLE}]"),)
    common: MeterTable = MeterTable(f"[{COMMON}]")
    tables: Mapping[str, Table] = field(default_factory=dict)

    def defaults(self) -> dict[str, Setting]:
        """Settings of the only meter, or, of several, those of the program itself."""
        common = {key: value for key, value in self.common.settings.items() if key in PROCESS}
        if len(self.meters) > 1:
            return common
        return {**common, **self.meters[0].over(self.common).settings}


def default_path() -> Path:
    """Default path of the file: ``streamer/streamer.toml`` in the XDG configuration home."""
    # Imported here, because `--help` does not need it. The XDG folder is used on all platforms:
    # on macOS the file has always been there.
    from platformdirs.unix import Unix

    return Unix("streamer").user_config_path / "streamer.toml"


def read_config(path: str | None, known: Collection[str]) -> Config:
    """Read a configuration file.

    Args:
        path: the file; None for the one at `default_path`, if it exists.
        known: the accepted keys, besides secrets.

    Raises:
        ConfigError: the file cannot be read, or has an unknown key or an unusable value.
    """
    file = default_path() if path is None else _expanded(path)
    document = _parse(file)
    if document is None:
        if path is None:
            return Config()
        raise ConfigError(f"{file}: file not found")
    for name, value in document.items():
        if name not in (TABLE, COMMON, *NAMES):
            raise ConfigError(
                f"{file}: unknown table or key {name!r}; settings are in [watch], others in "
                f"{', '.join(f'[{each}]' for each in (COMMON, *NAMES))}"
            )
        if name == TABLE and isinstance(value, list) and value:
            continue
        if not isinstance(value, dict):
            raise ConfigError(f"{file}: {name} is not a table; begin it with a line [{name}]")
    common = _meter(file, f"[{COMMON}]", document.get(COMMON, {}), known, banned=_NOT_COMMON)
    tables = {name: Table(name, file, document[name]) for name in NAMES if name in document}
    return Config(file, tuple(_meters(file, document.get(TABLE, {}), known)), common, tables)


def _meters(file: Path, value: Any, known: Collection[str]) -> Iterator[MeterTable]:
    """The tables of meters."""
    if isinstance(value, dict):
        yield _meter(file, f"[{TABLE}]", value, known, banned=_NOT_ALONE)
        return
    for place, table in enumerate(value, start=1):
        where = f"[[{TABLE}]] {place}"
        if not isinstance(table, dict):
            raise ConfigError(f"{file}: {where} is not a table; begin it with a line [[{TABLE}]]")
        name = table.get("name")
        if isinstance(name, str) and name:
            where += f" ({one_line(name)})"
        elif len(value) > 1:
            raise ConfigError(f"{file}: {where}: name is missing; give each meter its own")
        banned = dict.fromkeys(PROCESS, f"this is for all meters together: set it in [{COMMON}]")
        if "derive" in table:
            banned |= _NOT_DERIVED
        else:
            banned |= dict.fromkeys(FORMULAS[1:], "this is for a meter with derive only")
        yield _meter(file, where, table, known, banned=banned)


_NOT_COMMON = {
    **dict.fromkeys(OWN, "two meters cannot have it in common: set it in [watch] or [[watch]]"),
    **dict.fromkeys(FORMULAS, "two meters cannot have it in common: set it in [[watch]]"),
}
_NOT_ALONE = dict.fromkeys(FORMULAS, "this needs other meters: begin each with a line [[watch]]")
_NOT_DERIVED = dict.fromkeys(
    (*FEED, *SECRETS), "a derived meter has no feed of its own; leave this out"
)
"""Keys that have no place in a table, and what to do instead."""


def _meter(
    file: Path,
    where: str,
    table: Mapping[str, Any],
    known: Collection[str],
    *,
    banned: Mapping[str, str],
) -> MeterTable:
    """Settings of one table."""
    settings: dict[str, Setting] = {}
    secrets: dict[str, Secret] = {}
    formulas: dict[str, str] = {}
    for key, value in table.items():
        place = f"{file}: {where} {key}"
        if key in banned:
            raise ConfigError(f"{place}: {banned[key]}")
        if key in SECRETS:
            secrets[key] = Secret(_text(value, place))
        elif key in FORMULAS:
            formulas[key] = _text(value, place)
        elif key not in known:
            raise ConfigError(f"{place}: unknown key{_hint(key, known)}")
        else:
            settings[key] = _setting(value, place)
    return MeterTable(where, settings, secrets, formulas)


def show_settings(
    path: Path | None, tables: Sequence[tuple[str, Sequence[tuple[str, str, str]]]]
) -> None:
    """Print the settings of each meter as a table.

    Args:
        path: the configuration file; None if it does not exist.
        tables: name of each table, and key, value and origin of each setting in it.
    """
    # Imported here, so that `watch` reads its file without rich.
    from rich.table import Table

    from streamer.display.console import PlainConsole

    console = PlainConsole()
    console.print(f"no file at {default_path()}" if path is None else str(path))
    for name, rows in tables:
        if len(tables) > 1:
            console.print(f"\n{name}")
        table = Table(box=None, pad_edge=False)
        for heading in ("key", "value", "from"):
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*row)
        console.print(table)
    from streamer.models.kernels import auto_engine

    console.print(f"engine auto is {auto_engine()}")


def show_checked(path: Path | None, warnings: Sequence[str]) -> None:
    """Print that every check that needs no connection has passed, and warnings.

    Args:
        path: the configuration file; None if it does not exist.
        warnings: what works, but should be mended; printed on standard error.
    """
    for warning in warnings:
        print(f"streamer: warning: {one_line(warning)}", file=sys.stderr)
    print(f"{'no file' if path is None else one_line(path)}: all right")


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"{path}: {error}") from None


def _parse(file: Path) -> dict[str, Any] | None:
    """Parse a TOML file; None if it does not exist."""
    try:
        return read_toml(file, purpose="settings")
    except FileNotFoundError:
        return None


def _setting(value: object, where: str) -> Setting:
    if not isinstance(value, str | int | float):
        raise ConfigError(f"{where}: give a single value, in quotes if it is text")
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        raise ConfigError(f"{where}: the number is out of bounds")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{where}: give a non-empty text in quotes")
    return value


def _hint(key: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(key, [*known, *SECRETS], 1)
    return f"; did you mean {near[0]}?" if near else f"; known keys: {', '.join(sorted(known))}"
