"""Present values of a meter, none of which is old."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime

from streamer.display.lines import one_line
from streamer.energy.cost import Accounts
from streamer.energy.days import rows_of
from streamer.publishing.metrics.definitions import Value
from streamer.publishing.metrics.tally import ALARMS
from streamer.publishing.state import MeterState
from streamer.readings import DemandForecast, Forecast, Link, MeanForecast, Reading, Scores, Step

_W = 1000.0
_J_PER_KWH = 3.6e6


def present(state: MeterState, now: datetime, accounts: Accounts | None = None) -> Iterator[Value]:
    """Values of the gauges of a meter.

    A value that is unknown, not finite or too old is left out, so that its series ends: only
    whether the meter is up, its connection, and the time of its latest reading remain.

    Args:
        state: state of the meter.
        now: the time, with a zone.
        accounts: costs of the meter; None without a tariff.
    """
    for value in _values(state, now, accounts):
        if math.isfinite(value.number):
            yield value


def _values(state: MeterState, now: datetime, accounts: Accounts | None) -> Iterator[Value]:
    fresh, step = state.is_fresh(now), state.step
    about, link = state.about, state.link
    if about is not None:
        texts = (state.meter.name, about.source, about.model, about.engine)
        yield Value("streamer_meter_info", 1, tuple(map(one_line, texts)))
    yield Value("streamer_meter_up", fresh)
    if link is not None:
        yield Value("streamer_link_up", link.state != Link.LOST)
    if step is None:
        return
    yield Value("streamer_last_reading_timestamp_seconds", step.reading.at.timestamp())
    if not fresh:
        return
    if state.sample is not None:
        yield Value("streamer_sample_power_watts", _W * state.sample.kw)
    yield from _powers(step.reading)
    yield from _forecasts(step, state.meter.horizons)
    yield from _scores(step.scores)
    for kind in ALARMS:
        active = sum(alarm.kind == kind for alarm in step.alarms)
        yield Value("streamer_alarms_active", active, (kind,))
    if step.demand is not None:
        yield from _demand(step.demand, step.scores.band.confidence)
    if step.quarter_hours:
        yield from _energy(step, accounts)


def _powers(reading: Reading) -> Iterator[Value]:
    yield Value("streamer_power_watts", _W * reading.kw)
    if reading.solar_kw is not None:
        yield Value("streamer_solar_power_watts", _W * reading.solar_kw)
    if reading.battery_kw is not None:
        yield Value("streamer_battery_power_watts", _W * reading.battery_kw)
    if reading.solar_kw is not None or reading.battery_kw is not None:
        yield Value("streamer_consumption_power_watts", _W * reading.consumption_kw)


def _forecasts(step: Step, horizons: tuple[int, ...]) -> Iterator[Value]:
    confidence = step.scores.band.confidence
    found: dict[int, Forecast | MeanForecast] = {}
    if step.forecast is not None:
        found[1] = step.forecast
    for minutes in horizons:
        mean = None if step.next_means is None else step.next_means.of(minutes)
        if mean is not None:
            found.setdefault(minutes, mean)
    for minutes, forecast in found.items():
        labels = (str(minutes),)
        yield Value("streamer_forecast_power_watts", _W * forecast.kw, labels)
        quantiles = (forecast.low_kw, forecast.median_kw, forecast.high_kw)
        for level, kw in zip(_levels(confidence), quantiles, strict=True):
            if kw is not None:
                yield Value("streamer_forecast_power_quantile_watts", _W * kw, (*labels, level))


def _levels(confidence: float) -> tuple[str, str, str]:
    """Levels of the lower end of a band, the median, and its upper end.

    >>> _levels(0.9)
    ('0.05', '0.5', '0.95')
    """
    return (f"{(1.0 - confidence) / 2.0:.6g}", "0.5", f"{(1.0 + confidence) / 2.0:.6g}")


def _scores(scores: Scores) -> Iterator[Value]:
    skills = {"hour": scores.hour_skill, "day": scores.day_skill, "all": scores.skill}
    for window, skill in skills.items():
        if skill is not None:
            yield Value("streamer_skill_ratio", skill, (window,))
    for window, share in (("day", scores.band.day_coverage), ("all", scores.band.coverage)):
        if share is not None:
            yield Value("streamer_coverage_ratio", share, (window,))
    yield Value("streamer_nominal_coverage_ratio", scores.band.confidence)


def _demand(demand: DemandForecast, confidence: float) -> Iterator[Value]:
    yield Value("streamer_demand_remaining_seconds", 60.0 * demand.minutes_left)
    powers = {
        "streamer_demand_so_far_watts": demand.so_far_kw,
        "streamer_demand_forecast_watts": demand.kw,
        "streamer_demand_bound_watts": demand.bound_kw,
        "streamer_demand_margin_watts": demand.margin_kw,
        "streamer_month_peak_watts": demand.month_peak_kw,
    }
    for name, kw in powers.items():
        if kw is not None:
            yield Value(name, _W * kw)
    low, _, high = _levels(confidence)
    for level, kw in ((low, demand.low_kw), (high, demand.high_kw)):
        if kw is not None:
            yield Value("streamer_demand_forecast_quantile_watts", _W * kw, (level,))
    if demand.p_raises_peak is not None:
        yield Value("streamer_demand_exceedance_probability", demand.p_raises_peak)


def _energy(step: Step, accounts: Accounts | None) -> Iterator[Value]:
    at, demand = step.reading.at, step.demand
    today = rows_of(step.quarter_hours, at.date())
    imported, exported = (
        sum(row.import_kwh for row in today),
        sum(row.export_kwh for row in today),
    )
    yield Value("streamer_today_import_joules", _J_PER_KWH * imported)
    yield Value("streamer_today_export_joules", _J_PER_KWH * exported)
    if accounts is None:
        return
    peak_kw = None if demand is None else demand.month_peak_kw
    costs = accounts.costs(step.quarter_hours, at, peak_kw, step.reading.kw)
    amounts = {"streamer_today_cost": costs.today, "streamer_month_cost": costs.month}
    for name, amount in amounts.items():
        if amount is not None:
            yield Value(name, float(amount), (costs.currency,))
