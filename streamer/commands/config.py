"""The command `config`: the configuration file of `watch`, read, and its settings shown.

::

    [watch]
    url = "mqtt://broker/tele/meter/SENSOR?preset=tasmota-energy"
    record = "house.db"
    password_file = "~/.config/streamer/password"

A key is the name of an option of `streamer watch` with underscores, and takes what the
option takes; besides there are `url`, `password` and `token`. Flags win over variables
(`STREAMER_RECORD`), variables over the file.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streamer.errors import ConfigError
from streamer.feeds.address import Secret

TABLE = "watch"
SECRETS = ("password", "token")
"""What may stand in the file or in a variable, but is no option: others could see it there."""

Setting = str | int | float | bool


@dataclass(frozen=True)
class Config:
    """What a configuration file says.

    Attributes:
        path: the file; None if there is none.
        settings: value of each key that is there, but for secrets.
        secrets: the secrets that are there.
    """

    path: Path | None = None
    settings: Mapping[str, Setting] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)


def default_path() -> Path:
    """Where the file is looked for: ``streamer/streamer.toml`` in the XDG configuration home."""
    # Only here, since `--help` has no use for it; and not by the customs of the platform: on
    # macOS it has always been the same place.
    from platformdirs.unix import Unix

    return Unix("streamer").user_config_path / "streamer.toml"


def read_config(path: str | None, known: Collection[str]) -> Config:
    """Read a configuration file.

    Args:
        path: the file; None for the one at `default_path`, if it is there.
        known: the keys that may stand in it, besides secrets.

    Raises:
        ConfigError: it cannot be read, or has something in it that is not known.
    """
    file = default_path() if path is None else Path(path).expanduser()
    document = _parse(file)
    if document is None:
        if path is None:
            return Config()
        raise ConfigError(f"{file}: there is no such file")
    for name in document:
        if name != TABLE:
            raise ConfigError(f"{file}: unknown table or key {name!r}; all settings are in [watch]")
    table = document.get(TABLE, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{file}: {TABLE} is no table; begin it with a line [watch]")
    settings: dict[str, Setting] = {}
    secrets: dict[str, Secret] = {}
    for key, value in table.items():
        where = f"{file}: [watch] {key}"
        if key in SECRETS:
            secrets[key] = _secret(value, where)
        elif key not in known:
            raise ConfigError(f"{where}: unknown key{_hint(key, known)}")
        elif not isinstance(value, str | int | float):
            raise ConfigError(f"{where}: give one value, in quotes if it is text")
        else:
            settings[key] = value
    return Config(file, settings, secrets)


def show_settings(path: Path | None, rows: Sequence[tuple[str, str, str]]) -> None:
    """Print settings.

    Args:
        path: the configuration file; None if there is none.
        rows: key, value and origin of each.
    """
    # Only here: `watch` reads its file without rich.
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    console.print(f"no file at {default_path()}" if path is None else str(path))
    table = Table(box=None, pad_edge=False)
    for heading in ("key", "value", "from"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    from streamer.models.kernels import auto_engine

    console.print(f"engine auto is {auto_engine()}")


def show_checked(path: Path | None) -> None:
    """Print that all that can be checked without connecting is as it should be.

    Args:
        path: the configuration file; None if there is none.
    """
    print(f"{'no file' if path is None else path}: all right")


def _parse(file: Path) -> dict[str, Any] | None:
    """What a TOML file says; None if there is none."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: is not TOML: {error}") from None


def _secret(value: object, where: str) -> Secret:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{where}: give some text in quotes")
    return Secret(value)


def _hint(key: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(key, [*known, *SECRETS], 1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(known))}"
