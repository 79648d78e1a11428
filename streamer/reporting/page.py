"""The page as a whole, its header and its footer."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

import streamer
from streamer.display.numbers import amount
from streamer.energy.tariff import Tariff
from streamer.reporting import horizons, loads, peaks, race, sections, tables
from streamer.reporting.cost import cost
from streamer.reporting.data import Recorded
from streamer.reporting.energy import Energy, energy
from streamer.reporting.markup import Markup, join, tag
from streamer.reporting.parts import by_hour_or_day
from streamer.reporting.tally import (
    Peak,
    Score,
    Totals,
    gaps,
    meaningful_skill,
    score,
    score_band,
    settled_errors,
    totals,
)
from streamer.reporting.tiles import tile
from streamer.reporting.words import HARD, moment, named_days, share

_WORDS = (
    ("forecast", "the value expected for the next minute, issued at each reading"),
    ("point", "the forecast that is shown: the median, or else the mean, inside the band"),
    ("mean", "the expected value, which is made for the squared error"),
    ("band", "the range that the next reading should lie in, issued with the forecast"),
    ("persistence", "the forecast “next = last”, over the same minutes"),
    ("frozen", "the network alone, without what has been learnt in this house"),
    ("skill", "1 − MSE / MSE of persistence: 0 % is as good as persistence, below is worse"),
    ("MSE, RMSE", "mean squared error of the forecast, and its root"),
    ("MAE", "mean absolute error of the forecast"),
    ("bias", "mean of forecast minus actual: above 0 is too high"),
    ("gap", "minutes without a valid reading"),
    ("quarter-hour peak", "highest mean import of a fixed quarter (:00, :15, …) without a gap"),
)


def render(
    recorded: Recorded, file_name: str, written: datetime, tariff: Tariff | None = None
) -> str:
    """The whole page.

    Args:
        recorded: data of the period.
        file_name: name of the recording's file.
        written: time of the report.
        tariff: what electricity costs; None to leave that out.
    """
    source, spent = recorded.settings.get("source") or file_name, recorded.energies
    found, missing, parts = totals(recorded), gaps(recorded), by_hour_or_day(recorded)
    total = energy(recorded.minutes, np.array([recorded.start, recorded.end]))
    body = tag(
        "main",
        _head(recorded, source, written),
        _key_figures(recorded, found, total),
        sections.power(recorded, found, missing, parts),
        sections.close_up(recorded, missing),
        tables.energy(recorded, parts, total),
        peaks.demand(recorded),
        None if tariff is None or spent is None else cost(recorded, spent, tariff),
        sections.errors(recorded, parts),
        sections.band(recorded, parts),
        horizons.next_hour(recorded),
        race.section_of(recorded.challengers),
        sections.typical(recorded),
        loads.section_of(recorded.loads, recorded.clock),
        tables.alarms(recorded),
        tables.gaps(recorded, missing),
        tables.events(recorded),
        tables.by_part(recorded, parts),
        _foot(file_name),
    )
    style = style_sheet()
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{source}: {named_days(recorded)}"),
        tag("style", Markup(style)),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, tag('body', body), lang='en')}\n"


def style_sheet() -> str:
    """The style sheet, which live pages share."""
    return Path(__file__).with_name("style.css").read_text(encoding="utf-8")


def _head(recorded: Recorded, source: str, written: datetime) -> Markup:
    span = f"{_weekday(recorded, recorded.start)} to {_weekday(recorded, recorded.end)}"
    whole = recorded.start > recorded.begun
    facts = [f"{span}, {f'one {recorded.period}' if whole else 'as far as recorded'}"]
    if recorded.settings.get("model"):
        facts.append(f"model {recorded.settings['model']}")
    facts.append(f"written {written.day} {written:%B %Y, %H:%M}")
    if recorded.clock.offset(recorded.start) != recorded.clock.offset(recorded.end - 1):
        facts.append("the clock was changed in between")
    return tag(
        "header",
        tag("p", source, class_="source"),
        tag("h1", named_days(recorded)),
        tag("p", " · ".join(facts), class_="facts"),
    )


def _weekday(recorded: Recorded, at: int) -> str:
    local = recorded.clock.local(at)
    if at == recorded.end and not (local.hour or local.minute):
        return f"{local - timedelta(days=1):%a} 24:00"
    return f"{local:%a %H:%M}"


def _key_figures(recorded: Recorded, found: Totals, total: Energy) -> Markup:
    scores = {name: score(error) for name, error in settled_errors(recorded.minutes).items()}
    mean, persistence = scores["mean"], scores["persistence"]
    gained = meaningful_skill(mean.mse_kw2, persistence.mse_kw2, mean.settled)
    missing = f"{found.missing:,} missing" if found.missing else "none missing"
    asked = "" if recorded.confidence is None else f"{100 * recorded.confidence:g}{HARD}% asked for"
    tiles = (
        tile("Imported", amount(float(total.imported_kwh[0]), 2), "kWh"),
        tile("Exported", amount(float(total.exported_kwh[0]), 2), "kWh"),
        *(_sun(total) if total.has_solar else ()),
        _peak(recorded, "Peak", found.peak),
        _peak(recorded, "Quarter-hour peak", found.quarter_peak),
        tile("Minutes recorded", f"{found.recorded:,}", "", missing),
        _error(scores["point"], persistence),
        tile("Skill of the mean", *_percentage(gained, signed=True), "against “next = last”"),
        tile("In the band", *_percentage(score_band(recorded.minutes).coverage), asked),
    )
    return tag("dl", *tiles, class_="figures")


def _sun(total: Energy) -> tuple[Markup, ...]:
    """Tiles about solar power and own use."""
    own, sun = (_percentage(float(each[0])) for each in (total.own_use, total.from_sun))
    return (
        tile("Solar", amount(float(total.solar_kwh[0]), 2), "kWh"),
        tile("Consumption", amount(float(total.consumption_kwh[0]), 2), "kWh"),
        tile("Solar used at home", *own, "not exported"),
        tile("Consumption from the sun", *sun, "not imported"),
    )


def _error(point: Score, persistence: Score) -> Markup:
    below = f"persistence {amount(persistence.mae_w, 1)}{HARD}W"
    return tile("MAE of the forecast", amount(point.mae_w, 1), "W", below)


def _percentage(value: float | None, *, signed: bool = False) -> tuple[str, str]:
    number, _, unit = share(value, signed=signed).partition(HARD)
    return number, unit


def _peak(recorded: Recorded, label: str, peak: Peak | None) -> Markup:
    if peak is None:
        return tile(label, amount(None, 2), "", "no quarter is complete")
    return tile(label, amount(peak.kw, 2), "kW", moment(recorded.clock, peak.at))


def _foot(file_name: str) -> Markup:
    words = join(*(join(tag("dt", word), tag("dd", meaning)) for word, meaning in _WORDS))
    energy = "Energy is that of the recorded minutes; missing ones count as zero."
    made = f"From {file_name} by streamer {streamer.__version__}."
    return tag("footer", tag("dl", words), tag("p", f"{energy} {made}"))
