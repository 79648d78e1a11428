"""Tables of an evaluation for the terminal, 80 columns wide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streamer.display.lines import one_line
from streamer.display.numbers import NOTHING, number, plural
from streamer.display.tables import NAME_WIDTH, plain_table
from streamer.evaluation.assess import Assessment, Evaluation
from streamer.evaluation.bands import Band
from streamer.evaluation.baselines import PERSISTENCE
from streamer.evaluation.bootstrap import Interval
from streamer.evaluation.breakdown import Part
from streamer.evaluation.demand.tables import demand_tables
from streamer.evaluation.forecasts import Forecasts
from streamer.evaluation.means.tables import mean_tables
from streamer.evaluation.metrics import W

_FIXED = "  fixed"
_LABEL_WIDTH = 20
_COMPARED = 4
_BESIDE_SKILLS = 43
"""Screen columns for a breakdown's names and numbers other than the skills."""
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
    """All tables of an evaluation, for a terminal.

    The breakdowns compare up to four models, adapted ones among them, with persistence;
    `Evaluation.to_json` has every forecaster in them.

    Args:
        evaluation: the evaluation.
        width: columns of the terminal; with more than 80 a long table may be set side by side.
    """
    parts: list[RenderableType] = [_heading(evaluation), "", _overall(evaluation.assessments)]
    parts += [Text(one_line(line)) for line in _comparisons(evaluation)]
    if any(assessment.metrics.pinball_kw for assessment in evaluation.assessments):
        parts += ["", _quantiles(evaluation.assessments), Text(_QUANTILES_MEAN)]
    if any(assessment.fixed_band for assessment in evaluation.assessments):
        parts += ["", _bands(evaluation), Text(_fixed_means(evaluation))]
    parts += mean_tables(evaluation.means)
    parts += demand_tables(evaluation.demand)
    for name, found in evaluation.breakdowns.items():
        parts += ["", _breakdown(_TITLES[name], evaluation.assessments, found, width)]
    if evaluation.notes:
        parts.append("")
    parts += [Text(f"Note: {one_line(note)}.") for note in evaluation.notes]
    return Group(*parts)


def _heading(evaluation: Evaluation) -> Text:
    stretch = evaluation.stretch
    begin, end = (str(at)[:16].replace("T", " ") for at in stretch.scored_at[[0, -1]])
    return Text(
        f"{one_line(stretch.name)}: {plural(stretch.minutes, 'minute')} scored "
        f"on {plural(evaluation.days, 'day')},\n{begin} to {end}"
    )


def _overall(assessments: Iterable[Assessment]) -> Table:
    table = plain_table(
        "Mean forecast", "MSE\nkW²", "RMSE\nW", "MAE\nW", "bias\nW", "R²\n", "skill\n", "95 %\n"
    )
    for assessment in assessments:
        metrics = assessment.metrics
        table.add_row(
            _label(table, assessment),
            _sized(metrics.mse_kw2, 5),
            _sized(metrics.rmse_w, 1),
            _sized(metrics.mae_w, 1),
            _sized(metrics.bias_w, 1, sign="+"),
            NOTHING if metrics.r2 is None else _sized(metrics.r2, 3),
            _percent(metrics.skill),
            _spread(assessment.skill_interval),
        )
    return table


def _quantiles(assessments: Sequence[Assessment]) -> Table:
    """Pinball losses, with a column for each level of any forecaster."""
    levels = sorted(
        {f"{q:g}" for assessment in assessments for q in assessment.metrics.pinball_kw}, key=float
    )
    table = plain_table("Quantile forecasts", "MAE", *levels)
    for assessment in assessments:
        metrics = assessment.metrics
        losses = {f"{level:g}": W * loss for level, loss in metrics.pinball_kw.items()}
        # A model without quantiles has a row, too, since its adapted one may have some.
        if losses or assessment.forecasts.is_model:
            cells = [number(losses.get(level), ".1f") for level in levels]
            table.add_row(_label(table, assessment), number(metrics.median_mae_w, ".1f"), *cells)
    return table


def _bands(evaluation: Evaluation) -> Table:
    """Bands of every model, and the fixed band after each frozen and adapted pair."""
    table = plain_table(
        "Bands", "band\n", "coverage\n", "of weeks\n", "width\nkW", "Winkler\nkW", "to\nfixed"
    )
    assessments = evaluation.assessments
    for assessment, following in zip_longest(assessments, assessments[1:]):
        fixed = assessment.fixed_band
        if fixed is None:
            continue
        label = _label(table, assessment)
        for band in assessment.metrics.bands:
            levels = f"{band.low:g}–{band.high:g}"
            table.add_row(label, levels, *_band_cells(band, assessment.to_fixed(band)))
            label = Text()
        if label:
            table.add_row(label, *[NOTHING] * 6)
        if following is None or following.forecasts.adapted_from is None:
            half = f"±{fixed.half_width_kw:.3f} kW"
            table.add_row(_FIXED, half, *_band_cells(fixed.band, assessment.to_fixed(fixed.band)))
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
        "Fixed: the frozen mean ± the constant width that contains "
        f"{100 * evaluation.confidence:g} % of these minutes,\n"
        "known only in hindsight. Winkler score: width plus misses, lower is better."
    )


def _breakdown(
    title: str, assessments: Sequence[Assessment], parts: Sequence[Part], screen: int
) -> RenderableType:
    compared = [i for i, assessment in enumerate(assessments) if assessment.forecasts.is_model][
        :_COMPARED
    ]
    reference = [assessment.name for assessment in assessments].index(PERSISTENCE)
    rows = [_part_row(part, compared, reference) for part in parts]
    headings = ["minutes", "persistence\nMSE, kW²"]
    room = (_SCREEN - _BESIDE_SKILLS) // max(len(compared), 1) - 2
    headings += [_heading_of(assessments[i], min(room, NAME_WIDTH)) for i in compared]
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
    """Width of a table with these cells."""
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
    """Comparison of each adapted model with its frozen one, and of the first with the others."""
    first, *others = evaluation.assessments
    for assessment in others:
        found = assessment.mse_to_frozen
        if found is not None:
            low_high = found.interval
            known = (
                "" if low_high is None else f" (95 %: {low_high.low:.3f} to {low_high.high:.3f})"
            )
            yield f"{assessment.name}: MSE {found.ratio:.3f} of the frozen forecast's{known}"
    for other in others:
        forecasts = other.forecasts
        if forecasts.is_frozen and other.lead is not None:
            spread = other.lead.interval
            known = "" if spread is None else f" (95 %: {_spread(spread)})"
            yield (
                f"{first.forecasts.name}'s skill less {forecasts.name}'s, frozen: "
                f"{_points(other.lead.skill)} points{known}"
            )


def _label(table: Table, assessment: Assessment) -> Text:
    """Label of a row: of a model "frozen" or "adapted", below a row with the model's name."""
    forecasts = assessment.forecasts
    if forecasts.is_frozen:
        table.add_row(Text(_cut(forecasts, NAME_WIDTH)))
    return Text(f"  {_kind(forecasts)}" if forecasts.is_model else _cut(forecasts, NAME_WIDTH))


def _heading_of(assessment: Assessment, width: int) -> str:
    """Heading of a model's column: its name is above the first of its columns only."""
    forecasts = assessment.forecasts
    name = _cut(forecasts, width) if forecasts.is_frozen else ""
    return f"{name}\n{_kind(forecasts)}\nskill"


def _kind(forecasts: Forecasts) -> str:
    """Kind of a model's forecasts, with a mark if it was trained on these minutes."""
    # "adapted" is enough for one kind of adaptation, "lightly" for the other.
    frozen = forecasts.adapted_from
    kind = "frozen" if frozen is None else forecasts.name.removeprefix(f"{frozen}, ").split()[-1]
    return f"{kind}*" if forecasts.in_sample else kind


def _cut(forecasts: Forecasts, width: int) -> str:
    """The name cut to a column's width, with a mark if the model was trained on these minutes.

    Of a plug-in's long name, such as ``river:HoeffdingTreeRegressor``, the first part goes first.
    """
    name, room = one_line(forecasts.name), width - 1
    name = name if len(name) <= room else name.split(":", 1)[-1] or name
    name = name if len(name) <= room else name[: room - 1] + "…"
    return f"{name}*" if forecasts.in_sample else name


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
    """A signed percentage, with as many digits as matter and fit a column."""
    size = abs(share)
    form = "+.1f" if size < 1 else "+.0f" if size < 100 else "+.0e"
    return format(100 * share, form).replace("e+0", "e")
