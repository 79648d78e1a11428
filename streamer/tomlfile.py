"""TOML files of a person's own, read within a bound and with errors of one line."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamer.errors import ConfigError

_MAX_BYTES = 1 << 20


def read_toml(
    path: Path, *, purpose: str, parse_float: Callable[[str], Any] = float
) -> dict[str, Any]:
    """Read a TOML file.

    Args:
        path: the file.
        purpose: what it is for, in the plural or with an article, for errors.
        parse_float: makes a number with a fraction of its text.

    Raises:
        FileNotFoundError: it does not exist.
        ConfigError: it cannot be read, is too large, or is not TOML; one line.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise ConfigError(f"{path}: too large for {purpose}; is it the right file?")
        return tomllib.loads(data.decode(), parse_float=parse_float)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: not valid TOML: values are nested too deeply") from None
    except ValueError as error:  # a number of thousands of digits, or a null byte in the path
        raise ConfigError(f"{path}: {error}") from None
