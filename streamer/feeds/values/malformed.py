"""Errors for messages that cannot be read, and quotations of values in their texts."""

from __future__ import annotations


class MalformedError(ValueError):
    """A message from which no power can be read; the text gives the reason."""


class MissingError(MalformedError):
    """A message that does not have the place of the power."""


def quoted(value: object) -> str:
    """Return a value for display, shortened.

    >>> quoted("x" * 100)[-3:]
    'xx…'
    """
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"
