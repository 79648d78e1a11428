"""The running demand interval on a page: its bar, and its figures."""

from __future__ import annotations

from streamer.display.energy import interval_name, likely
from streamer.display.numbers import NOTHING, amount
from streamer.publishing.web.view import View, band, power
from streamer.readings import DemandForecast
from streamer.reporting.markup import Markup, tag
from streamer.reporting.tiles import tile
from streamer.reporting.words import HARD, day_and_time

_WIDTH, _HEIGHT = 1000, 24
_BOUND_WIDTH = 6


def demand(view: View) -> Markup | None:
    """Section of the running demand interval; None if none are kept."""
    if view.last is None or view.last.demand is None:
        return None
    now = view.last.demand
    name, peak = interval_name(now.minutes).capitalize(), _peak(now)
    if not view.is_fresh:
        unknown = (tile(each, NOTHING, "") for each in ("So far", "Heading for"))
        figures = tag("dl", *unknown, peak, class_="figures")
        return tag("section", tag("h2", name), figures)
    title = f"{name} {now.start:%H:%M} to {now.end:%H:%M}"
    left = f", {now.minutes_left} min left" if now.minutes_left else ", complete"
    heading = tag("h2", title, tag("span", left, class_="drawn"))
    figures = tag("dl", _so_far(now), _heading(now), _bound(now), peak, class_="figures")
    return tag("section", heading, _bar(now), figures)


def _so_far(now: DemandForecast) -> Markup:
    unknown = f"{now.unknown_minutes} min unknown" if now.unknown_minutes else ""
    return tile("So far", amount(now.so_far_kw, 2), "kW", unknown)


def _heading(now: DemandForecast) -> Markup:
    text = ""
    if now.low_kw is not None and now.high_kw is not None:
        text = band(now.low_kw, now.high_kw)
    return tile("Heading for", amount(now.kw, 2), "kW", text)


def _bound(now: DemandForecast) -> Markup:
    """Probability of exceeding the bound, and what may still be drawn."""
    if now.bound_kw is None:
        return tile("Probability of a new peak", NOTHING, "", "the first sets the month's peak")
    label = f"Above {power(now.bound_kw)}"
    text = ""
    if now.margin_kw is not None and now.minutes_left:
        text = f"may draw {power(now.margin_kw)} for {now.minutes_left}{HARD}min"
        if now.margin_kw <= 0.0:
            text = "whatever is drawn from now on"
    number, _, unit = likely(now.p_raises_peak).rpartition(" ")
    return tile(label, number or unit, unit if number else "", text)


def _peak(now: DemandForecast) -> Markup:
    if now.month_peak_kw is None:
        return tile("Month's peak", NOTHING, "", "none yet")
    at = "" if now.month_peak_at is None else day_and_time(now.month_peak_at)
    return tile("Month's peak", amount(now.month_peak_kw, 2), "kW", at)


def _bar(now: DemandForecast) -> Markup:
    """The interval's mean import: what has been drawn, what is expected, its band, the bound."""
    drawn = now.so_far_kw * (now.minutes - now.minutes_left) / now.minutes
    known = [kw for kw in (drawn, now.kw, now.high_kw, now.bound_kw) if kw is not None]
    top = 1.05 * max(0.1, *known)

    def rect(low: float | None, high: float | None, name: str) -> Markup | None:
        if low is None or high is None or high <= low:
            return None
        left, right = (round(_WIDTH * max(0.0, kw) / top) for kw in (low, high))
        return tag("rect", x=left, y=0, width=right - left, height=_HEIGHT, class_=name)

    bound = None
    if now.bound_kw is not None:
        left = min(round(_WIDTH * now.bound_kw / top), _WIDTH - _BOUND_WIDTH)
        bound = tag("rect", x=left, y=-4, width=_BOUND_WIDTH, height=_HEIGHT + 8, class_="bound")
    label = f"{power(drawn)} of the mean drawn, {power(now.kw)} expected"
    if now.bound_kw is not None:
        label += f", bound {power(now.bound_kw)}"
    return tag(
        "svg",
        rect(0.0, now.kw if now.low_kw is None else now.low_kw, "forecast-bar"),
        rect(now.low_kw, now.high_kw, "band"),
        rect(0.0, drawn, "drawn-bar"),
        bound,
        viewBox=f"0 -4 {_WIDTH} {_HEIGHT + 8}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
        class_="interval",
    )
