"""An evaluation as tables for a person, 80 columns wide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streamer.evaluation.assess import Evaluation, Verdict
from streamer.evaluation.baselines import PERSISTENCE
from streamer.evaluation.bootstrap import Interval
from streamer.evaluation.breakdown import Part
from streamer.evaluation.metrics import Metrics, W
from streamer.words import NOTHING, number, plural

_NAME_WIDTH = 15
_LABEL_WIDTH = 20
_COMPARED = 3
_LONG = 12
_SCREEN = 80
_BETWEEN = 3
_TITLES = {
    "hour": "By hour of day",
    "level": "By level of the last reading",
    "gap": "By gaps",
    "month": "By month",
}


def tables(evaluation: Evaluation) -> RenderableType:
    """All that is said of an evaluation on a terminal.

    The breakdowns compare up to three models with persistence; `Evaluation.to_json` has
    every forecaster in them.
    """
    parts: list[RenderableType] = [_heading(evaluation), "", _overall(evaluation.verdicts)]
    parts += [Text(line) for line in _leads(evaluation)]
    if any(verdict.metrics.pinball_kw for verdict in evaluation.verdicts):
        parts += ["", _quantiles(evaluation.verdicts)]
    for name, found in evaluation.breakdowns.items():
        parts += ["", _breakdown(_TITLES[name], evaluation.verdicts, found)]
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


def _table(title: str, *headings: str, first_width: int = _NAME_WIDTH) -> Table:
    table = Table(
        title=Text(title),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("", no_wrap=True, max_width=first_width, overflow="ellipsis")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _overall(verdicts: Iterable[Verdict]) -> Table:
    table = _table(
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


def _quantiles(verdicts: Iterable[Verdict]) -> Table:
    table = _table(
        "Quantile forecasts",
        "MAE of\nmedian, W",
        "pinball, W\nlevel: loss",
        "band\n",
        "coverage\n",
        "width\nkW",
        "Winkler\nkW",
    )
    for verdict in verdicts:
        metrics = verdict.metrics
        if metrics.pinball_kw:
            table.add_row(
                Text(_marked(verdict)),
                number(metrics.median_mae_w, ".1f"),
                "\n".join(f"{q:g}: {W * loss:5.1f}" for q, loss in metrics.pinball_kw.items()),
                *_band_cells(metrics),
            )
    return table


def _band_cells(metrics: Metrics) -> Iterator[str]:
    bands = metrics.bands
    yield "\n".join(f"{band.low:g}–{band.high:g}" for band in bands)
    yield "\n".join(f"{100 * band.coverage:.1f} %" for band in bands)
    yield "\n".join(f"{band.width_kw:.3f}" for band in bands)
    yield "\n".join(f"{band.winkler_kw:.3f}" for band in bands)


def _breakdown(title: str, verdicts: Sequence[Verdict], parts: Sequence[Part]) -> RenderableType:
    compared = [i for i, verdict in enumerate(verdicts) if verdict.forecasts.is_model][:_COMPARED]
    reference = [verdict.name for verdict in verdicts].index(PERSISTENCE)
    rows = [_part_row(part, compared, reference) for part in parts]
    headings = ["minutes", "persistence\nMSE, kW²"]
    headings += [f"{_marked(verdicts[i])}\nskill" for i in compared]
    if len(rows) <= _LONG or 2 * _width(headings, rows) + _BETWEEN > _SCREEN:
        return _filled(_table(title, *headings, first_width=_LABEL_WIDTH), rows)
    half = -(-len(rows) // 2)
    beside = Table.grid(padding=(0, _BETWEEN, 0, 0))
    left = _filled(_table(title, *headings, first_width=_LABEL_WIDTH), rows[:half])
    beside.add_row(left, _filled(_table(" ", *headings, first_width=_LABEL_WIDTH), rows[half:]))
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


def _leads(evaluation: Evaluation) -> Iterator[str]:
    first, *others = evaluation.verdicts
    for other in others:
        if other.forecasts.is_model and other.lead is not None:
            spread = other.lead.interval
            known = "" if spread is None else f" (95 %: {_spread(spread)})"
            yield (
                f"{first.name}'s skill less {other.name}'s: "
                f"{_points(other.lead.skill)} points{known}"
            )


def _marked(verdict: Verdict) -> str:
    return f"{_short(verdict)}*" if verdict.forecasts.in_sample else _short(verdict)


def _short(verdict: Verdict) -> str:
    """The name, cut to what a column and the mark leave room for."""
    room = _NAME_WIDTH - 1
    return verdict.name if len(verdict.name) <= room else verdict.name[: room - 1] + "…"


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
