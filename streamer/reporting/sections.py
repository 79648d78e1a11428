"""Sections of a report with a figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streamer.display.numbers import amount, plural
from streamer.reporting import figures
from streamer.reporting.data import DAY, Recorded
from streamer.reporting.legend import legend, stroke, swatch
from streamer.reporting.markup import Markup, tag
from streamer.reporting.parts import Parts
from streamer.reporting.tables import section, table
from streamer.reporting.tally import (
    Gap,
    Score,
    Totals,
    hardest,
    meaningful_skill,
    score,
    score_band,
    settled_errors,
    typical_day,
)
from streamer.reporting.words import HARD, named_days, share

_DAY_S = 86_400
_SCORES = {"MSE, kW²": False, "RMSE, W": True, "MAE, W": False, "bias, W": True, "skill": False}


def power(recorded: Recorded, found: Totals, missing: Sequence[Gap], parts: Parts) -> Markup:
    """Section with the power over the whole period."""
    label = (
        f"Power over time, actual and forecast: in {named_days(recorded)} the house drew "
        f"{amount(found.mean_kw, 2)} kW on average and {amount(found.peak.kw, 2)} kW at most."
    )
    drawn = figures.power(recorded, recorded.start, recorded.end, missing, parts, label)
    settled = np.isfinite(recorded.minutes.point_kw).any()
    solar = parts.energy.has_solar
    names = legend(
        ("actual", stroke("actual")),
        ("forecast", stroke("forecast")) if settled else None,
        (f"{_asked(recorded)} band".lstrip(), swatch("band")) if settled else None,
        ("solar", stroke("solar")) if solar else None,
        ("gap", swatch("missing")) if missing else None,
        ("alarm", tag("path", d="M8.5 2h9l-4.5 8z", class_="alarm")) if recorded.alarms else None,
    )
    return section("Actual and forecast", names, tag("figure", drawn))


def close_up(recorded: Recorded, missing: Sequence[Gap]) -> Markup | None:
    """Section with the two hours of the largest errors, minute by minute."""
    span = hardest(recorded)
    if span is None:
        return None
    begin, end = (recorded.clock.local(at) for at in span)
    intro = (
        f"{begin:%A} {begin.day} {begin:%B}, {begin:%H:%M} to {end:%H:%M}: the two hours with the "
        "largest squared errors. Each forecast was issued a minute before."
    )
    label = "The same, minute by minute, over the two hours with the largest squared errors."
    drawn = figures.power(recorded, *span, missing, None, label)
    return section("The hardest to foresee", tag("p", intro), tag("figure", drawn))


def errors(recorded: Recorded, parts: Parts) -> Markup:
    """Section with the scores of the forecasts and of persistence."""
    found = settled_errors(recorded.minutes)
    settled = len(found["mean"])
    if not settled:
        return section(
            "Errors", tag("p", "No forecast was settled: the first comes with the 50th reading.")
        )
    scores = {name: score(error) for name, error in found.items()}
    reference = scores["persistence"].mse_kw2
    rows = [
        _scored("point, as shown", scores["point"], reference),
        *([] if recorded.period == DAY else [_last_day(recorded)]),
        _scored("mean", scores["mean"], reference),
        _scored("frozen", scores["frozen"], reference),
        (*_scored("persistence", scores["persistence"], None)[:-1], f"0{HARD}%"),
    ]
    caption = f"Over {plural(settled, 'settled forecast')}, one minute ahead."
    label = (
        f"Mean absolute error by {recorded.part}: {amount(scores['point'].mae_w, 1)} W in all, "
        f"of persistence {amount(scores['persistence'].mae_w, 1)} W."
    )
    names = legend(
        (f"MAE by {recorded.part}, point forecast", swatch("forecast-bar")),
        ("persistence", stroke("persistence")),
    )
    drawn = tag("figure", names, figures.errors(recorded, parts, label))
    return section("Errors", _running(recorded), table(_SCORES, rows, caption=caption), drawn)


def band(recorded: Recorded, parts: Parts) -> Markup | None:
    """Section with the coverage of the band; None without settled forecasts."""
    found, confidence = score_band(recorded.minutes), recorded.confidence
    if found.coverage is None:
        return None
    title = "Coverage of the band"
    text = f"{share(found.coverage)} of the readings lay in their band"
    text += "" if confidence is None else f", where {_asked(recorded)} was asked for"
    text += f". It was {amount(found.width_kw, 3)} kW wide on average."
    drawn = figures.coverage(recorded, parts, f"By {recorded.part}: {text}")
    if drawn is None:
        return section(title, tag("p", text))
    dot = tag("circle", cx=13, cy=6, r=3.6, class_="forecast-dot")
    names = legend(
        (f"share in the band by {recorded.part}", dot),
        None if confidence is None else (f"asked for, {_asked(recorded)}", stroke("asked")),
    )
    return section(title, tag("p", text), tag("figure", names, drawn))


def typical(recorded: Recorded) -> Markup | None:
    """Section with the mean power by hour of the day; None for a single day."""
    if recorded.period == DAY:
        return None
    day = typical_day(recorded)
    hour = int(np.nanargmax(day.mean_kw))
    label = f"Mean power by hour of the day, highest from {hour}:00 to {hour + 1}:00."
    upright = tag("path", d="M13 0v12", class_="range")
    names = legend(
        ("mean of the hour", swatch("actual-bar")),
        ("lowest to highest day", upright) if day.days > 1 else None,
    )
    return section("A typical day", tag("figure", names, figures.day_by_hour(day, label)))


def _running(recorded: Recorded) -> Markup:
    running, began = recorded.running, recorded.clock.local(recorded.begun)
    gained = meaningful_skill(running.mse_kw2, running.persistence_mse_kw2, running.settled)
    return tag(
        "p",
        f"Since the recording began on {began.day} {began:%B %Y}, over "
        f"{plural(running.settled, 'forecast')}: MAE of the point forecast "
        f"{_watts(running.point_mae_kw)}, of persistence {_watts(running.persistence_mae_kw)}; "
        f"MSE of the mean {amount(running.mse_kw2, 5)} kW², skill {share(gained, signed=True)}.",
    )


def _last_day(recorded: Recorded) -> tuple[str, ...]:
    late = settled_errors(recorded.minutes.since(recorded.end - _DAY_S))
    reference = score(late["persistence"]).mse_kw2
    return _scored("its last 24 hours", score(late["point"]), reference)


def _watts(kw: float | None) -> str:
    return f"{amount(None if kw is None else 1000.0 * kw, 1)} W"


def _scored(name: str, found: Score, reference: float | None) -> tuple[str, ...]:
    return (
        name,
        amount(found.mse_kw2, 5),
        amount(found.rmse_w, 1),
        amount(found.mae_w, 1),
        amount(found.bias_w, 1, signed=True),
        share(meaningful_skill(found.mse_kw2, reference, found.settled), signed=True),
    )


def _asked(recorded: Recorded) -> str:
    return "" if recorded.confidence is None else f"{100 * recorded.confidence:g}{HARD}%"
