"""Tests of the pages as text: what is shown, and that old values never look like the present."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta, timezone
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from aiohttp import ClientSession

from streamer.energy.tariff import Rate, Tariff
from streamer.energy.tarifffile import read_tariff
from streamer.history.outage import outage
from streamer.pipeline import Pipeline
from streamer.publishing import WatchedMeter
from streamer.publishing.state import MeterState, next_state
from streamer.publishing.web.charted import minute_of, recorded_minute
from streamer.publishing.web.headers import HEADERS
from streamer.publishing.web.meters import Meters
from streamer.publishing.web.pages import OVERVIEW, Pages
from streamer.readings import Link, Notice, Sample, Step
from streamer.sinks import Item
from streamer.sinks.items import About
from streamer.testing import FixedForecaster, readings
from tests.dashboard.samples import sunny
from tests.publishing.web.helpers import HOUSE, START, Clock, Site, household, serve

STEPS = household()
LAST = STEPS[-1].reading.at


class _Document(HTMLParser):
    """Texts and attributes of a document, with elements checked for their ends."""

    _EMPTY = ("link", "meta", "path", "line", "circle", "rect")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.loaded: list[str] = []
        self.inline: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in self._EMPTY:
            self.open.append(tag)
        if "id" in found:
            self.ids.append(str(found["id"]))
        self.loaded += [str(found[key]) for key in ("src", "href") if key in found]
        self.inline += [key for key in found if key == "style" or key.startswith("on")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self._EMPTY:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _meters(items: Iterable[Item | None], clock: Clock, meter: WatchedMeter = HOUSE) -> Meters:
    meters, state = Meters(), MeterState(meter)
    for item in items:
        if isinstance(item, Step):
            clock.at = (item.reading.at if meter.live else START) + timedelta(seconds=61)
        state = next_state(state, item, clock())
        meters.take(state, item)
    return meters


def _shown(
    *items: Item | None, later_s: float = 0.0, meter: WatchedMeter = HOUSE
) -> dict[str, str]:
    """The texts of the parts of a meter's page."""
    clock = Clock()
    pages = Pages(_meters(items, clock, meter), clock)
    clock.forward(later_s)
    parts = pages.page(OVERVIEW).parts
    return {name: _words(text) for name, text in parts.items()}


def _words(text: str) -> str:
    text = re.sub(r"<title>.*?</title>", "", text)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def test_a_live_meter_shows_the_present_and_what_is_forecast() -> None:
    last = STEPS[-1]
    shown = _shown(About("meter", "homes"), *STEPS, Sample(1.234, LAST + timedelta(seconds=62)))
    assert shown["status"] == "Live."
    forecast, means = last.forecast, last.next_means
    assert forecast is not None
    assert means is not None
    assert last.settled is not None
    expected = (
        f"Now 1.234 kW {LAST:%H:%M}: {last.reading.kw:.3f} kW, "
        f"forecast {last.settled.point_kw:.3f} Forecast for {forecast.at:%H:%M} "
        f"{forecast.point_kw:.3f} kW {forecast.low_kw:.2f} to {forecast.high_kw:.2f} kW"
    )
    assert shown["now"].startswith(expected)
    for minutes, name in ((5, "5 min"), (15, "15 min"), (60, "hour")):
        mean = means.of(minutes)
        assert mean is not None
        assert f"Mean of the next {name} {mean.kw:.2f} kW {mean.low_kw:.2f} to" in shown["now"]
    assert shown["about"] == "meter · model homes"


def test_an_old_state_has_no_value_of_the_present() -> None:
    shown = _shown(*STEPS, later_s=600)
    assert shown["status"] == f"No new reading since {LAST:%H:%M}, for 11 min."
    last_kw = STEPS[-1].reading.kw
    assert shown["now"] == (
        f"Now – kW last known at {LAST:%H:%M}: {last_kw:.3f} kW Next minute – kW"
    )
    assert shown["demand"].startswith("Quarter-hour So far – Heading for –")
    assert "After the latest reading" not in shown["chart"]
    assert shown["chart"].endswith(f"Up to {LAST:%H:%M}.")


def test_a_lost_connection_is_named_at_once_and_the_sample_is_gone() -> None:
    lost = Link(Link.LOST, "broker", "connection <refused>", LAST + timedelta(seconds=30))
    items = *STEPS, Sample(1.234, LAST + timedelta(seconds=62)), lost
    shown = _shown(*items)
    assert shown["status"] == "Broker away for 31 s: connection <refused>."
    assert shown["now"].startswith("Now – kW")
    assert "1.234" not in shown["now"]


def test_an_outage_without_a_meter_has_no_words() -> None:
    clock = Clock()
    served = next(iter(_meters(STEPS[-1:], clock)))
    assert outage(served.view(clock()).snapshot) == []


@pytest.mark.parametrize(
    ("items", "status"),
    [
        ((About("meter", "homes"),), "Waiting for the first reading."),
        (
            (About("meter", "homes"), Link(Link.LOST, "broker", "", START)),
            "Waiting for the first reading: broker away for 0 s.",
        ),
        ((*STEPS, None), "The stream has ended."),
    ],
)
def test_a_meter_that_waits_or_has_ended_is_not_live(
    items: tuple[Item | None, ...], status: str
) -> None:
    shown = _shown(*items)
    assert shown["status"] == status
    assert shown["now"].startswith("Now – kW")


def test_a_sample_is_the_present_before_the_first_minute_is_over() -> None:
    fresh = _shown(About("meter", "homes"), Sample(0.75, START - timedelta(seconds=2)))
    assert fresh["now"].startswith("Now 0.750 kW")
    old = _shown(About("meter", "homes"), Sample(0.75, START - timedelta(seconds=61)))
    assert old["now"].startswith("Now – kW")


def test_the_running_interval_with_its_bound_and_probability() -> None:
    shown = _shown(*STEPS)["demand"]
    demand = STEPS[-1].demand
    assert demand is not None
    assert demand.margin_kw is not None
    start, end = f"{demand.start:%H:%M}", f"{demand.end:%H:%M}"
    assert shown.startswith(f"Quarter-hour {start} to {end} , {demand.minutes_left} min left")
    assert f"So far {demand.so_far_kw:.2f} kW" in shown
    assert f"Heading for {demand.kw:.2f} kW {demand.low_kw:.2f} to" in shown
    assert f"Above {demand.bound_kw:.2f} kW 12 %" in shown
    assert f"may draw {demand.margin_kw:.2f} kW for {demand.minutes_left} min" in shown
    assert f"Month's peak {demand.month_peak_kw:.2f} kW" in shown


def test_a_first_interval_and_one_that_exceeds_whatever_is_drawn() -> None:
    last = STEPS[-1]
    assert last.demand is not None
    first = replace(
        last.demand,
        bound_kw=None, margin_kw=None, p_raises_peak=None, month_peak_kw=None, month_peak_at=None,
    )  # fmt: skip
    shown = _shown(*STEPS[:-1], replace(last, demand=first))["demand"]
    assert "Probability of a new peak – the first sets the month's peak" in shown
    assert "Month's peak – none yet" in shown
    sure = replace(last.demand, margin_kw=0.0, p_raises_peak=0.9999, unknown_minutes=2)
    shown = _shown(*STEPS[:-1], replace(last, demand=sure))["demand"]
    assert "over 99.9 % whatever is drawn from now on" in shown
    assert "2 min unknown" in shown


def test_energy_and_cost_of_the_day() -> None:
    tariff: Tariff = replace(
        read_tariff("vlaanderen"), energy=Rate(fixed=Decimal("0.31")), zone=None
    )
    shown = _shown(*STEPS, meter=replace(HOUSE, tariff=tariff))["day"]
    assert shown.startswith(f"{LAST:%A}, up to {LAST:%H:%M} Imported")
    assert re.search(r"Cost \d+\.\d\d € now \d+\.\d{3} € an hour", shown)
    assert re.search(r"Cost of the month \d+\.\d\d € \d+\.\d\d € of it for the peak", shown)
    assert "an hour" not in _shown(*STEPS, meter=replace(HOUSE, tariff=tariff), later_s=600)["day"]


def test_solar_power_has_its_energy_and_its_line() -> None:
    steps = sunny(Pipeline(FixedForecaster()).push_many(readings([0.3] * 60)))
    shown = _shown(*steps, meter=replace(HOUSE, live=False))
    sun, kw = steps[-1].reading.solar_kw, steps[-1].reading.consumption_kw
    assert f"Solar {sun:.3f} kW consumption {kw:.3f} kW" in shown["now"]
    assert "Solar" in shown["day"]
    assert "solar" in shown["chart"]


def test_alarms_are_loud_while_they_are_on_and_listed_afterwards() -> None:
    on = next(index for index, step in enumerate(STEPS) if step.alarms)
    alarm = STEPS[on].alarms[0]
    shown = _shown(*STEPS[: on + 3])
    assert f"anomaly since {alarm.at:%H:%M} : {alarm.text}" in shown["status"]
    assert "now, still on" in shown["alarms"]
    shown = _shown(*STEPS)
    assert "anomaly" not in shown["status"]
    assert alarm.text in shown["alarms"]
    assert _shown(*STEPS[:5])["alarms"] == "None."


def test_scores_compare_with_persistence_and_events_are_escaped() -> None:
    shown = _shown(*STEPS, Notice(Notice.WARNING, "<script>alert(1)</script>\x07\u202e"))
    assert re.search(r"MAE of the forecast \d+\.\d W persistence \d+\.\d W", shown["scores"])
    assert "In the band" in shown["scores"]
    assert "90 % asked for" in shown["scores"]
    assert "Skill, next hour" in shown["scores"]
    assert "<script>alert(1)</script>??" in shown["events"]
    assert "No forecast has been compared" in _shown(STEPS[0])["scores"]


def test_a_replay_is_the_present_by_the_time_of_its_arrival() -> None:
    steps = Pipeline(FixedForecaster()).push_many(readings([0.3] * 60))
    shown = _shown(*steps, meter=replace(HOUSE, live=False))
    assert shown["status"].startswith("Live.")
    old = _shown(*steps, meter=replace(HOUSE, live=False), later_s=120)
    assert old["status"] == "No new reading since 17:59."


@pytest.mark.parametrize("count", [0, 1, 49, 600])
@pytest.mark.parametrize("several", [False, True])
def test_documents_are_well_formed_and_load_only_their_own(count: int, several: bool) -> None:
    clock = Clock()
    meters = _meters([About("a & b <c>", "homes"), *STEPS[:count]], clock)
    if several:
        meters.take(MeterState(WatchedMeter("Roof & <shed>", "roof")), About("x", "y"))
    pages = Pages(meters, clock)
    for key, own in ((OVERVIEW, ""), ("house", "../")):
        found = _Document(pages.document(key))
        assert len(set(found.ids)) == len(found.ids)
        assert set(pages.page(key).parts) <= set(found.ids)
        assert not found.inline
        links = {"m/house", "m/roof"} if several and not own else {"../"} if several else set()
        assert set(found.loaded) == {f"{own}icon.svg", f"{own}style.css", f"{own}live.js"} | links


def test_the_overview_has_all_meters_and_names_those_that_are_not_live() -> None:
    clock = Clock()
    meters = _meters([About("meter", "homes"), *STEPS], clock)
    meters.take(MeterState(WatchedMeter("Roof", "roof")), About("x", "y"))
    parts = Pages(meters, clock).page(OVERVIEW).parts
    assert _words(parts["status"]) == "1 of 2 meters not live: Roof."
    shown = _words(parts["meters"])
    assert f"House {STEPS[-1].reading.kw:.3f} kW next" in shown
    assert "Roof – kW Waiting for the first reading." in shown


def test_recorded_minutes_are_charted_like_those_of_the_stream() -> None:
    step = STEPS[-1]
    assert step.settled is not None
    row = {
        "at": step.reading.at.isoformat(),
        "actual_kw": step.reading.kw,
        "forecast_kw": 99.0,
        "median_kw": None,
        "low_kw": step.settled.low_kw,
        "high_kw": step.settled.high_kw,
        "gap_minutes": 0,
    }
    assert recorded_minute(row) == minute_of(step)._replace(point_kw=step.settled.high_kw)
    assert recorded_minute({**row, "actual_kw": None}) is None
    clock = Clock()
    meters = _meters(STEPS[-3:], clock)
    served = meters.of("house")
    assert served is not None
    earlier = [minute_of(step)._replace(point_kw=None) for step in STEPS]
    served.resume(earlier)
    assert served.view(clock()).minutes() == [*earlier[:-3], *map(minute_of, STEPS[-3:])]


def test_a_chart_follows_a_clock_that_is_set_forward() -> None:
    summer = timezone(timedelta(hours=1))
    later = [
        replace(step, reading=replace(step.reading, at=step.reading.at.astimezone(summer)))
        for step in STEPS[-60:]
    ]
    shown = _shown(*STEPS[:-60], *later)["chart"]
    hours = re.findall(r"\b(\d\d):00", shown.partition("kW")[2])
    assert f"{LAST.astimezone(summer):%H}" in hours
    assert f"{STEPS[-120].reading.at:%H}" in hours


def test_pages_and_their_files_over_http() -> None:
    site = Site()
    site.send(About("meter", "homes"), *STEPS)

    async def test(client: ClientSession) -> None:
        link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        for path in ("/", "/m/house"):
            async with client.get(path, headers={**link, "Sec-Fetch-Dest": "document"}) as response:
                assert response.status == 200
                assert response.content_type == "text/html"
                assert response.headers["Cache-Control"] == "no-store"
                assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
            async with client.get(path, headers={**link, "Sec-Fetch-Dest": "iframe"}) as response:
                assert response.status == 403
        for path, kind in (
            ("/style.css", "text/css"),
            ("/live.js", "text/javascript"),
            ("/icon.svg", "image/svg+xml"),
        ):
            async with client.get(path) as response:
                assert response.content_type == kind
                assert response.headers["Cache-Control"] == "no-cache"
                tag, body = response.headers["ETag"], await response.read()
            assert not path.endswith(".js") or len(body) < 10_000
            async with client.get(path, headers={"If-None-Match": tag}) as response:
                assert (response.status, await response.read()) == (304, b"")
        for path in ("/m/roof", "/m/", "/live.css", "/page.py", "/m/house/", "/..%2fpage.py"):
            async with client.get(path) as response:
                assert response.status == 404
                assert HEADERS.items() <= dict(response.headers).items()

    serve(site, test)
