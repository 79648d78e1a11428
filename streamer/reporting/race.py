"""Section of a report about the challengers that ran beside the model."""

from __future__ import annotations

from collections.abc import Sequence

from streamer.display.numbers import significant
from streamer.reporting.challengers import RecordedChallenger
from streamer.reporting.markup import Markup
from streamer.reporting.tables import section, table
from streamer.reporting.tally import meaningful_skill
from streamer.reporting.words import share

_COLUMNS = {
    "MSE, kW²": True,
    "skill": False,
    "of the forecast": False,
    "over the forecast": False,
    "minutes": True,
    "absent": True,
}
"""Columns, and whether they are hidden on a telephone."""

_CAPTION = (
    "Forecasters that ran beside the model. Each is scored over the minutes for which it had a "
    "forecast and one was shown: its skill and that of the mean forecast shown are against "
    "persistence, and over the forecast is 1 − MSE / MSE of that. Absent are the minutes for which "
    "it had none."
)


def section_of(challengers: Sequence[RecordedChallenger]) -> Markup | None:
    """Section with the scores of each challenger; None without any."""
    if not challengers:
        return None
    return section("The race", table(_COLUMNS, map(_row, challengers), caption=_CAPTION))


def _row(found: RecordedChallenger) -> tuple[str, ...]:
    own, shown, last = found.mse_kw2, found.shown_mse_kw2, found.persistence_mse_kw2
    skills = ((own, last), (shown, last), (own, shown))
    return (
        found.name,
        significant(own, 4),
        *(share(meaningful_skill(*pair, found.settled), signed=True) for pair in skills),
        f"{found.settled:,}",
        f"{found.absent:,}",
    )
