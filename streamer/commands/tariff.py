"""The tariff of `replay` and `watch`, by its name or from its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamer.energy.tariff import Tariff


def find_tariff(name: str | None) -> Tariff | None:
    """The tariff of that name or file; None without one.

    Raises:
        ConfigError: it does not exist, or has a value that cannot be used.
    """
    if name is None:
        return None
    from streamer.energy.tarifffile import read_tariff

    return read_tariff(name)
