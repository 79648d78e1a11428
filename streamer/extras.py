"""Imports of optional dependencies, with an error that names the extra to install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from streamer.errors import MissingExtraError


@contextmanager
def optional_import(feature: str, extra: str) -> Iterator[None]:
    """Name the extra where an import inside fails.

    Args:
        feature: what was asked for, as the user would say it.
        extra: the extra that brings what is imported.

    Raises:
        MissingExtraError: an import inside has failed.

    >>> with optional_import("the time machine", "physics"):
    ...     import flux_capacitor
    Traceback (most recent call last):
    ...
    streamer.errors.MissingExtraError: the time machine needs an extra: ...
    """
    try:
        yield
    except ImportError:
        raise MissingExtraError(feature, extra) from None


def check_installed(module: str, feature: str, extra: str) -> None:
    """Check, without importing it, that a module is there.

    Raises:
        MissingExtraError: it is not installed.
    """
    if find_spec(module) is None:
        raise MissingExtraError(feature, extra)
