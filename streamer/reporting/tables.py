"""Tables of a report: alarms, gaps, events, and figures by hour or day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streamer.display.durations import length
from streamer.display.numbers import amount, plural
from streamer.readings import Link
from streamer.reporting.data import DAY, Recorded
from streamer.reporting.energy import Energy
from streamer.reporting.markup import Markup, join, tag
from streamer.reporting.parts import Parts
from streamer.reporting.tally import Gap
from streamer.reporting.words import HARD, moment, part_begin, share

MAX_ROWS = 100
"""Rows of a table of events, which are the last ones."""
_EVENTS = {Link.UP: "back"}
_PART_COLUMNS = {
    "minutes": True,
    "mean, kW": True,
    "peak, kW": False,
    "MAE, W": False,
    "persistence": False,
    "skill of the mean": True,
    "in band": False,
}
"""Columns, and whether they are hidden on a telephone."""
_SKILL = list(_PART_COLUMNS).index("skill of the mean") + 1

_ENERGY_COLUMNS = {"import, kWh": False, "export, kWh": False}
_SOLAR_COLUMNS = {
    "solar, kWh": False,
    "consumption, kWh": True,
    "solar used at home": True,
    "consumption from the sun": False,
}


def section(title: str, *parts: str | None, long: bool = False) -> Markup:
    """A section of the page under a heading; a long one may be split when printed."""
    return tag("section", tag("h2", title), *parts, class_="long" if long else None)


def table(columns: dict[str, bool], rows: Iterable[Sequence[str]], *, caption: str = "") -> Markup:
    """A table of numbers, whose rows are named by their first cell.

    Args:
        columns: names of all columns except the first, and whether they are hidden on a
            telephone.
        rows: rows of cells.
        caption: text below the table; may be empty.
    """
    spare = [None, *("spare" if hidden else None for hidden in columns.values())]
    head = [
        tag("th", name, scope="col", class_=kind)
        for name, kind in zip(["", *columns], spare, strict=True)
    ]
    body = []
    for name, *cells in rows:
        found = [tag("td", cell, class_=k) for cell, k in zip(cells, spare[1:], strict=True)]
        body.append(tag("tr", tag("th", name, scope="row"), *found))
    return tag(
        "table",
        tag("caption", caption) if caption else None,
        tag("thead", tag("tr", *head)),
        tag("tbody", *body),
    )


def alarms(recorded: Recorded) -> Markup:
    """Section with the alarms that were on in the period."""
    if not recorded.alarms:
        return section("Alarms", tag("p", "None."))
    rows = []
    for alarm in recorded.alarms[-MAX_ROWS:]:
        over = (
            "now, still on" if alarm.over_at is None else _until(recorded, alarm.at, alarm.over_at)
        )
        text = join(tag("span", alarm.kind, class_="kind"), " ", alarm.text)
        rows.append((moment(recorded.clock, alarm.at), over, text))
    found = log(("begin", "end", "what"), rows)
    return section("Alarms", found, left_out(recorded.alarms), long=True)


def gaps(recorded: Recorded, missing: Sequence[Gap]) -> Markup:
    """Section with the gaps of the period, or the longest of them."""
    if not missing:
        return section("Gaps", tag("p", "None: every minute is recorded."))
    longest = sorted(missing, key=lambda gap: -gap.minutes)[:MAX_ROWS]
    rows = [
        (
            moment(recorded.clock, gap.start),
            _until(recorded, gap.start, gap.end),
            length(gap.minutes, space=HARD),
        )
        for gap in sorted(longest, key=lambda gap: gap.start)
    ]
    total = length(sum(gap.minutes for gap in missing), space=HARD)
    text = f"{plural(len(missing), 'gap')}, {total} in all."
    text += f" The {MAX_ROWS} longest:" if len(missing) > MAX_ROWS else ""
    return section("Gaps", tag("p", text), log(("begin", "end", "length"), rows), long=True)


def events(recorded: Recorded) -> Markup | None:
    """Section with events of the connection, and warnings."""
    if not recorded.events:
        return None
    rows = [
        (moment(recorded.clock, event.at), _EVENTS.get(event.kind, event.kind), event.text)
        for event in recorded.events[-MAX_ROWS:]
    ]
    found = log(("at", "", "what"), rows)
    return section("Connection and warnings", found, left_out(recorded.events), long=True)


def by_part(recorded: Recorded, parts: Parts) -> Markup:
    """Section with the numbers behind the figures, by hour or day."""
    edges: list[int] = parts.edges.tolist()
    rows: list[tuple[str, ...]] = [
        (
            part_begin(recorded, edges[i]),
            f"{parts.minutes[i]:,}",
            amount(float(parts.mean_kw[i]), 3),
            amount(float(parts.peak_kw[i]), 2),
            amount(float(parts.mae_w[i]), 1),
            amount(float(parts.persistence_mae_w[i]), 1),
            share(float(parts.skill[i]), signed=True),
            share(float(parts.coverage[i])),
        )
        for i in range(len(parts.minutes))
    ]
    columns = dict(_PART_COLUMNS)
    if recorded.period == DAY:
        # A skill means little within an hour.
        del columns["skill of the mean"]
        rows = [row[:_SKILL] + row[_SKILL + 1 :] for row in rows]
    summary = tag("summary", f"The figures by {recorded.part}")
    return tag("section", tag("details", summary, table(columns, rows)), class_="long")


def energy(recorded: Recorded, parts: Parts, total: Energy) -> Markup:
    """Section with import, export and own use by hour or day, and over the whole period."""
    edges: list[int] = parts.edges.tolist()
    columns = {**_ENERGY_COLUMNS, **(_SOLAR_COLUMNS if total.has_solar else {}), "missing": True}
    rows = [
        (part_begin(recorded, edges[i]), *_energy(parts.energy, i, total))
        for i in range(len(parts.minutes))
    ]
    rows.append(("in all", *_energy(total, 0, total)))
    caption = "Energy of the recorded minutes; missing is the number of minutes without a reading."
    if total.has_solar:
        caption += (
            " Consumption is grid + solar − battery. Solar used at home is the production that"
            " was not exported; from the sun is the consumption that was not imported. What a"
            " battery stores counts as used, and what it is charged with from the grid as imported."
        )
    found = table(columns, rows, caption=caption)
    if recorded.period == DAY:
        found = tag("details", tag("summary", "Energy by hour"), found)
    return section("Energy", found, long=True)


def _energy(found: Energy, i: int, total: Energy) -> tuple[str, ...]:
    """The cells of a row."""
    solar: tuple[str, ...] = ()
    if total.has_solar:
        solar = (
            *(amount(float(kwh[i]), 2) for kwh in (found.solar_kwh, found.consumption_kwh)),
            *(share(float(each[i])) for each in (found.own_use, found.from_sun)),
        )
    grid = (amount(float(kwh[i]), 2) for kwh in (found.imported_kwh, found.exported_kwh))
    return (*grid, *solar, f"{found.missing[i]:,}")


def log(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """A table of events, whose last column is text."""
    names = tag("tr", *(tag("th", name, scope="col") for name in head))
    # On a telephone, without headings, the style sheet writes "to" before the end.
    kinds = ["to" if name == "end" else None for name in head]
    body = (
        tag("tr", *(tag("td", cell, class_=k) for cell, k in zip(row, kinds, strict=True)))
        for row in rows
    )
    return tag("table", tag("thead", names), tag("tbody", *body), class_="log")


def left_out(found: Sequence[object]) -> Markup | None:
    """A remark on the rows that are not in a table of events; None if all are."""
    more = len(found) - MAX_ROWS
    return tag("p", f"Only the last {MAX_ROWS}: {more:,} before them.") if more > 0 else None


def _until(recorded: Recorded, start: int, end: int) -> str:
    """The end of an event, without the day if that is the same."""
    local = recorded.clock.local(end)
    same_day = local.date() == recorded.clock.local(start).date()
    return f"{local:%H:%M}" if same_day else moment(recorded.clock, end)
