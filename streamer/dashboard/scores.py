"""Scores of the forecasts and their bands, as lines of text."""

from __future__ import annotations

from rich.text import Text

from streamer.dashboard.words import BAD, GOOD, LABEL, WARNING, choose, line, percent
from streamer.display.numbers import NOTHING, fixed, significant
from streamer.display.verdict import BETTER, UNCLEAR, WORSE, began_later, verdict
from streamer.history import HistorySnapshot
from streamer.readings import Adaptation, BandScores, ErrorScores, Scores, Step, skill

IN_SAMPLE = "in sample: these scores flatter"

TRIAL_MINUTES = 1440
"""Settled minutes before the adapted forecasts can first be shown."""

WIDTH = 43
"""Width of the table in cells."""

MIN_ROWS, ALL_ROWS = 7, 12
"""Lines that the most important scores need, and all of them."""

_MAX_FORECASTERS = 4

_VERDICTS = {BETTER: GOOD, WORSE: BAD, UNCLEAR: ""}


def scores(snapshot: HistorySnapshot, width: int, rows: int) -> list[Text]:
    """Errors of the forecasts and of persistence, and scores of the bands.

    The first row is that of the point forecast, which is the one shown; the verdict is about the
    mean, which is the forecast made for the squared error.

    Args:
        snapshot: state of the stream.
        width: width in cells, at least `WIDTH`.
        rows: number of lines, at least `MIN_ROWS`; the least important are left out.
    """
    last = snapshot.last
    found = last.scores if last else Scores()
    notes = band_lines(found.band, width - 1, brief=rows < ALL_ROWS - 1)
    if last and last.adaptation:
        notes.append(_adaptation(last, last.adaptation, width - 1))
    if began_later(found.point.persistence_mse_kw2, found.persistence.mse_kw2):
        theirs = f"persistence MAE {fixed(found.point.persistence_mae_w, 1)} W"
        notes.append(choose(width - 1, line((f"point began later: {theirs}", LABEL))))
    if snapshot.in_sample:
        notes.append(line((f"! {IN_SAMPLE}", WARNING)))
    room = rows - 2 - len(notes)
    recent = _recent(found) if room >= _MAX_FORECASTERS + 2 else []
    return [
        line(" ", verdict_line(found, width - 1)),
        line((_row("", "MSE kW²", "RMSE W", "MAE W").plain, LABEL)),
        *_table(found, max(0, room)),
        *recent,
        *(line(" ", text) for text in notes),
    ][:rows]


def _table(found: Scores, rows: int) -> list[Text]:
    """A row for each forecaster, the most important ones if there are too many."""
    point, frozen, persistence = found.point, found.frozen, found.persistence
    ours = ErrorScores(point.mse_kw2, point.mae_kw)
    table = [_errors("point", ours), _errors("mean", found.model)]
    if frozen is not None:
        table.append(_errors("frozen", frozen))
    theirs = _errors("persistence", persistence)
    return [*table[: max(0, rows - 1)], theirs][:rows]


def _errors(name: str, found: ErrorScores) -> Text:
    return _row(name, significant(found.mse_kw2), fixed(found.rmse_w, 1), fixed(found.mae_w, 1))


def _row(name: str, squared: str, root: str, absolute: str) -> Text:
    return line(" ", (f"{name:11}", LABEL), f"{squared:>11}{root:>10}{absolute:>10}")


def _recent(found: Scores) -> list[Text]:
    """Squared errors of the last day and hour."""
    spans = (("day", "day_mse_kw2"), ("hour", "hour_mse_kw2"))
    found_of = [
        (span, *(significant(getattr(one, name), 4) for one in (found.model, found.persistence)))
        for span, name in spans
    ]
    return [
        line((f" {span:4} MSE mean ", LABEL), mean, (" persistence ", LABEL), theirs)
        for span, mean, theirs in found_of
    ]


def verdict_line(found: Scores, width: int) -> Text:
    """The comparison of the mean with persistence in words, in colour once it is clear."""
    sign, words = verdict(found.skill, found.skill_is_clear)
    name = "" if sign == UNCLEAR else "mean "
    candidates = [line(name, (text, _VERDICTS[sign])) for text in words]
    if found.day_lead is not None and found.day_lead.is_clear:
        day_sign, (_, day) = verdict(found.day_skill, True)
        ending = line(", ", (day, _VERDICTS[day_sign]), " in the last day")
        candidates.insert(0, line(candidates[0], ending))
    return choose(width, *candidates)


def band_lines(band: BandScores, width: int, *, brief: bool) -> list[Text]:
    """Coverage and mean width of the bands.

    Args:
        band: the scores.
        width: width of a line in cells.
        brief: use a single line.
    """
    name = f"{fixed(100.0 * band.confidence, 1).removesuffix('.0')} % band"
    label = (f"{name}  ", LABEL)
    if band.coverage is None or band.width_kw is None:
        return [line(label, NOTHING)]
    covers, wide = f"covers {_share(band.coverage)}", f"{fixed(band.width_kw, 2)} kW wide"
    covers_day = f"{covers} (day {_share(band.day_coverage)})"
    wide_day = f"{wide} (day {fixed(band.day_width_kw, 2)})"
    if not brief:
        return [
            choose(width, line(label, covers_day), line(label, covers)),
            line(" " * len(name), "  ", wide_day),
        ]
    return [
        choose(
            width,
            line(label, f"{covers_day} · {wide_day}"),
            line(label, f"{covers} · {wide}"),
            line(label, covers),
        )
    ]


def _share(value: float | None) -> str:
    return f"{fixed(None if value is None else 100.0 * value, 1)} %"


def adaptation_line(
    adaptation: Adaptation, gained: float | None, width: int, *, name: str = "adapted"
) -> Text:
    """State of the adapter, and its gain over the frozen network.

    Args:
        adaptation: state of the adapter.
        gained: 1 − MSE of the forecasts shown / MSE of the frozen ones over the last day, which
            is less than that of the correction while the correction has not its full weight.
        width: width in cells.
        name: what the forecasts shown are called: they may be more than adapted.
    """
    learnt = adaptation.learnt
    if not adaptation.shown and learnt < TRIAL_MINUTES:
        state = "learning anew" if adaptation.restarts else "learning"
        return choose(
            width,
            line(f"{state}: {learnt} of {TRIAL_MINUTES} minutes"),
            line(f"{state} {learnt}/{TRIAL_MINUTES}"),
        )
    if not adaptation.shown:
        by = percent(adaptation.day_gain)
        return choose(
            width,
            line("learning: no clear gain yet (", by, " over the last day)"),
            line("learning: no clear gain yet (", by, ")"),
            line("learning (", by, ")"),
        )
    share = f"{fixed(None if gained is None else abs(100.0 * gained), 1)} %"
    sign = "better" if gained is None or gained >= 0.0 else "worse"
    better = Text("hardly better" if share == "0.0 %" else f"{share} {sign}", percent(gained).style)
    return choose(
        width,
        line(f"{name}, ", better, " than frozen over the last day"),
        line(f"{name}, ", better, " than frozen"),
        line(f"{name}, ", better),
    )


def _adaptation(step: Step, adaptation: Adaptation, width: int) -> Text:
    name = "adapted" if step.champion is None else "shown"
    return adaptation_line(adaptation, _gained(step.scores), width, name=name)


def _gained(found: Scores) -> float | None:
    return (
        None if found.frozen is None else skill(found.model.day_mse_kw2, found.frozen.day_mse_kw2)
    )


def comparison(snapshot: HistorySnapshot, width: int) -> list[Text]:
    """Absolute errors of the point forecast and of persistence, and the verdict: two lines."""
    found = snapshot.last.scores if snapshot.last else Scores()
    ours, theirs = (fixed(w, 1) for w in (found.point.mae_w, found.point.persistence_mae_w))
    absolute = choose(
        width,
        line(("MAE ", LABEL), f"{ours} W", (", persistence ", LABEL), f"{theirs} W"),
        line(("MAE ", LABEL), f"{ours} W", (" persistence ", LABEL), theirs),
        line(("MAE ", LABEL), f"{ours} W"),
    )
    return [absolute, verdict_line(found, width)]


def more(snapshot: HistorySnapshot, width: int) -> list[Text]:
    """Squared errors, and scores of the bands and the adapter, where it is narrow but tall."""
    last = snapshot.last
    found = last.scores if last else Scores()
    errors = found.point.mse_kw2, found.model.mse_kw2, found.persistence.mse_kw2
    point, mean, persistence = (significant(mse, 4) for mse in errors)
    beginning = line(("MSE ", LABEL), point, (" kW², mean ", LABEL), mean)
    squared = choose(
        width,
        line(beginning, (", persistence ", LABEL), persistence),
        beginning,
        line(("MSE ", LABEL), f"{point} kW²"),
    )
    lines = [squared, *band_lines(found.band, width, brief=True)]
    if last and last.adaptation:
        lines.append(_adaptation(last, last.adaptation, width))
    return lines


def settled(snapshot: HistorySnapshot) -> str:
    """Number of minutes that the scores cover."""
    count = snapshot.last.scores.settled if snapshot.last else 0
    return f"scores over {count:,} minute{'' if count == 1 else 's'}"
