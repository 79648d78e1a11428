"""Regular files and JSON read within bounds."""

from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path
from typing import Any

from streamer.display.lines import error_line
from streamer.errors import ModelError
from streamer.models.bounds import MAX_JSON_DEPTH


def read_regular(path: Path, most: int) -> bytes:
    """The bytes of a regular file of bounded size; a pipe or a device is not waited for.

    Args:
        path: the file.
        most: maximum size in bytes.

    Raises:
        ModelError: it does not exist, cannot be read, is not a regular file, or is too large.
    """
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            size = os.fstat(file.fileno()).st_size
            if size > most:
                raise ModelError(f"{path}: {size:,} bytes, at most {most:,} expected")
            return file.read(most)
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error_line(error)
        raise ModelError(f"{path}: cannot be read ({reason})") from None


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file unless it is a pipe, which would wait for a writer, or a device."""
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("not a regular file")
    return descriptor


def parse_json(where: str, content: bytes) -> Any:
    """A JSON value of bounded depth, all of whose numbers are finite.

    Args:
        where: the file, for errors.
        content: its bytes.

    Raises:
        ModelError: it is not JSON, nested too deeply, or has a number that is not finite.
    """
    try:
        value = json.loads(content, parse_constant=_reject, parse_float=_finite)
        depth = _depth(value)
    except RecursionError:
        depth = MAX_JSON_DEPTH + 1
    except ValueError as error:
        raise ModelError(f"{where}: not readable as JSON ({error_line(error)})") from None
    if depth > MAX_JSON_DEPTH:
        raise ModelError(f"{where}: nested more than {MAX_JSON_DEPTH} levels deep")
    return value


def _reject(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large")
    return number


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return 0
    return 1 + max(map(_depth, value), default=0)
