"""Tests of a fleet from Kafka to Kafka, and to the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from streamer.fleet.columns import COLUMNS
from streamer.fleet.spark.job import FleetJob
from streamer.fleet.spark.reports import Report
from streamer.fleet.spark.waiting import wait_for
from tests.fleet.spark.kafkabroker import NEEDS_BROKER, KafkaBroker

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("spark"), NEEDS_BROKER]

METERS, MINUTES = 4, 55


def _run(spark: SparkSession, job: FleetJob) -> list[Report]:
    reports: list[Report] = []
    wait_for(job.start(spark), reports.append)
    return reports


def test_each_reading_gives_one_forecast(
    spark: SparkSession,
    broker: KafkaBroker,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broker.create("readings", 2)
    broker.create("forecasts")
    messages = [
        json.dumps({"id": meter, "minute": f"2026-01-01T00:{minute:02}Z", "watts": 300 + minute})
        for minute in range(MINUTES)
        for meter in range(METERS)
    ]
    broker.produce("readings", [*messages[::2], messages[0], "rubbish"], 0)
    broker.produce("readings", messages[1::2], 1)
    given = {"columns": "meter=id,kw=watts", "unit": "W", "shards": 2}
    source = f"kafka://{broker.servers}/readings"
    sink = f"kafka://{broker.servers}/forecasts?timeout=15"
    job = FleetJob(f"{source}?maxRecords=300", sink, str(tmp_path / "ck"), given, once=True)
    assert len(_run(spark, job)) == 1
    assert _run(spark, job) == []

    rows = broker.consume("forecasts", METERS * MINUTES)
    found = {}
    for key, value in rows:
        row = json.loads(value or b"")
        assert list(row) == list(COLUMNS)
        assert str(row["meter"]).encode() == key
        found[row["meter"], row["minute"]] = row
    assert len(found) == len(rows) == METERS * MINUTES
    last = found["0", "2026-01-01T00:54:00.000Z"]
    assert last["actual_kw"] == 0.354
    assert last["low_kw"] < last["forecast_kw"] < last["high_kw"]
    assert last["alarms"] is None

    capsys.readouterr()
    console = FleetJob(source, "console", str(tmp_path / "ck2"), given, once=True)
    _run(spark, console)
    shown = capsys.readouterr().out
    assert f"batch 0: 12 of {METERS * MINUTES} rows" in shown
    assert "2026-01-01 00:54" in shown
