"""Pages of the server: that of one meter, and the overview of several.

A page is made of parts with names. The document has them all, so that it is complete without a
script; later, only parts that have changed are sent, and the script replaces them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamer
from streamer.display.horizons import horizon_name
from streamer.display.numbers import amount
from streamer.publishing.web import demandpart, parts
from streamer.publishing.web.chart import chart
from streamer.publishing.web.view import View, band, power
from streamer.reporting.markup import Markup, join, tag
from streamer.reporting.words import HARD

WITHOUT_SCRIPT_S = 60
"""Seconds after which a browser without scripts loads the page again."""

_LOST = "No connection to streamer: these values may be old."


def quick_parts(view: View) -> dict[str, Markup]:
    """The parts of a meter's page that change with each sample, and with time alone."""
    return {"status": parts.status(view), "now": parts.now(view)}


def slow_parts(view: View) -> dict[str, Markup]:
    """The other parts, which change with any other item, and with the status."""
    return {
        "chart": chart(view),
        "demand": demandpart.demand(view) or Markup(""),
        "day": parts.day(view) or Markup(""),
        "alarms": parts.alarms(view),
        "scores": parts.scores(view),
        "events": parts.events(view),
        "about": parts.about(view),
    }


def overview_parts(views: Mapping[str, View]) -> dict[str, Markup]:
    """The parts of the overview.

    Args:
        views: the meters by their keys.
    """
    wrong = [view.name for view in views.values() if not view.is_fresh]
    text = f"{len(wrong)} of {len(views)} meters not live: {', '.join(wrong)}." if wrong else ""
    status = tag("p", text or "All meters are live.", class_="stale" if wrong else "fresh")
    cards = (_card(key, view) for key, view in views.items())
    return {"status": status, "meters": tag("ul", *cards, class_="meters")}


def document(
    title: str, found: Mapping[str, Markup], *, root: str, events: str, up: bool = False
) -> str:
    """A whole page.

    Args:
        title: its heading.
        found: its parts by name.
        root: relative URL of the server's root.
        events: relative URL of the changes.
        up: whether there is an overview to return to.
    """
    body = _overview(found) if "meters" in found else _meter(found)
    back = tag("p", tag("a", "All meters", href=root or "./"), class_="source") if up else None
    header = tag("header", back, tag("h1", title), _part("status", found, role="status"))
    about = [_part("about", found)] if "about" in found else []
    main = tag("main", header, *body)
    foot = tag("footer", *about, tag("p", f"streamer {streamer.__version__}"))
    lost = tag("p", _LOST, id="lost", role="alert", hidden="")
    script = tag("script", src=f"{root}live.js", defer="")
    return "<!DOCTYPE html>\n" + tag(
        "html",
        _head(title, root, script),
        tag("body", lost, main, foot),
        lang="en",
        data_events=events,
        data_version=streamer.__version__,
    )


def _head(title: str, root: str, script: Markup) -> Markup:
    again = tag("meta", http_equiv="refresh", content=str(WITHOUT_SCRIPT_S))
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} – streamer"),
        tag("link", rel="icon", href=f"{root}icon.svg", type="image/svg+xml"),
        tag("link", rel="stylesheet", href=f"{root}style.css"),
        tag("noscript", again),
        script,
    )


def _overview(found: Mapping[str, Markup]) -> Sequence[Markup]:
    return (_part("meters", found),)


def _meter(found: Mapping[str, Markup]) -> Sequence[Markup]:
    return (
        _part("now", found),
        tag("section", tag("h2", "Actual and forecast"), _part("chart", found, "figure")),
        _part("demand", found),
        _part("day", found),
        tag("section", tag("h2", "Alarms"), _part("alarms", found)),
        tag("section", tag("h2", "How good it has been"), _part("scores", found)),
        tag("section", tag("details", tag("summary", "Events"), _part("events", found))),
    )


def _part(
    name: str, found: Mapping[str, Markup], element: str = "div", *, role: str | None = None
) -> Markup:
    """The place of a part, by whose id the script finds it."""
    return tag(element, found[name], id=name, role=role)


def _card(key: str, view: View) -> Markup:
    """A meter in the overview, which leads to its page."""
    step, coming = view.step, view.forecast
    small = tag("small", "kW")
    value = tag("span", amount(view.now_kw, 3), HARD, small, class_="value")
    lines = []
    if not view.is_fresh or view.banner():
        lines.append(tag("span", view.banner(), class_="more stale"))
    if coming is not None:
        text = f"next {power(coming.point_kw)}, {band(coming.low_kw, coming.high_kw)}"
        lines.append(tag("span", text, class_="more"))
    means = None if step is None else step.next_means
    if means is not None:
        shown = [m for m in means if m.minutes in view.snapshot.horizons]
        text = ", ".join(f"{horizon_name(m.minutes)} {amount(m.kw, 2)}" for m in shown)
        lines.append(tag("span", f"mean of the next {text}{HARD}kW", class_="more"))
    if step is not None and step.alarms:
        kinds = ", ".join(alarm.kind for alarm in step.alarms)
        lines.append(tag("span", tag("span", kinds, class_="kind"), class_="more"))
    inside = join(tag("span", view.name, class_="name"), value, *lines)
    return tag("li", tag("a", inside, href=f"m/{key}"))
