"""Parts of a meter's page: status, present power, day, alarms, scores and events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from streamer.display.durations import since
from streamer.display.energy import money
from streamer.display.horizons import MIN_SETTLED, horizon_name
from streamer.display.lines import one_line
from streamer.display.numbers import NOTHING, amount, plural
from streamer.display.verdict import verdict
from streamer.energy.cost import Costs
from streamer.history.outage import age
from streamer.publishing.web.view import View, band, power
from streamer.readings import Alarm, Link, MeanForecast, MeanScores, Notice
from streamer.reporting.markup import Markup, join, tag
from streamer.reporting.tables import log
from streamer.reporting.tiles import tile
from streamer.reporting.words import HARD, day_and_time, share

_MAX_ALARMS, _MAX_EVENTS = 5, 12
_EVENTS = {Link.LOST: "away", Link.UP: "back", Notice.WARNING: "warning"}


def status(view: View) -> Markup:
    """Status of the meter, loud if its values are not of the present, and the alarms."""
    banner, step = view.banner(), view.step
    if view.is_fresh and not banner:
        # Screen readers read it aloud whenever it changes: so it has no time.
        first = tag("p", "Live.", class_="fresh")
    else:
        first = tag("p", banner, class_="stale")
    if step is None:
        return first
    on = (_alarm(alarm, step.reading.at) for alarm in reversed(step.alarms))
    return join(first, *on)


def _alarm(alarm: Alarm, at: datetime) -> Markup:
    began = tag("span", since(alarm.kind, alarm.at, at), class_="kind")
    return tag("p", began, f": {one_line(alarm.text)}", class_="on")


def now(view: View) -> Markup:
    """Present power, and the forecasts of the next minutes."""
    coming, step = view.forecast, view.step
    label, below = "Next minute", ""
    if coming is not None:
        label, below = f"Forecast for {coming.at:%H:%M}", band(coming.low_kw, coming.high_kw)
    elif view.last is not None and view.is_fresh:
        below = "not enough readings yet"
    ahead = tile(label, amount(coming.point_kw if coming else None, 3), "kW", below)
    means = step.next_means if step is not None else None
    shown = [] if means is None else [m for m in means if m.minutes in view.snapshot.horizons]
    tiles = _present(view), _sun(view), ahead, *map(_mean, shown)
    return tag("dl", *tiles, class_="figures now")


def _sun(view: View) -> Markup | None:
    """Solar power and consumption of the latest minute; None where the sun is not measured."""
    if view.last is None or view.last.reading.solar_kw is None:
        return None
    if view.step is None:
        return tile("Solar", NOTHING, "kW")
    reading = view.step.reading
    below = f"consumption {power(reading.consumption_kw, 3)}"
    return tile("Solar", amount(reading.solar_kw, 3), "kW", below)


def _present(view: View) -> Markup:
    """Present power beside the latest minute and its forecast; the last value if it is old."""
    last = view.last
    below = ""
    if last is not None:
        below = f"{view.as_of()}: {power(last.reading.kw, 3)}"
        if not view.is_fresh:
            below = f"last known at {below}"
        elif last.settled is not None:
            below += f", forecast {amount(last.settled.point_kw, 3)}"
    old = age(view.snapshot) if view.is_fresh else ""
    return tile("Now", amount(view.now_kw, 3), "kW", f"{below}{old and f' · value {old}'}")


def _mean(mean: MeanForecast) -> Markup:
    name = f"Mean of the next {horizon_name(mean.minutes)}"
    return tile(name, amount(mean.kw, 2), "kW", band(mean.low_kw, mean.high_kw))


def day(view: View) -> Markup | None:
    """Section of the day's energy and its cost; None before the first reading."""
    last, found = view.last, view.snapshot.day_energy
    if last is None:
        return None
    so_far = view.snapshot.day
    if found is None:
        imported, exported = so_far.kwh + so_far.exported_kwh, so_far.exported_kwh
        tiles = [tile("Imported", amount(imported, 2), "kWh")]
    else:
        today = found.today
        exported = today.export_kwh
        usual = today.usual_by_now_kwh
        yesterday = today.yesterday_by_now_kwh
        texts = [
            "" if kwh is None else f"{name} {amount(kwh, 2)}"
            for name, kwh in (("yesterday by now", yesterday), ("usual", usual))
        ]
        below = ", ".join(filter(None, texts))
        tiles = [tile("Imported", amount(today.import_kwh, 2), "kWh", below)]
    if exported:
        tiles.append(tile("Exported", amount(exported, 2), "kWh"))
    if so_far.solar_kwh is not None:
        tiles.append(tile("Solar", amount(so_far.solar_kwh, 2), "kWh"))
    if found is not None and found.costs is not None:
        tiles += _costs(found.costs, is_fresh=view.is_fresh)
    title = f"{last.reading.at:%A}, up to {view.as_of()}"
    return tag("section", tag("h2", title), tag("dl", *tiles, class_="figures"))


def _costs(found: Costs, *, is_fresh: bool) -> Iterator[Markup]:
    currency = found.currency
    if found.today is not None:
        hour = found.per_hour if is_fresh else None
        below = "" if hour is None else f"now {money(hour, currency, 3)} an hour"
        number, _, unit = money(found.today, currency).rpartition(" ")
        yield tile("Cost", number, unit, below)
    if found.month is not None:
        number, _, unit = money(found.month, currency).rpartition(" ")
        peak = found.peak_part
        below = "" if peak is None else f"{money(peak, currency)} of it for the peak"
        yield tile("Cost of the month", number, unit, below)


def alarms(view: View) -> Markup:
    """The latest alarms, newest first."""
    entries = view.snapshot.raised[: -_MAX_ALARMS - 1 : -1]
    if not entries:
        return tag("p", "None.")
    rows = [
        (
            day_and_time(entry.alarm.at),
            "now, still on" if entry.until is None else f"{entry.until:%H:%M}",
            join(tag("span", entry.alarm.kind, class_="kind"), " ", one_line(entry.alarm.text)),
        )
        for entry in entries
    ]
    return log(("begin", "end", "what"), rows)


def scores(view: View) -> Markup:
    """Errors of the forecasts beside persistence, coverage of the band, skill of the means."""
    last = view.last
    if last is None or not last.scores.settled:
        return tag("p", "No forecast has been compared with a reading yet.")
    found = last.scores
    point, both = found.point, found.band
    theirs = f"persistence {amount(point.persistence_mae_w, 1)}{HARD}W"
    covered, _, unit = share(both.coverage).partition(HARD)
    asked = f"{100 * both.confidence:g}{HARD}% asked for"
    tiles = [
        tile("MAE of the forecast", amount(point.mae_w, 1), "W", theirs),
        tile("In the band", covered, unit, asked),
        *_skills(last.mean_scores, view.snapshot.horizons),
    ]
    words, *_ = verdict(found.skill, found.skill_is_clear)[1]
    text = f"Over {plural(found.settled, 'minute')}: {words}."
    return join(tag("p", text), tag("dl", *tiles, class_="figures"))


def _skills(found: MeanScores | None, horizons: tuple[int, ...]) -> Iterator[Markup]:
    for each in found or ():
        if each.minutes in horizons and each.settled >= MIN_SETTLED:
            number, _, unit = share(each.skill, signed=True).partition(HARD)
            name = f"Skill, next {horizon_name(each.minutes)}"
            yield tile(name, number, unit, "against “the last reading continues”")


def events(view: View) -> Markup:
    """The latest events, newest first."""
    entries = view.snapshot.events[: -_MAX_EVENTS - 1 : -1]
    if not entries:
        return tag("p", "None.")
    rows = [
        (
            NOTHING if entry.at is None else day_and_time(entry.at),
            _EVENTS.get(entry.kind, entry.kind),
            one_line(entry.text),
        )
        for entry in entries
    ]
    return log(("at", "", "what"), rows)


def about(view: View) -> Markup:
    """Source and model."""
    found = view.snapshot.about
    text = "" if found is None else f"{one_line(found.source)} · model {one_line(found.model)}"
    return tag("p", text)
