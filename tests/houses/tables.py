"""Figures as tables in Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

Row = dict[str, Any]
"""One series: its house, its kind, and its figures."""


def report(rows: Sequence[Row], *, hours: bool = False) -> str:
    """All tables, and the goals that series miss."""
    parts = [
        _ranges(rows),
        _table("Errors", _ERRORS, rows),
        _table("Intervals of 90 %", _INTERVALS, rows),
        _table("Squared error as a multiple of persistence's", _RATIOS, rows),
        _table("Alarms after the first week", _ALARMS, rows),
        _goals(rows),
    ]
    if any(_at(row, "means") for row in rows):
        parts.insert(2, _table("Mean of the next minutes, adapted", _MEANS, rows))
    if hours:
        parts += [_by_hour(row) for row in rows]
    return "\n\n".join(parts) + "\n"


def compared(before: Sequence[Row], after: Sequence[Row]) -> str:
    """Figures of the same series before and after a change, in one table.

    Args:
        before: series of the earlier release; one that is missing there leaves its place empty.
        after: series of the later one.
    """
    earlier = {(row["house"], row["kind"]): row for row in before}
    lines = [
        "### Before → after",
        "",
        "| house | additions | " + " | ".join([_CHANGE, *_COMPARED]) + " |",
        "|---|---|" + "---:|" * (1 + len(_COMPARED)),
    ]
    for row in after:
        was = earlier.get((row["house"], row["kind"]), {"figures": {}})
        pairs = [(text(was), text(row)) for text in _COMPARED.values()]
        values = [_change(was, row), *[" → ".join(filter(None, pair)) for pair in pairs]]
        lines.append(f"| {row['house']} | {row['kind']} | {' | '.join(values)} |")
    return "\n".join(lines) + "\n"


def _change(before: Row, after: Row) -> str:
    """Change of the mean forecast's squared error, if the readings are the same."""
    old, new = (_at(row, "all", "mse_kw2") for row in (before, after))
    if old is None or new is None:
        return ""
    if not math.isclose(old["persistence"], new["persistence"], rel_tol=1e-9):
        return "other readings"
    return f"{100.0 * (new['mean'] / old['mean'] - 1.0):+.2f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100.0 * value:.1f}"


def _share(part: str, *path: str) -> Callable[[Row], str]:
    return lambda row: _percent(_at(row, part, *path))


def _plain(form: str, part: str, *path: str) -> Callable[[Row], str]:
    def text(row: Row) -> str:
        value = _at(row, part, *path)
        return "" if value is None else format(value, form)

    return text


def _ratio(part: str, name: str) -> Callable[[Row], str]:
    def text(row: Row) -> str:
        value = _at(row, part, "skill", name)
        return "" if value is None else f"{1.0 - value:.2f}"

    return text


def _at(row: Row, *path: str) -> Any:
    value: Any = row["figures"]
    for key in path:
        value = None if value is None else value.get(key)
    return value


def _mae_ratio(name: str) -> Callable[[Row], str]:
    def text(row: Row) -> str:
        mae = _at(row, "all", "mae_w")
        return "" if mae is None else f"{mae[name] / mae['persistence']:.2f}"

    return text


def _charge(row: Row) -> str:
    starts = _at(row, "charge starts")
    if starts is None:
        return ""
    return f"{starts['alarmed']} of {starts['starts']}, {starts['alarmed_after_third']}"


_Columns = dict[str, Callable[[Row], str]]

_ERRORS: _Columns = {
    "minutes": _plain(",", "all", "minutes"),
    "skill frozen, %": _share("all", "skill", "frozen"),
    "adapted mean": _share("all", "skill", "mean"),
    "point": _share("all", "skill", "point"),
    "MAE mean, W": _plain(".1f", "all", "mae_w", "mean"),
    "median": _plain(".1f", "all", "mae_w", "median"),
    "point ": _plain(".1f", "all", "mae_w", "point"),
    "persistence": _plain(".1f", "all", "mae_w", "persistence"),
    "mean outside its band, %": _share("all", "outside", "mean"),
    "point outside": _share("all", "outside", "point"),
}

_INTERVALS: _Columns = {
    "coverage, %": _share("all", "coverage"),
    "night": _share("night", "coverage"),
    "day": _share("day", "coverage"),
    "calm third": _share("calm", "coverage"),
    "middle third": _share("middle", "coverage"),
    "rough third": _share("rough", "coverage"),
    "above 9 kW": _share("above 9 kW", "coverage"),
    "Winkler, kW": _plain(".3f", "all", "winkler_kw"),
}

_RATIOS: _Columns = {
    "minutes above 9 kW": _plain(",", "above 9 kW", "minutes"),
    "there: frozen": _ratio("above 9 kW", "frozen"),
    "mean": _ratio("above 9 kW", "mean"),
    "point": _ratio("above 9 kW", "point"),
    "at night: frozen": _ratio("night", "frozen"),
    "mean ": _ratio("night", "mean"),
    "point ": _ratio("night", "point"),
    "calm third: mean": _ratio("calm", "mean"),
    "rough third: mean": _ratio("rough", "mean"),
}

_ALARMS: _Columns = {
    "anomalies a day": _plain(".2f", "alarms", "anomaly", "a_day"),
    "worst day": _plain("d", "alarms", "anomaly", "worst_day"),
    "stuck a day": _plain(".2f", "alarms", "stuck", "a_day"),
    "of minutes, %": _share("alarms", "stuck", "active"),
    "drift a day": _plain(".2f", "alarms", "drift", "a_day"),
    "of minutes, % ": _share("alarms", "drift", "active"),
    "unit a day": _plain(".2f", "alarms", "unit", "a_day"),
    "charge starts alarmed; after the third": _charge,
}

_MEANS: _Columns = {
    **{f"skill {n} min, %": _share("means", str(n), "skill") for n in (5, 15, 30, 60)},
    **{f"coverage {n} min, %": _share("means", str(n), "coverage") for n in (5, 15, 30, 60)},
    "Winkler 60 min, kW": _plain(".3f", "means", "60", "winkler_kw"),
}

_CHANGE = "MSE of the mean, %"

_COMPARED: _Columns = {
    "skill adapted, %": _share("all", "skill", "mean"),
    "skill point, %": _share("all", "skill", "point"),
    "MAE point, W": _plain(".1f", "all", "mae_w", "point"),
    "of persistence": _plain(".1f", "all", "mae_w", "persistence"),
    "point outside its band, %": _share("all", "outside", "point"),
    "Winkler, kW": _plain(".3f", "all", "winkler_kw"),
    "coverage night, %": _share("night", "coverage"),
    "day": _share("day", "coverage"),
    "calm third": _share("calm", "coverage"),
    "rough third": _share("rough", "coverage"),
    "SE above 9 kW": _ratio("above 9 kW", "mean"),
    "SE at night": _ratio("night", "mean"),
    "anomalies a day": _plain(".2f", "alarms", "anomaly", "a_day"),
    "worst day": _plain("d", "alarms", "anomaly", "worst_day"),
    "stuck a day": _plain(".2f", "alarms", "stuck", "a_day"),
    "drift, % of minutes": _share("alarms", "drift", "active"),
    "unit a day": _plain(".2f", "alarms", "unit", "a_day"),
}

_RANGES: _Columns = {
    "skill frozen, %": _share("all", "skill", "frozen"),
    "skill adapted, %": _share("all", "skill", "mean"),
    "skill of the point, %": _share("all", "skill", "point"),
    "its MAE / persistence's": _mae_ratio("point"),
    "coverage night, %": _share("night", "coverage"),
    "day": _share("day", "coverage"),
    "calm third": _share("calm", "coverage"),
    "rough third": _share("rough", "coverage"),
    "mean outside its band, %": _share("all", "outside", "mean"),
    "squared error above 9 kW / persistence's": _ratio("above 9 kW", "mean"),
}

_HOURS: _Columns = {
    "skill frozen, %": _share("all", "skill", "frozen"),
    "adapted mean": _share("all", "skill", "mean"),
    "MAE point, W": _plain(".1f", "all", "mae_w", "point"),
    "persistence": _plain(".1f", "all", "mae_w", "persistence"),
    "coverage, %": _share("all", "coverage"),
    "Winkler, kW": _plain(".3f", "all", "winkler_kw"),
}

_GOALS: dict[str, Callable[[Row], bool]] = {
    "the point lies outside its band": lambda row: _at(row, "all", "outside", "point") > 0.0,
    "the point's MAE is above persistence's": lambda row: (
        _at(row, "all", "mae_w", "point") > _at(row, "all", "mae_w", "persistence")
    ),
    "the point's MSE is above persistence's": lambda row: (
        (_at(row, "all", "skill", "point") or 0.0) < 0.0
    ),
    "a `unit` alarm": lambda row: _at(row, "alarms", "unit", "a_day") > 0.0,
    "more than 0.2 `stuck` a day": lambda row: _at(row, "alarms", "stuck", "a_day") > 0.2,
    "more than 1.2 anomalies a day": lambda row: _at(row, "alarms", "anomaly", "a_day") > 1.2,
    "more than 3 anomalies on a day": lambda row: _at(row, "alarms", "anomaly", "worst_day") > 3,
    "an alarm at a charge start after the third": lambda row: bool(
        (_at(row, "charge starts") or {}).get("alarmed_after_third")
    ),
}


def _table(title: str, columns: _Columns, rows: Sequence[Row]) -> str:
    lines = [
        f"### {title}",
        "",
        "| house | additions | " + " | ".join(name.strip() for name in columns) + " |",
        "|---|---|" + "---:|" * len(columns),
    ]
    lines += [
        f"| {row['house']} | {row['kind']} | {' | '.join(text(row) for text in columns.values())} |"
        for row in rows
    ]
    return "\n".join(lines)


def _ranges(rows: Sequence[Row]) -> str:
    """Smallest and largest value of each kind of additions over the houses."""
    lines = [
        "### Ranges over the houses",
        "",
        "| additions | " + " | ".join(_RANGES) + " |",
        "|---|" + "---:|" * len(_RANGES),
    ]
    for kind in dict.fromkeys(row["kind"] for row in rows):
        cells = []
        for text in _RANGES.values():
            values = sorted({text(row) for row in rows if row["kind"] == kind} - {""}, key=float)
            cells.append(" to ".join(dict.fromkeys([*values[:1], *values[-1:]])))
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _goals(rows: Sequence[Row]) -> str:
    lines = ["### Series that miss a goal", "", "| | series | which |", "|---|---:|---|"]
    for goal, misses in _GOALS.items():
        missing = [f"{row['house']}: {row['kind']}" for row in rows if misses(row)]
        lines.append(f"| {goal} | {len(missing)} of {len(rows)} | {'; '.join(missing)} |")
    return "\n".join(lines)


def _by_hour(row: Row) -> str:
    lines = [
        f"### By hour: {row['house']}, {row['kind']}",
        "",
        "| hour | " + " | ".join(_HOURS) + " |",
        "|---:|" + "---:|" * len(_HOURS),
    ]
    for hour, scores in enumerate(row["figures"]["hours"]):
        values = [text({"figures": {"all": scores}}) for text in _HOURS.values()]
        lines.append(f"| {hour:02} | {' | '.join(values)} |")
    return "\n".join(lines)
