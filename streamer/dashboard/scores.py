"""Scores of the forecasts and their bands, as lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from streamer.dashboard.history import HistorySnapshot
from streamer.dashboard.words import BAD, GOOD, LABEL, WARNING, choose, line, percent
from streamer.display.numbers import NOTHING, fixed, significant
from streamer.display.verdict import BETTER, UNCLEAR, WORSE, verdict
from streamer.readings import Adaptation, BandScores, Scores, skill

IN_SAMPLE = "in sample: these scores flatter"

TRIAL_MINUTES = 1440
"""Settled minutes before the adapted forecasts can first be shown."""

WIDTH = 43
"""Width of the table in cells."""

MIN_ROWS, ALL_ROWS = 7, 12
"""Lines that the most important scores need, and all of them."""

_SQUARED = {"mse_kw2": "MSE  kW²", "hour_mse_kw2": "  hour", "day_mse_kw2": "  day"}
_RMSE, _MAE = "rmse_w", "mae_w"
_BY_IMPORTANCE = ("mse_kw2", _MAE, "day_mse_kw2", _RMSE, "hour_mse_kw2")

_VERDICTS = {BETTER: GOOD, WORSE: BAD, UNCLEAR: ""}


def scores(snapshot: HistorySnapshot, width: int, rows: int) -> list[Text]:
    """Errors of the forecasts and of persistence, and scores of the bands.

    Each forecast is shown with the score that it is made for: the mean with the squared error,
    the median, if there is one, with the absolute error.

    Args:
        snapshot: state of the stream.
        width: width in cells, at least `WIDTH`.
        rows: number of lines, at least `MIN_ROWS`; the least important are left out.
    """
    last = snapshot.last
    found = last.scores if last else Scores()
    heading, table = _table(found)
    notes = band_lines(found.band, width - 1, brief=rows < ALL_ROWS - 1)
    if last and last.adaptation:
        notes.append(adaptation_line(last.adaptation, _gained(found), width - 1))
    if snapshot.in_sample:
        notes.append(line((f"! {IN_SAMPLE}", WARNING)))
    room = rows - 2 - len(notes)
    if found.point.mae_w is not None and room > len(table):
        notes.append(line(("MSE of the mean, MAE of the point forecast", LABEL)))
    shown = _BY_IMPORTANCE[: max(0, room)]
    return [
        line(" ", verdict_line(found, width - 1)),
        heading,
        *(text for name, text in table.items() if name in shown),
        *(line(" ", text) for text in notes),
    ][:rows]


def _table(found: Scores) -> tuple[Text, dict[str, Text]]:
    """Heading, and rows of figures, with one column for each forecaster."""
    errors = [found.model, *([found.frozen] if found.frozen else []), found.persistence]
    names = ["adapted", "frozen"] if found.frozen else ["frozen"]
    rows = {
        name: _row(label, [significant(getattr(one, name)) for one in errors])
        for name, label in _SQUARED.items()
    }
    rows[_RMSE] = _row("RMSE W", [fixed(one.rmse_w, 1) for one in errors])
    absolute = [one.mae_w for one in errors]
    if found.point.mae_w is not None:
        unknown = [None] if found.frozen else []
        absolute = [found.point.mae_w, *unknown, found.point.persistence_mae_w]
    rows[_MAE] = _row("MAE  W", [fixed(value, 1) for value in absolute])
    return line((_row("", [*names, "persistence"]).plain, LABEL)), rows


def _row(label: str, texts: Sequence[str]) -> Text:
    model, *frozen, persistence = texts
    between = "".join(f"{text:>11}" for text in frozen)
    return line(" ", (f"{label:9}", LABEL), f"{model:>10}{between}{persistence:>12}")


def verdict_line(found: Scores, width: int) -> Text:
    """The comparison with persistence in words, in colour once it is clear."""
    sign, words = verdict(found.skill, found.skill_is_clear)
    candidates = [line((text, _VERDICTS[sign])) for text in words]
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


def adaptation_line(adaptation: Adaptation, gained: float | None, width: int) -> Text:
    """State of the adapter, and its gain over the frozen network.

    Args:
        adaptation: state of the adapter.
        gained: 1 − MSE of the forecasts shown / MSE of the frozen ones over the last day, which
            is less than that of the correction while the correction has not its full weight.
        width: width in cells.
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
        line("adapted, ", better, " than frozen over the last day"),
        line("adapted, ", better, " than frozen"),
        line("adapted, ", better),
    )


def _gained(found: Scores) -> float | None:
    return (
        None if found.frozen is None else skill(found.model.day_mse_kw2, found.frozen.day_mse_kw2)
    )


def comparison(snapshot: HistorySnapshot, width: int) -> list[Text]:
    """Running errors of the model and of persistence, and the verdict on them: two lines."""
    found = snapshot.last.scores if snapshot.last else Scores()
    ours, theirs = (significant(e.mse_kw2, 4) for e in (found.model, found.persistence))
    squared = choose(
        width,
        line(("MSE ", LABEL), f"{ours} kW²", (", persistence ", LABEL), theirs),
        line(("MSE ", LABEL), ours, (" persistence ", LABEL), theirs),
        line(("MSE ", LABEL), f"{ours} kW²"),
    )
    return [squared, verdict_line(found, width)]


def more(snapshot: HistorySnapshot, width: int) -> list[Text]:
    """Scores of the bands and the adapter, for a screen that is narrow but tall."""
    last = snapshot.last
    lines = band_lines(last.scores.band if last else Scores().band, width, brief=True)
    if last and last.adaptation:
        lines.append(adaptation_line(last.adaptation, _gained(last.scores), width))
    return lines


def settled(snapshot: HistorySnapshot) -> str:
    """Number of minutes that the scores cover."""
    count = snapshot.last.scores.settled if snapshot.last else 0
    return f"scores over {count:,} minute{'' if count == 1 else 's'}"
