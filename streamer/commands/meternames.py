"""Names of meters: for topics, labels and paths, and in errors."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from streamer.errors import StreamerError

MAX_NAME = 40
"""Most characters of a name."""


def key_of(name: str) -> str:
    """The name of a meter in topics, labels and paths.

    It has lower-case letters, digits and underscores. Letters without an equivalent in ASCII are
    left out; a name of these alone becomes a digest.

    >>> key_of("Roof, east"), key_of("K\u00fcche 2"), key_of("\u5bb6")
    ('roof_east', 'kuche_2', 'meter_c8ae97')
    """
    text = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    key = re.sub(r"[^a-z0-9]+", "_", text).strip("_")
    return key or f"meter_{hashlib.sha256(name.encode()).hexdigest()[:6]}"


@contextmanager
def named(where: str) -> Iterator[None]:
    """Name the place in the errors of a context, unless they name it already.

    Args:
        where: configuration file and table.
    """
    try:
        yield
    except StreamerError as error:
        if where and not str(error).startswith(where):
            error.args = (f"{where}: {error}",)
        raise
