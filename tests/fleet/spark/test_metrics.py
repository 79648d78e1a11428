"""Tests of the metrics of a fleet, as Prometheus reads them."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streamer.errors import LinkError
from streamer.fleet.spark.metrics import FLEET, WORST, FleetMetrics
from streamer.fleet.spark.progress import RunProgress
from streamer.fleet.spark.reports import DONE, Batch, Run
from streamer.fleet.summary import Scores, ShardSummary
from tests.docs.pages import ROOT, read
from tests.publishing.metrics.tools import needs_prometheus, promtool

PAGE = ROOT / "docs" / "fleets.md"
RULES = ROOT / "docs" / "prometheus" / "fleet.rules.yml"
NEWEST_US = 1_767_225_600_000_000
RUN = Run(began=1.0, source="in", sink="out", every_s=60.0)
BATCH = Batch(
    number=7,
    began=100.0,
    seconds=2.5,
    read=101,
    unusable=1,
    readings=100,
    late=3,
    doubled=2,
    invalid=1,
    rows=96,
    alarms=2,
    kinds={"peak": 2},
    behind=40,
    state_bytes=5000,
)


def shard(key: int, settled: int = 100) -> ShardSummary:
    error = (1.0 + key) / 100.0
    return ShardSummary(
        meters=10,
        late=0,
        doubled=0,
        invalid=0,
        silent=key,
        latest_us=NEWEST_US - key * 60_000_000,
        oldest_us=NEWEST_US - 3_600_000_000,
        scores={
            "1": Scores(
                settled, settled * error, settled * 0.1, settled * 0.04, settled * 0.05, 90
            ),
            "15": Scores(),
        },
        worst=(),
    )


PROGRESS = RunProgress(RUN, shards={key: shard(key) for key in range(8)}, after=6)


def with_shards(shards: dict[int, ShardSummary], **changes: Any) -> RunProgress:
    return replace(PROGRESS, shards={**PROGRESS.shards, **shards}, **changes)


def scraped(metrics: FleetMetrics, accept: str = "text/plain") -> str:
    with metrics.served("127.0.0.1", 0) as port, urlopen(f"http://127.0.0.1:{port}/metrics") as it:
        return str(it.read(), "utf-8")


def values(metrics: FleetMetrics) -> dict[str, float]:
    return {
        f"{sample.name.removeprefix('streamer_fleet_')}{list(sample.labels.values()) or ''}": (
            sample.value
        )
        for family in text_string_to_metric_families(scraped(metrics))
        for sample in family.samples
        if sample.name.startswith("streamer_fleet_")
    }


def test_before_the_first_batch_all_counters_are_zero() -> None:
    metrics = FleetMetrics()
    assert values(metrics)["running"] == 0.0
    metrics.show(PROGRESS)
    found = values(metrics)
    assert found["running"] == found["info['out', 'in']"] == 1.0
    assert found["trigger_seconds"] == 60.0
    assert found["meters"] == 80.0
    assert found["silent_meters"] == 28.0
    assert not any(value for name, value in found.items() if re.search(r"_total\b", name))
    assert "last_batch_seconds" not in found


def test_a_batch_is_counted_and_shown() -> None:
    metrics = FleetMetrics()
    metrics.show(PROGRESS)
    for number in range(2):
        progress = with_shards({3: shard(3, settled=100 + 50 * (number + 1))})
        metrics.show(progress, replace(BATCH, number=number))
    metrics.show(replace(progress, run=replace(RUN, state=DONE)))
    found = values(metrics)
    assert found["running"] == 0.0
    assert (found["batches_total"], found["batch_seconds_total"]) == (2.0, 5.0)
    assert (found["last_batch_seconds"], found["last_batch_timestamp_seconds"]) == (2.5, 102.5)
    assert (found["rows_total"], found["unusable_rows_total"]) == (202.0, 2.0)
    assert (found["readings_total"], found["output_rows_total"]) == (200.0, 192.0)
    dropped = [found[f"dropped_readings_total[{it!r}]"] for it in ("late", "duplicate", "invalid")]
    assert dropped == [6.0, 4.0, 2.0]
    assert found["alarms_raised_total['peak']"] == 4.0
    assert found["alarms_raised_total['stuck']"] == 0.0
    assert (found["waiting_records"], found["state_bytes"]) == (40.0, 5000.0)
    assert found["newest_minute_timestamp_seconds"] == NEWEST_US / 1e6
    assert found["oldest_minute_timestamp_seconds"] == NEWEST_US / 1e6 - 3600.0
    assert found["forecasts_settled_total['1']"] == 100.0
    assert found["squared_error_square_watts_total['model', '1']"] == pytest.approx(100 * 0.04e6)
    assert found["squared_error_square_watts_total['frozen', '1']"] == pytest.approx(100 * 0.05e6)
    assert found["absolute_error_watts_total['1']"] == pytest.approx(100 * 0.1e3)
    assert found["forecasts_settled_total['15']"] == 0.0
    assert "skill_ratio['15']" not in found
    assert found["coverage_ratio['1']"] == pytest.approx(720 / 900)
    assert found["skill_ratio['1']"] == pytest.approx(-1 / 9)


def test_few_shards_have_gauges_of_their_own() -> None:
    metrics = FleetMetrics()
    metrics.show(PROGRESS)
    found = values(metrics)
    skills = {name: value for name, value in found.items() if name.startswith("shard_skill")}
    assert list(skills) == [f"shard_skill_ratio['{key}']" for key in (7, 6, 5, 4, 3)]
    assert skills["shard_skill_ratio['7']"] == pytest.approx(1 - 0.08 / 0.04)
    behind = [name for name in found if name.startswith("shard_newest")]
    assert len(behind) == WORST
    assert behind[0] == "shard_newest_minute_timestamp_seconds['7']"


def test_a_total_that_falls_by_rounding_is_no_new_beginning() -> None:
    metrics = FleetMetrics()
    metrics.show(PROGRESS)
    one = shard(0)
    fallen = one.scores["1"]._replace(mse_kw2=one.scores["1"].mse_kw2 * (1 - 1e-12))
    metrics.show(with_shards({0: replace(one, scores={"1": fallen})}), BATCH)
    assert values(metrics)["squared_error_square_watts_total['model', '1']"] == 0.0


def test_all_forecasts_of_a_new_shard_count_if_the_others_are_known() -> None:
    metrics = FleetMetrics()
    metrics.show(PROGRESS)
    metrics.show(with_shards({8: shard(8)}), BATCH)
    assert values(metrics)["forecasts_settled_total['1']"] == 100.0
    metrics.show(with_shards({8: shard(8, settled=130), 9: shard(9)}, after=None), BATCH)
    assert values(metrics)["forecasts_settled_total['1']"] == 130.0


def test_an_address_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        text = f"--metrics: cannot listen on 127.0.0.1:{port}: address already in use; give another"
        with pytest.raises(LinkError, match=text), FleetMetrics().served("127.0.0.1", port):
            pass


@needs_prometheus[0]
@needs_prometheus[1]
def test_prometheus_accepts_the_metrics() -> None:
    metrics = FleetMetrics()
    metrics.show(PROGRESS)
    metrics.show(PROGRESS, BATCH)
    promtool("check", "metrics", text=scraped(metrics).encode())


@needs_prometheus[0]
@needs_prometheus[1]
def test_the_rules_do_what_they_should() -> None:
    promtool("check", "rules", str(RULES))
    promtool("test", "rules", str(Path(__file__).with_name("fleet.rules.test.yml")))


def test_the_table_has_every_metric_as_it_is_defined() -> None:
    pattern = r"^\| `(streamer_fleet_\w+)` \| (\w+) \| (.*?) \| (.*) \|$"
    assert re.findall(pattern, read(PAGE), re.MULTILINE) == [
        (each.name, each.type, ", ".join(f"`{label}`" for label in each.labels), each.help)
        for each in FLEET[1:]
    ]


def test_the_rules_and_the_page_name_existing_metrics_and_alerts() -> None:
    names = {each.name for each in FLEET}
    for text in (read(PAGE), read(RULES)):
        named = set(re.findall(r"\b(?<!:)streamer_fleet_\w+", text))
        assert named
        assert named <= names
    alerts = re.findall(r"- alert: (\w+)", read(RULES))
    assert re.findall(r"^\| `(StreamerFleet\w+)` \|", read(PAGE), re.MULTILINE) == alerts
