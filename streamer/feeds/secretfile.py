"""Files with secrets: their contents, and who else may read them."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterable
from pathlib import Path

from streamer.errors import UsageError
from streamer.feeds.address import Secret

_MAX_BYTES = 1 << 16


def read_secret(path: str) -> Secret:
    """Read a secret from a file, without the trailing newline.

    Raises:
        UsageError: the file cannot be read, is empty, or too large.
    """
    try:
        with Path(path).expanduser().open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        text = data.decode().strip("\r\n")
    except OSError as error:
        raise UsageError(f"secret file {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"secret file {path}: it is not text in UTF-8") from None
    except RuntimeError:  # from expanduser
        raise UsageError(f"secret file {path}: the user does not exist") from None
    except ValueError as error:
        raise UsageError(f"secret file {path}: {error}") from None
    if len(data) > _MAX_BYTES:
        raise UsageError(f"secret file {path}: too large for a secret; is it the right file?")
    if not text:
        raise UsageError(f"secret file {path} is empty")
    return Secret(text)


def exposures(paths: Iterable[str | Path]) -> list[str]:
    """Warnings about files with secrets that other users may read."""
    return list(filter(None, map(exposure, paths)))


def exposure(path: str | Path) -> str | None:
    """Return a warning if other users may read a file with a secret in it.

    A group may read it if the file belongs to another user, such as root: that is how a service
    gets its settings. Without permissions as on POSIX there is no warning.
    """
    if os.name != "posix":
        return None
    try:
        file = Path(path).expanduser()
        status = file.stat()
    except (OSError, RuntimeError, ValueError):
        return None  # whoever reads it explains that
    is_ours = status.st_uid == os.geteuid()
    readers = stat.S_IROTH | (stat.S_IRGRP if is_ours else 0)
    if not stat.S_ISREG(status.st_mode) or not status.st_mode & readers:
        return None
    mode = stat.S_IMODE(status.st_mode)
    return (
        f"{file} has a secret in it, and other users may read it (mode {mode:03o}); run: "
        f"chmod 600 {shlex.quote(str(file))}"
    )
