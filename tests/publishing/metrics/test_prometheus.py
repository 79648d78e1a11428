"""Tests with promtool, and with a Prometheus that scrapes a running `streamer watch --serve`."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from streamer.pipeline import Pipeline
from streamer.publishing import WatchedMeter
from streamer.publishing.metrics import Metrics
from streamer.publishing.state import MeterState, next_state
from streamer.readings import MINUTE
from streamer.sinks.items import About
from streamer.testing import FixedForecaster, readings
from tests.docs.pages import blocks
from tests.feeds.broker import free_port
from tests.publishing.metrics.test_docs import PAGE, RULES
from tests.publishing.metrics.tools import Prometheus, needs_prometheus, promtool, watcher
from tests.publishing.processes import until

pytestmark = needs_prometheus


def test_the_exposition_is_clean() -> None:
    metrics, state = Metrics(), MeterState(WatchedMeter("House", "house"))
    steps = Pipeline(FixedForecaster(spread_kw=0.2, horizons=(5, 15, 60))).push_many(
        readings([0.3, 0.5] * 60)
    )
    metrics.count_failure("mqtt://broker")
    now = steps[-1].reading.at.astimezone() + MINUTE
    for item in (About("meter", "homes"), *steps):
        state = next_state(state, item, now)
        metrics.take(state, item)
    text = metrics.exposition(now)[0]
    assert b"streamer_forecast_power_quantile_watts" in text
    promtool("check", "metrics", text=text)


def test_the_rules_do_what_they_should() -> None:
    promtool("check", "rules", str(RULES))
    promtool("test", "rules", str(Path(__file__).with_name("rules.test.yml")))


def test_the_examples_of_the_page_are_right(tmp_path: Path) -> None:
    found = [block.text for block in blocks("yaml", [PAGE])]
    assert len(found) == 3
    (tmp_path / "streamer.rules.yml").write_bytes(RULES.read_bytes())
    for number, text in enumerate(found):
        config = tmp_path / f"{number}.yml"
        config.write_text(text.replace("/etc/prometheus/streamer.token", "streamer.token"))
        (tmp_path / "streamer.token").touch()
        promtool("check", "config", str(config))
    queries = [block.text for block in blocks("promql", [PAGE])]
    assert len(queries) >= 6
    rules = [{"record": f"example{n}", "expr": text} for n, text in enumerate(queries)]
    path = tmp_path / "queries.yml"
    path.write_text(json.dumps({"groups": [{"name": "examples", "rules": rules}]}))
    promtool("check", "rules", str(path))


def _lines(until_s: float) -> list[str]:
    """Two and a half hours of samples as JSON, a minute apart."""
    times = (until_s - 60.0 * back for back in range(150, -1, -1))
    return [json.dumps({"time": at, "power_w": 300 + (at * 7919) % 401}) for at in times]


@pytest.mark.slow
def test_what_a_running_watch_exposes_arrives_and_alerts_fire_in_time(tmp_path: Path) -> None:
    rules = tmp_path / "quick.rules.yml"
    rules.write_text(re.sub(r"for: [25]m", "for: 2s", RULES.read_text()))
    ports = free_port(), free_port()
    target = f"127.0.0.1:{ports[0]}"
    site = f"http://{target}"
    # A meter that falls silent is stale two minutes and the grace after the end of a minute:
    # with this grace, half a minute from now, and every minute after that.
    grace_s = (time.time() + 30.0) % 60.0
    options = ("--clock", "feed", "--grace", f"{grace_s:.3f}", "--demand", "15")
    broker = f"127.0.0.1:{free_port()}"  # where none listens
    options += ("--publish", f"mqtt://{broker}/streamer", "--serve", target)
    house = watcher(tmp_path, "stdin:?unit=W", *options, "--format", "json")
    with house, Prometheus(tmp_path, ports[1], target, rules) as prometheus:
        until(lambda: _state(site))
        until(lambda: prometheus.query("streamer_meter_up") == {"": 0.0})
        from_s = time.time() + 15.0
        stale_s = from_s + (grace_s - from_s) % 60.0
        house.write(_lines(stale_s - 119.5))
        last = datetime.fromtimestamp(round(stale_s - grace_s - 180.0), UTC)
        until(lambda: _last_minute(site) == last)
        step = _state(site)["step"]
        timestamp = "streamer_last_reading_timestamp_seconds"
        until(lambda: prometheus.query(timestamp) == {"": last.timestamp()})
        assert prometheus.query("streamer_meter_up") == {"": 1.0}
        assert prometheus.query("streamer_power_watts") == {
            "": pytest.approx(1e3 * step["actual_kw"])
        }
        forecasts = prometheus.query("streamer_forecast_power_watts")
        assert forecasts["minutes=1"] == pytest.approx(1e3 * step["next_kw"])
        assert set(forecasts) == {"minutes=1", "minutes=5", "minutes=15", "minutes=60"}
        settled = prometheus.query('streamer_forecasts_settled_total{minutes="1"}')
        assert settled == {"minutes=1": step["settled"]}
        mse = (
            'streamer_squared_error_square_watts_total{forecaster="%s", minutes="1"}'
            ' / ignoring(forecaster) streamer_forecasts_settled_total{minutes="1"}'
        )
        for who, key in (("model", "mse_kw2"), ("persistence", "persistence_mse_kw2")):
            assert prometheus.query(mse % who) == {"minutes=1": pytest.approx(1e6 * step[key])}
        until(lambda: prometheus.firing() <= {"StreamerPublishingFails"}, within_s=10.0)

        until(lambda: "StreamerPublishingFails" in prometheus.firing())
        failures = prometheus.query("streamer_publisher_failures_total")
        assert list(failures) == [f"publisher=mqtt://{broker}/streamer"]
        until(lambda: prometheus.query("streamer_meter_up") == {"": 0.0}, within_s=120.0)
        assert prometheus.query("streamer_power_watts") == {}
        assert prometheus.query("streamer_forecast_power_watts") == {}
        age = prometheus.query(f"time() - {timestamp}")
        assert 120.0 < age[""] < 300.0
        silent = {"StreamerMeterSilent", "StreamerPublishingFails"}
        until(lambda: prometheus.firing() == silent, within_s=10.0)

        house.kill()
        until(lambda: "StreamerDown" in prometheus.firing(), within_s=10.0)
        assert prometheus.query("streamer_meter_up") == {}


def _state(site: str) -> Any:
    """The state of the meter; empty while it is not known."""
    try:
        with urlopen(f"{site}/api/now", timeout=10) as answer:  # noqa: S310 - of the loopback
            return json.load(answer)["meters"].get("house", {})
    except URLError:
        return {}


def _last_minute(site: str) -> datetime | None:
    """The minute of the latest reading of a meter that is fresh; None if it is not."""
    state = _state(site)
    if state.get("status") != "fresh":
        return None
    return datetime.fromisoformat(state["step"]["at"])
