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
    "of the model": False,
    "over the model": False,
    "minutes": True,
    "absent": True,
}
"""Columns, and whether they are hidden on a telephone."""

_CAPTION = (
    "Forecasters that ran beside the model, and changed nothing else. Each is scored over the "
    "minutes that it and the model had forecast: its skill and that of the model are "
    "against persistence, and over the model is 1 − MSE / MSE of the model. Absent are the minutes "
    "that the model alone had forecast."
)


def section_of(challengers: Sequence[RecordedChallenger]) -> Markup | None:
    """Section with the scores of each challenger; None without any."""
    if not challengers:
        return None
    return section("The race", table(_COLUMNS, map(_row, challengers), caption=_CAPTION))


def _row(found: RecordedChallenger) -> tuple[str, ...]:
    own, model, last = found.mse_kw2, found.model_mse_kw2, found.persistence_mse_kw2
    skills = ((own, last), (model, last), (own, model))
    return (
        found.name,
        significant(own, 4),
        *(share(meaningful_skill(*pair, found.settled), signed=True) for pair in skills),
        f"{found.settled:,}",
        f"{found.absent:,}",
    )
