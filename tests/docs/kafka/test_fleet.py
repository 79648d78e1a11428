"""The command of the page about Kafka without a jar: a fleet from Kafka to Kafka."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from streamer.fleet.columns import COLUMNS
from tests.docs.kafka.broker import NEEDS_BROKER, KafkaBroker
from tests.docs.kafka.conftest import EXAMPLES
from tests.docs.pages import ROOT

pytestmark = [pytest.mark.slow, NEEDS_BROKER]

METERS, MINUTES = 2, 52


def _run(folder: Path, broker: KafkaBroker) -> str:
    """Run the command of the page once; return what it reports."""
    text = (ROOT / "docs" / "kafka-source.md").read_text()
    command = text.partition("\nstreamer ")[2].partition("\n```")[0].replace("\\\n", "")
    arguments = command.replace("localhost:9092", broker.servers).split()
    path = os.pathsep.join([EXAMPLES, str(ROOT)])
    done = subprocess.run(
        [
            *(sys.executable, "-m", "streamer", *arguments, "--once", "--master", "local[1]"),
            *("--columns", "meter=id,kw=watts", "--unit", "W", "--shards", "1"),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_each_reading_gives_one_forecast_over_a_restart(
    broker: KafkaBroker, tmp_path: Path
) -> None:
    broker.create("readings", 2)
    broker.create("forecasts")
    messages = [
        json.dumps({"id": meter, "minute": f"2026-01-01T00:{minute:02}Z", "watts": 300 + minute})
        for minute in range(MINUTES)
        for meter in range(METERS)
    ]
    broker.produce("readings", [*messages[::2], "rubbish"], 0)
    broker.produce("readings", messages[1:-1:2], 1)
    assert f"{METERS * MINUTES - 1} readings to 2026-01-01 00:51" in _run(tmp_path, broker)
    offsets = (tmp_path / "ck" / "offsets" / "0").read_text().splitlines()
    # The form of Spark's own connector, so that either continues the checkpoint of the other.
    assert json.loads(offsets[-1]) == {"readings": {"0": 53, "1": 51}}

    broker.produce("readings", messages[-1:], 1)
    assert "batch 1: 1 reading to 2026-01-01 00:51" in _run(tmp_path, broker)

    rows = broker.consume("forecasts", METERS * MINUTES)
    found = {}
    for key, value in rows:
        row = json.loads(value or b"")
        assert list(row) == list(COLUMNS)
        assert str(row["meter"]).encode() == key
        found[row["meter"], row["minute"]] = row
    assert len(found) == len(rows) == METERS * MINUTES
    last = found["1", "2026-01-01T00:51:00.000Z"]
    assert last["actual_kw"] == 0.351
    assert last["low_kw"] < last["forecast_kw"] < last["high_kw"]
