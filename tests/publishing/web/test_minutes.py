"""Tests of past minutes as JSON."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st

from streamer.pipeline import Pipeline
from streamer.publishing.web.minutes import MAX_KEPT, KeptMinutes, Query
from streamer.readings import MINUTE, Step
from streamer.readings.span import Span
from streamer.recording.export import KEYS, export
from streamer.recording.recorder import Recorder
from streamer.sinks.text import record
from streamer.testing import FixedForecaster, readings
from streamer.web.access import RefusalError
from tests.publishing.web.helpers import HOUSE, START, Site, serve


def _steps(count: int, start: datetime = START) -> list[Step]:
    kw = [0.25 + 0.001 * (minute % 7) for minute in range(count)]
    return Pipeline(FixedForecaster()).push_many(readings(kw, start=start))


def _time(at: datetime) -> str:
    return at.isoformat().replace("+", "%2B")


async def _asked(client: ClientSession, query: str) -> dict[str, Any]:
    from yarl import URL

    async with client.get(URL(f"/api/history/house?{query}", encoded=True)) as response:
        assert response.status == 200, await response.text()
        found: dict[str, Any] = await response.json()
        return found


def test_minutes_since_the_start_are_kept_without_a_recording() -> None:
    site, steps = Site(), _steps(60)
    site.send(*steps)
    expected = [{key: record(step)[key] for key in KEYS} for step in steps]

    async def test(client: ClientSession) -> None:
        found = await _asked(client, "")
        assert found == {"meter": "house", "minutes": expected, "next": None}
        bounds = f"from={_time(START + 5 * MINUTE)}&to={_time(START + 20 * MINUTE)}"
        assert (await _asked(client, bounds))["minutes"] == expected[5:20]
        found = await _asked(client, f"{bounds}&limit=4")
        assert found["minutes"] == expected[5:9]
        assert found["next"] == expected[9]["at"]
        # A plus that is not escaped is a space.
        found = await _asked(client, "from=2026-03-01T13:58:00+01:00")
        assert found["minutes"] == expected[58:]

    serve(site, test)


def test_minutes_of_a_recording_are_those_of_an_export(tmp_path: Path) -> None:
    path, pipeline = tmp_path / "house.db", Pipeline(FixedForecaster())
    steps = pipeline.push_many(readings([0.3] * 200, start=START))
    recorder = Recorder.open(path, settings={}, state=pipeline.state, notify=lambda notice: None)
    for step in steps:
        recorder.write(step)
    recorder.close()
    export(path, tmp_path / "house.jsonl", format="json")
    rows = [json.loads(line) for line in (tmp_path / "house.jsonl").read_text().splitlines()]
    site = Site()

    async def test(client: ClientSession) -> None:
        site.send(*steps[-1:], meter=replace(HOUSE, record=path))
        query = f"from={_time(START)}&limit=150"
        first = await _asked(client, query)
        assert first["minutes"] == rows[:150]
        rest = await _asked(client, f"from={first['next'].replace('+', '%2B')}")
        assert first["minutes"] + rest["minutes"] == rows
        assert rest["next"] is None
        async with client.get("/events") as response:
            # Hours of the recording, although the stream has had a single minute.
            async for line in response.content:
                if b">12:30<" in line:
                    break
        site.clock.at = START + (1440 + 100) * MINUTE
        assert (await _asked(client, ""))["minutes"] == rows[100:]
        path.unlink()
        async with client.get("/api/history/house") as response:
            assert response.status == 503
            assert "house.db" in (await response.json())["error"]

    serve(site, test)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("form=2026-03-01", "form: unknown; there are: from, to, limit"),
        ("from=yesterday", "from: give a time like 2026-11-29T12:00:00Z, not 'yesterday'"),
        ("to=0001-01-01T00:00:00Z", "to: give a time like"),
        ("limit=0", "limit: give a number from 1 to 10080, not '0'"),
        ("limit=10081", "limit: give a number from 1 to 10080"),
        ("limit=-1", "limit: give a number from 1 to 10080"),
        ("from=2026-03-02&to=2026-03-01", "must be before"),
        ("from=2026-03-01&to=2026-03-02T00:00:00Z", "must both have a zone"),
    ],
)
def test_wrong_parameters_are_named(query: str, words: str) -> None:
    site = Site()
    site.send(*_steps(1))

    async def test(client: ClientSession) -> None:
        async with client.get(f"/api/history/house?{query}") as response:
            assert response.status == 400
            assert words in (await response.json())["error"]
        async with client.get(f"/api/history/roof?{query}") as response:
            assert response.status == 404

    serve(site, test)
    assert not [notice for notice in site.notices if notice.kind == "warning"]


def test_bounds_with_a_zone_do_not_fit_a_replay() -> None:
    site = Site()
    site.send(*_steps(3, START.replace(tzinfo=None)), meter=replace(HOUSE, live=False))

    async def test(client: ClientSession) -> None:
        async with client.get("/api/history/house?from=2026-03-01T12:00:00Z") as response:
            assert response.status == 400
            assert "without an offset" in (await response.json())["error"]

    serve(site, test)


@given(st.dictionaries(st.sampled_from(("from", "to", "limit", "x")), st.text()))
def test_any_parameters_are_read_or_refused(query: dict[str, str]) -> None:
    found = None
    with suppress(RefusalError):
        found = Query.of(query)
    assert found is None or 1 <= found.limit <= 10_080


def test_a_day_is_kept_and_a_clock_that_is_set_back_drops_what_follows() -> None:
    kept, steps = KeptMinutes(), _steps(MAX_KEPT + 60)
    for step in steps:
        kept.add(step)
    found = kept.of(Span(), MAX_KEPT + 100)
    assert [row["at"] for row in found] == [step.reading.at.isoformat() for step in steps[60:]]
    kept.add(steps[100])
    assert len(kept.of(Span(), 100)) == 41
    assert kept.of(Span(start=datetime(2027, 1, 1, tzinfo=UTC)), 5) == []
    assert timedelta(minutes=len(found)) == timedelta(days=1)
