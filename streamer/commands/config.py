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
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streamer.commands.tables import NAMES, Table
from streamer.display.lines import one_line
from streamer.errors import ConfigError
from streamer.feeds.address import Secret
from streamer.tomlfile import read_toml

TABLE = "watch"
SECRETS = ("password", "token")
"""Keys accepted in the file or in a variable only: other users can see the command line."""

_MAX_BITS = 64

Setting = str | int | float | bool


@dataclass(frozen=True)
class Config:
    """Contents of a configuration file.

    Attributes:
        path: the file; None if it does not exist.
        settings: value of each key in the file, except secrets.
        secrets: the secrets in the file, by key.
        tables: the other tables in the file, by name; their values are checked where they are used.
    """

    path: Path | None = None
    settings: Mapping[str, Setting] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)


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
        if name not in (TABLE, *NAMES):
            raise ConfigError(
                f"{file}: unknown table or key {name!r}; settings are in [watch], others in "
                f"{', '.join(f'[{each}]' for each in NAMES)}"
            )
        if not isinstance(value, dict):
            raise ConfigError(f"{file}: {name} is not a table; begin it with a line [{name}]")
    table = document.get(TABLE, {})
    settings: dict[str, Setting] = {}
    secrets: dict[str, Secret] = {}
    for key, value in table.items():
        where = f"{file}: [watch] {key}"
        if key in SECRETS:
            secrets[key] = _secret(value, where)
        elif key not in known:
            raise ConfigError(f"{where}: unknown key{_hint(key, known)}")
        else:
            settings[key] = _setting(value, where)
    tables = {name: Table(name, file, document[name]) for name in NAMES if name in document}
    return Config(file, settings, secrets, tables)


def show_settings(path: Path | None, rows: Sequence[tuple[str, str, str]]) -> None:
    """Print settings as a table.

    Args:
        path: the configuration file; None if it does not exist.
        rows: key, value and origin of each setting.
    """
    # Imported here, so that `watch` reads its file without rich.
    from rich.table import Table

    from streamer.display.console import PlainConsole

    console = PlainConsole()
    console.print(f"no file at {default_path()}" if path is None else str(path))
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


def _secret(value: object, where: str) -> Secret:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{where}: give a non-empty text in quotes")
    return Secret(value)


def _hint(key: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(key, [*known, *SECRETS], 1)
    return f"; did you mean {near[0]}?" if near else f"; known keys: {', '.join(sorted(known))}"
