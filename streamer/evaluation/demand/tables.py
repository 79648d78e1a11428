"""Tables of the scores of demand intervals for the terminal, 80 columns wide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from streamer.display.lines import one_line
from streamer.display.numbers import number, plural
from streamer.display.tables import NAME_WIDTH, plain_table
from streamer.evaluation.demand.scores import DemandEvaluation

_WIDTH = 2 * NAME_WIDTH + 2
_MILLI = 1e3


def demand_tables(evaluations: Sequence[DemandEvaluation]) -> Iterator[RenderableType]:
    """Tables of each model: its alarms beside rules, its reliability and the interval's mean.

    Args:
        evaluations: the scores; without any, there are no tables.
    """
    for each in evaluations:
        yield ""
        yield Text(_title(each), style="bold")
        yield _alarms(each)
        yield Text(_meaning(each))
        if each.reliability:
            yield ""
            # Not the title of the table, which would be wrapped to its width.
            yield Text(
                f"Reliability of the probability after {each.scored[1]} minutes", style="bold"
            )
            yield _reliability(each)
        if each.means:
            yield ""
            yield _means(each)
            yield Text(f"Coverage of the band after {each.scored[1]}: {_percent(each.coverage)}.")


def _title(each: DemandEvaluation) -> str:
    intervals = "quarter-hours" if each.minutes == 15 else "hours"
    mark = "*" if each.in_sample else ""
    return f"Peaks of {intervals}: {one_line(each.name)}{mark}"


def _alarms(each: DemandEvaluation) -> Table:
    first, second = each.deadlines
    table = plain_table(
        "",
        f"≥ {first} min\nfound",
        "\nfalse",
        f"≥ {second} min\nfound",
        "\nfalse",
        "Brier\n× 1000",
        first_width=_WIDTH,
    )
    for alarm in each.alarms:
        pairs = zip(alarm.found, alarm.false_alarms, strict=True)
        cells = [f"{count:,}" for pair in pairs for count in pair]
        table.add_row(Text(alarm.name), *cells, _milli(alarm.brier))
    nothing = [""] * (2 * len(each.deadlines))
    table.add_row(Text("probability itself"), *nothing, _milli(each.brier))
    table.add_row(Text("always the base rate"), *nothing, _milli(each.base_brier))
    return table


def _meaning(each: DemandEvaluation) -> str:
    if each.limit_kw is not None:
        bound = f"{each.limit_kw:g} kW"
    elif each.floor_kw:
        bound = f"the month's peak so far, at least {each.floor_kw:g} kW"
    else:
        bound = "the month's peak so far"
    return (
        f"{each.exceeded:,} of {plural(each.bounded, 'interval')} exceeded {bound}.\n"
        "An interval has one alarm, which counts if so many minutes are left. Waiting: a\n"
        "higher probability is demanded early. Then: decided at that minute alone.\n"
        f"Brier score after {each.scored[1]} minutes."
    )


def _reliability(each: DemandEvaluation) -> Table:
    table = plain_table(
        "",
        "probability",
        "came true",
        "intervals",
        first_width=_WIDTH,
    )
    for found in each.reliability:
        table.add_row(
            "", _percent(found.probability), _percent(found.share), f"{found.intervals:,}"
        )
    return table


def _means(each: DemandEvaluation) -> Table:
    headings = [f"after {passed}" for passed in each.scored]
    table = plain_table("Mean of an interval, RMSE in W", *headings, first_width=_WIDTH)
    for score in each.means:
        table.add_row(Text(one_line(score.name)), *[f"{rmse:.1f}" for rmse in score.rmse_w])
    return table


def _milli(score: float | None) -> str:
    return "" if score is None else f"{_MILLI * score:.2f}"


def _percent(share: float | None) -> str:
    return number(None if share is None else 100 * share, ".1f") + " %"
