"""Tests of the page /metrics over HTTP, with a server of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aiohttp import ClientSession

from streamer.pipeline import Pipeline
from streamer.publishing.metrics import Metrics
from streamer.sinks.items import About
from streamer.testing import FixedForecaster, readings
from tests.publishing.metrics.parsed import OPENMETRICS
from tests.publishing.web.helpers import HOUSE, START, Site, serve


@pytest.mark.parametrize(
    ("accept", "kind", "end"),
    [
        ("text/html,*/*;q=0.8", "text/plain; version=0.0.4; charset=utf-8", b"\n"),
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8", b"# EOF\n"),
    ],
)
def test_the_page_is_that_of_the_metrics(accept: str, kind: str, end: bytes) -> None:
    metrics = Metrics()
    site = Site(metrics=metrics)
    steps = Pipeline(FixedForecaster()).push_many(readings([0.3] * 60, start=START))
    site.send(About("meter", "homes"), *steps)
    site.server.count_failure("mqtt://broker")

    async def test(client: ClientSession) -> None:
        async with client.get("/metrics", headers={"Accept": accept}) as response:
            assert response.headers["Content-Type"] == kind
            body = await response.read()
        assert b'streamer_power_watts{meter="house"} 300.0\n' in body
        assert b'streamer_publisher_failures_total{publisher="mqtt://broker"} 1.0\n' in body
        assert body.endswith(end)
        site.clock.at += timedelta(seconds=60 + HOUSE.late_s)
        async with client.get("/metrics", headers={"Accept": accept}) as response:
            body = await response.read()
        assert b"streamer_power_watts{" not in body
        assert b'streamer_meter_up{meter="house"} 0.0\n' in body

    serve(site, test)
