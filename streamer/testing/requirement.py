"""Requirements of a protocol, as assertions that are made in optimized code, too."""

from __future__ import annotations


def require(holds: bool, message: str) -> None:
    """Raise an error unless a requirement is met.

    Raises:
        AssertionError: it is not.
    """
    if not holds:
        raise AssertionError(message)
