"""An evaluation as tables for a person, 80 columns wide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streamer.display.numbers import NOTHING, number, plural
from streamer.display.tables import NAME_WIDTH, plain_table
from streamer.evaluation.assess import Evaluation, Verdict
from streamer.evaluation.bands import Band
from streamer.evaluation.baselines import PERSISTENCE
from streamer.evaluation.bootstrap import Interval
from streamer.evaluation.breakdown import Part
from streamer.evaluation.metrics import W

_FIXED = "  fixed"
_LABEL_WIDTH = 20
_COMPARED = 4
_BESIDE_SKILLS = 43
"""Columns of a screen that a breakdown's names and numbers but for the skills may take."""
_LONG = 12
_SCREEN = 80
_BETWEEN = 3
_QUANTILES_MEAN = "Mean absolute error of the median, and pinball loss of each level, in W."
_TITLES = {
    "hour": "By hour of day",
    "level": "By level of the last reading",
    "gap": "By gaps",
    "month": "By month",
}


def tables(evaluation: Evaluation, *, width: int = _SCREEN) -> RenderableType:
    """All that is said of an evaluation on a terminal.

    The breakdowns compare up to four models, adapted ones among them, with persistence;
    `Evaluation.to_json` has every forecaster in them.

    Args:
        evaluation: what came out.
        width: columns of the terminal; in more than 80 a long table may go side by side.
    """
    parts: list[RenderableType] = [_heading(evaluation), "", _overall(evaluation.verdicts)]
    parts += [Text(line) for line in _comparisons(evaluation)]
    if any(verdict.metrics.pinball_kw for verdict in evaluation.verdicts):
        parts += ["", _quantiles(evaluation.verdicts), Text(_QUANTILES_MEAN)]
    if any(verdict.fixed_band for verdict in evaluation.verdicts):
        parts += ["", _bands(evaluation), Text(_fixed_means(evaluation))]
    for name, found in evaluation.breakdowns.items():
        parts += ["", _breakdown(_TITLES[name], evaluation.verdicts, found, width)]
    if evaluation.notes:
        parts.append("")
    parts += [Text(f"Note: {note}.") for note in evaluation.notes]
    return Group(*parts)


def _heading(evaluation: Evaluation) -> Text:
    stretch = evaluation.stretch
    begin, end = (str(at)[:16].replace("T", " ") for at in stretch.scored_at[[0, -1]])
    return Text(
        f"{stretch.name}: {plural(stretch.minutes, 'minute')} scored "
        f"on {plural(evaluation.days, 'day')},\n{begin} to {end}"
    )


def _overall(verdicts: Iterable[Verdict]) -> Table:
    table = plain_table(
        "Mean forecast", "MSE\nkW²", "RMSE\nW", "MAE\nW", "bias\nW", "R²\n", "skill\n", "95 %\n"
    )
    for verdict in verdicts:
        metrics = verdict.metrics
        table.add_row(
            Text(_marked(verdict)),
            _sized(metrics.mse_kw2, 5),
            _sized(metrics.rmse_w, 1),
            _sized(metrics.mae_w, 1),
            _sized(metrics.bias_w, 1, sign="+"),
            NOTHING if metrics.r2 is None else _sized(metrics.r2, 3),
            _percent(metrics.skill),
            _spread(verdict.skill_interval),
        )
    return table


def _quantiles(verdicts: Sequence[Verdict]) -> Table:
    """The pinball losses have a column for each level that any forecaster has."""
    levels = sorted(
        {f"{q:g}" for verdict in verdicts for q in verdict.metrics.pinball_kw}, key=float
    )
    table = plain_table("Quantile forecasts", "MAE", *levels)
    for verdict in verdicts:
        metrics = verdict.metrics
        losses = {f"{level:g}": W * loss for level, loss in metrics.pinball_kw.items()}
        # A model without any has its row, too: an adapted one's below it is its.
        if losses or verdict.forecasts.is_model:
            cells = [number(losses.get(level), ".1f") for level in levels]
            table.add_row(Text(_marked(verdict)), number(metrics.median_mae_w, ".1f"), *cells)
    return table


def _bands(evaluation: Evaluation) -> Table:
    """Every model's bands, and after each frozen and adapted pair the fixed one."""
    table = plain_table(
        "Bands", "band\n", "coverage\n", "of weeks\n", "width\nkW", "Winkler\nkW", "to\nfixed"
    )
    verdicts = evaluation.verdicts
    for verdict, following in zip_longest(verdicts, verdicts[1:]):
        fixed = verdict.fixed_band
        if fixed is None:
            continue
        label = Text(_marked(verdict))
        for band in verdict.metrics.bands:
            levels = f"{band.low:g}–{band.high:g}"
            table.add_row(label, levels, *_band_cells(band, verdict.to_fixed(band)))
            label = Text()
        if label:
            table.add_row(label, *[NOTHING] * 6)
        if following is None or following.forecasts.adapted_from is None:
            half = f"±{fixed.half_width_kw:.3f} kW"
            table.add_row(_FIXED, half, *_band_cells(fixed.band, verdict.to_fixed(fixed.band)))
    return table


def _band_cells(band: Band, to_fixed: float | None) -> Iterator[str]:
    weeks = band.week_coverage
    yield f"{100 * band.coverage:.1f} %"
    yield NOTHING if weeks is None else f"{100 * weeks.low:.1f}–{100 * weeks.high:.1f} %"
    yield f"{band.width_kw:.3f}"
    yield f"{band.winkler_kw:.3f}"
    yield number(to_fixed, ".3f")


def _fixed_means(evaluation: Evaluation) -> str:
    return (
        "Fixed: the frozen mean ± the one width that holds "
        f"{100 * evaluation.confidence:g} % of these minutes,\n"
        "known in hindsight alone. Winkler counts width and misses: the less, the better."
    )


def _breakdown(
    title: str, verdicts: Sequence[Verdict], parts: Sequence[Part], screen: int
) -> RenderableType:
    compared = [i for i, verdict in enumerate(verdicts) if verdict.forecasts.is_model][:_COMPARED]
    reference = [verdict.name for verdict in verdicts].index(PERSISTENCE)
    rows = [_part_row(part, compared, reference) for part in parts]
    headings = ["minutes", "persistence\nMSE, kW²"]
    room = (_SCREEN - _BESIDE_SKILLS) // max(len(compared), 1) - 2
    names = [_marked(verdicts[i], min(room, NAME_WIDTH)).strip() for i in compared]
    headings += [f"{name}\nskill" for name in names]
    if len(rows) <= _LONG or 2 * _width(headings, rows) + _BETWEEN > screen:
        return _filled(plain_table(title, *headings, first_width=_LABEL_WIDTH), rows)
    half = -(-len(rows) // 2)
    beside = Table.grid(padding=(0, _BETWEEN, 0, 0))
    left = _filled(plain_table(title, *headings, first_width=_LABEL_WIDTH), rows[:half])
    beside.add_row(
        left, _filled(plain_table(" ", *headings, first_width=_LABEL_WIDTH), rows[half:])
    )
    return beside


def _width(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """How wide a table of these would be."""
    columns = zip(["", *headings], *rows, strict=True)
    widths = [max(len(line) for cell in column for line in cell.split("\n")) for column in columns]
    return sum(widths) + 2 * len(widths) - 1


def _filled(table: Table, rows: Iterable[Sequence[str]]) -> Table:
    for row in rows:
        table.add_row(*row)
    return table


def _part_row(part: Part, compared: Iterable[int], reference: int) -> list[str]:
    row = [part.label, f"{part.minutes:,}", f"{part.scores[reference].mse_kw2:.5f}"]
    return row + [_percent(part.scores[i].skill) for i in compared]


def _comparisons(evaluation: Evaluation) -> Iterator[str]:
    """Each adapted model beside its frozen one, and the first model beside the others."""
    first, *others = evaluation.verdicts
    for verdict in others:
        found = verdict.mse_to_frozen
        if found is not None:
            low_high = found.interval
            known = (
                "" if low_high is None else f" (95 %: {low_high.low:.3f} to {low_high.high:.3f})"
            )
            yield f"{verdict.name}: MSE {found.ratio:.3f} of the frozen forecast's{known}"
    for other in others:
        forecasts = other.forecasts
        if forecasts.is_model and forecasts.adapted_from is None and other.lead is not None:
            spread = other.lead.interval
            known = "" if spread is None else f" (95 %: {_spread(spread)})"
            yield (
                f"{first.name}'s skill less {other.name}'s: "
                f"{_points(other.lead.skill)} points{known}"
            )


def _marked(verdict: Verdict, width: int = NAME_WIDTH) -> str:
    """The name, cut to a column's width less the mark of those trained on these minutes.

    An adapted model stands below, or right of, the frozen one and is called by how it is
    adapted alone.
    """
    room = width - 1
    name = verdict.name if len(verdict.name) <= room else verdict.name[: room - 1] + "…"
    frozen = verdict.forecasts.adapted_from
    if frozen is not None:
        # "adapted" is enough for one of them, "lightly" for the other.
        name = "  " + verdict.name.removeprefix(f"{frozen}, ").split()[-1]
    return f"{name}*" if verdict.forecasts.in_sample else name


def _spread(interval: Interval | None) -> str:
    if interval is None:
        return NOTHING
    return f"{_points(interval.low)} to {_points(interval.high)}"


def _sized(value: float, decimals: int, *, sign: str = "-") -> str:
    """A number with fewer decimals the larger it is, to fit its column."""
    digits = len(f"{abs(value):.0f}")
    if digits > 1:
        decimals = max(0, min(decimals, 4 - digits))
    # Adding zero turns -0.0 into 0.0.
    return f"{round(value, decimals) + 0.0:{sign}.{decimals}f}"


def _percent(share: float | None) -> str:
    return NOTHING if share is None else f"{_points(share)} %"


def _points(share: float) -> str:
    """A signed percentage, with as many figures as matter and a column has room for."""
    size = abs(share)
    form = "+.1f" if size < 1 else "+.0f" if size < 100 else "+.0e"
    return format(100 * share, form).replace("e+0", "e")
