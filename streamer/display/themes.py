"""Names of the dashboard's themes."""

from __future__ import annotations

from enum import StrEnum


class ThemeName(StrEnum):
    """A theme: colours for a background, or none."""

    AUTO = "auto"
    DARK = "dark"
    LIGHT = "light"
    MONO = "mono"
