"""Tests of the coming steps over HTTP."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from aiohttp import ClientSession

from streamer.pipeline import Pipeline
from streamer.publishing import WatchedMeter
from streamer.publishing.state import MeterState, next_state
from streamer.publishing.stepmeans import step_means
from streamer.publishing.web.forecast import forecast_record
from streamer.readings import QuarterHour, Step
from streamer.testing import FixedForecaster, readings
from tests.publishing.web.helpers import HOUSE, START, Site, serve

QUARTER = timedelta(minutes=15)


def _step(days: int = 0, start: datetime = START) -> Step:
    """A step whose minute is 12:05, with some days of quarter-hours before."""
    pipeline = Pipeline(FixedForecaster(0.5, window=1, horizons=(5, 15, 60)))
    step = pipeline.push_many(readings([0.25, 0.375] * 3, start=start))[-1]
    rows = [QuarterHour(start - n * QUARTER, 0.5, 0.125, 15) for n in range(96 * days, 0, -1)]
    return replace(step, quarter_hours=rows)


@pytest.mark.parametrize(
    ("query", "minutes", "hours", "factor"),
    [
        ("", 30, 1, 1e3),
        ("?step=15&hours=24", 15, 24, 1e3),
        ("?step=5&unit=kW", 5, 1, 1.0),
    ],
)
def test_the_steps_are_those_of_the_latest_reading(
    query: str, minutes: int, hours: int, factor: float
) -> None:
    site, step = Site(), _step(days=2)
    site.send(step)

    async def test(client: ClientSession) -> None:
        async with client.get(f"/api/forecast/house{query}") as response:
            assert response.status == 200
            found = await response.json()
        expected = step_means(step, site.clock(), minutes=minutes, hours=hours)
        assert len(expected) == 60 * hours // minutes
        assert found == {
            "meter": "house",
            "now": "2026-03-01T12:06:01+00:00",
            "at": "2026-03-01T12:05:00+00:00",
            "step_minutes": minutes,
            "unit": "W" if factor > 1.0 else "kW",
            "steps": [
                {
                    "start": each.start.isoformat(),
                    "power": pytest.approx(factor * each.kw),
                    "forecast": pytest.approx(each.forecast, abs=1e-6),
                }
                for each in expected
            ],
        }

    serve(site, test)


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("?step=7", 400, "step='7': give 5, 10, 15, 20, 30 or 60"),
        ("?hours=49", 400, "hours='49': give from 1 to 48"),
        ("?hours=٣", 400, "hours='٣'"),
        ("?unit=MW", 400, "unit='MW': give W or kW"),
        ("?horizon=3", 400, "'horizon' is unknown; there are: step, hours, unit"),
        ("?step=15&hours=2", 503, "house: 60 minutes are known"),
    ],
)
def test_what_is_wrong_or_not_known_is_an_error(query: str, status: int, words: str) -> None:
    site = Site()
    site.send(_step())

    async def test(client: ClientSession) -> None:
        async with client.get(f"/api/forecast/house{query}") as response:
            assert response.status == status
            assert words in (await response.json())["error"]

    serve(site, test)
    assert not any("forecast" in notice.text for notice in site.notices)


def test_a_stale_meter_has_no_coming_hour() -> None:
    site = Site()
    site.send(_step())

    async def test(client: ClientSession) -> None:
        site.clock.forward(HOUSE.late_s + 60)
        async with client.get("/api/forecast/house") as response:
            assert response.status == 503
            error = (await response.json())["error"]
            assert error == "house is stale: nothing is known of the coming hour"

    serve(site, test)


def test_without_a_forecast_earlier_days_alone_are_not_given() -> None:
    site = Site()
    site.send(replace(_step(days=2), next_means=None))

    async def test(client: ClientSession) -> None:
        async with client.get("/api/forecast/house") as response:
            assert response.status == 503
            assert (await response.json())["error"] == "house has no forecast yet"

    serve(site, test)


def test_times_without_a_zone_are_of_this_machine_and_a_replay_has_its_own() -> None:
    past = datetime(2010, 3, 19, 17, 0)
    heard = datetime(2010, 3, 19, 17, 6, 1).astimezone()
    for live, now in ((True, heard), (False, START)):
        meter = WatchedMeter("House", "house", live=live)
        state = next_state(MeterState(meter), _step(start=past), now)
        found = forecast_record(state, {"step": "30"}, now)
        starts = [datetime.fromisoformat(each["start"]) for each in found["steps"]]
        assert starts == [past.astimezone(), (past + 2 * QUARTER).astimezone()]
