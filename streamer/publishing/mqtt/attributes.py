"""Attributes of Home Assistant's entities: further values, for people and templates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from streamer.readings import Step


def of_next(step: Step) -> Mapping[str, Any]:
    """Of the forecast of the next minute."""
    forecast = step.forecast
    if forecast is None:
        return {}
    return {
        "at": _iso(forecast.at),
        "mean_kw": _rounded(forecast.kw),
        "median_kw": _rounded(forecast.median_kw),
        "low_kw": _rounded(forecast.low_kw),
        "high_kw": _rounded(forecast.high_kw),
    }


def of_mean(step: Step, minutes: int) -> Mapping[str, Any]:
    """Of the forecast of the mean of the next minutes."""
    found = step.next_means.of(minutes) if step.next_means is not None else None
    if found is None:
        return {}
    return {
        "minutes": minutes,
        "median_kw": _rounded(found.median_kw),
        "low_kw": _rounded(found.low_kw),
        "high_kw": _rounded(found.high_kw),
    }


def of_demand(step: Step) -> Mapping[str, Any]:
    """Of the running demand interval."""
    demand = step.demand
    if demand is None:
        return {}
    return {
        "from": _iso(demand.start),
        "to": _iso(demand.end),
        "minutes_left": demand.minutes_left,
        "unknown_minutes": demand.unknown_minutes,
        "low_kw": _rounded(demand.low_kw),
        "high_kw": _rounded(demand.high_kw),
        "bound_kw": _rounded(demand.bound_kw),
    }


def of_month_peak(step: Step) -> Mapping[str, Any]:
    """Of the month's highest demand interval."""
    demand = step.demand
    return {"at": _iso(demand.month_peak_at) if demand is not None else None}


def of_skill(step: Step) -> Mapping[str, Any]:
    """Of the skill: the accuracy so far, beside that of persistence."""
    scores = step.scores
    return {
        "settled": scores.settled,
        "clear": scores.skill_is_clear,
        "day_skill_percent": _rounded(scores.day_skill, 100.0, digits=1),
        "mae_w": _rounded(scores.model.mae_w, digits=1),
        "rmse_w": _rounded(scores.model.rmse_w, digits=1),
        "point_mae_w": _rounded(scores.point.mae_w, digits=1),
        "persistence_mae_w": _rounded(scores.persistence.mae_w, digits=1),
        "persistence_rmse_w": _rounded(scores.persistence.rmse_w, digits=1),
    }


def of_coverage(step: Step) -> Mapping[str, Any]:
    """Of the coverage of the bands."""
    band = step.scores.band
    return {
        "nominal_percent": _rounded(band.confidence, 100.0, digits=1),
        "day_coverage_percent": _rounded(band.day_coverage, 100.0, digits=1),
        "width_kw": _rounded(band.width_kw),
    }


def of_alarm(step: Step, kind: str) -> Mapping[str, Any]:
    """Of a kind of alarm: the latest one that is on."""
    for alarm in reversed(step.alarms):
        if alarm.kind == kind:
            return {
                "text": alarm.text,
                "since": _iso(alarm.at),
                "size": _rounded(alarm.size, digits=2),
            }
    return {"text": None, "since": None, "size": None}


def _rounded(value: float | None, factor: float = 1.0, *, digits: int = 3) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return round(factor * value, digits)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
