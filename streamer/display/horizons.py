"""Choice of the horizons whose means are shown, and their names."""

from __future__ import annotations

from collections.abc import Iterable

CHOICES = (*range(1, 16), 30, 60)
"""Horizons that can be shown, in minutes."""

SHOWN = (5, 15, 60)
"""Those shown by default."""

NONE = "none"
"""Written instead of horizons to show none."""

MIN_SETTLED = 1440
"""Settled forecasts from which a skill is shown: before a day, it means little."""


def parse_horizons(text: str) -> tuple[int, ...]:
    """Horizons written as minutes with commas between them, or `NONE`.

    Returns:
        The horizons in rising order, each of them once.

    Raises:
        ValueError: one of them is not a horizon that can be shown; the message names these.

    >>> parse_horizons("60, 5,15"), parse_horizons("none")
    ((5, 15, 60), ())
    >>> parse_horizons("5,45")
    Traceback (most recent call last):
    ...
    ValueError: '45' is not a horizon; give minutes from 1 to 15, 30 or 60, as in 5,15,60, or none
    """
    if text.strip() == NONE:
        return ()
    known = {str(minutes): minutes for minutes in CHOICES}
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        if part not in known:
            raise ValueError(
                f"{part!r} is not a horizon; give minutes from 1 to 15, 30 or 60, as in "
                f"{horizons_text(SHOWN)}, or {NONE}"
            )
    return tuple(sorted({known[part] for part in parts}))


def horizons_text(horizons: Iterable[int]) -> str:
    """Horizons as `parse_horizons` reads them.

    >>> horizons_text((5, 15, 60)), horizons_text(())
    ('5,15,60', 'none')
    """
    return ",".join(map(str, horizons)) or NONE


def horizon_name(minutes: int) -> str:
    """A horizon in few words, to be read after "the next".

    >>> horizon_name(15), horizon_name(60)
    ('15 min', 'hour')
    """
    return "hour" if minutes == 60 else f"{minutes} min"
