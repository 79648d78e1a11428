"""Verdict on forecasts beside persistence, in words."""

from __future__ import annotations

import math

BETTER, WORSE, UNCLEAR = 1, -1, 0
"""Which of the two is better, as far as that is clear."""


def verdict(skill: float | None, clear: bool | None) -> tuple[int, list[str]]:
    """A skill in words, once its sign means something.

    Args:
        skill: the skill; None where persistence has no error at all.
        clear: whether the sign of the skill is clear; None while it is too early to say.

    Returns:
        `BETTER`, `WORSE` or `UNCLEAR`, and the words in several lengths, longest first.

    >>> verdict(0.246, True)
    (1, ['24.6 % better than persistence', '24.6 % better'])
    >>> verdict(-1.48, None)[1][0], verdict(0.02, False)[1][0]
    ('too early to compare with persistence', 'no clear difference from persistence')
    """
    if clear is None:
        return UNCLEAR, ["too early to compare with persistence", "too early to compare"]
    if not clear:
        return UNCLEAR, ["no clear difference from persistence", "no clear difference"]
    better = skill is not None and skill > 0.0
    known = skill is not None and math.isfinite(100.0 * skill)
    share = f"{100.0 * abs(skill):,.1f} % " if known and skill is not None else ""
    short = share + ("better" if better else "worse")
    return BETTER if better else WORSE, [f"{short} than persistence", short]


def began_later(point_mse: float | None, mse: float | None) -> bool:
    """Whether the point forecast is scored over fewer minutes than the others.

    So it is after a state was restored that an earlier version had saved: then persistence over
    the same minutes is worth showing beside it.

    Args:
        point_mse: mean squared error of persistence over the minutes of the point forecast.
        mse: the same over those of the others.
    """
    return (
        point_mse is not None and mse is not None and not math.isclose(point_mse, mse, rel_tol=1e-6)
    )
