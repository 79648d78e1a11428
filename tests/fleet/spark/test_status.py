"""Tests of the status of a fleet, during and after its query, and of its tables."""

from __future__ import annotations

import io
import json
import re
import shutil
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from rich.console import Console

from streamer.cli.fleet.status import status as status_command
from streamer.errors import StateError, UsageError
from streamer.fleet.columns import Outcome
from streamer.fleet.shard import Shard
from streamer.fleet.spark import running as spark_run
from streamer.fleet.spark.checkpoint import CheckpointConfig, CheckpointOptions, read_config
from streamer.fleet.spark.job import FleetJob
from streamer.fleet.spark.meters import MetersStatus, meters_status
from streamer.fleet.spark.progress import FOLDER
from streamer.fleet.spark.reports import DIED, DONE, FAILED, OVERDUE, RUNNING, STOPPED, Run
from streamer.fleet.spark.session import SparkSettings
from streamer.fleet.spark.status import BatchStatus, FleetStatus, fleet_status
from streamer.fleet.spark.statusview import status_tables
from streamer.fleet.spark.storage import LocalFolder, Storage
from streamer.fleet.spark.stored import read_summaries
from streamer.fleet.spark.waiting import new_reports
from streamer.fleet.summary import MeterSummary, Scores
from streamer.models import load_model

METERS = [f"meter {number}" for number in range(6)]
BEGIN = np.datetime64("2026-01-01T00:00", "us")
MINUTE = np.timedelta64(1, "m")
MINUTES = 120
LOST, LOST_AT = METERS[5], 30
"""A meter that sends no more readings."""

METRICS = ("inputRate_total", "processingRate_total", "latency", "states_rowsTotal")


def readings(minutes: range) -> tuple[list[str], Any, Any]:
    pairs = [(it, at) for at in minutes for it in METERS if it != LOST or at < LOST_AT]
    kw = [0.2 + (at * (3 + METERS.index(it)) % 17) / 10.0 for it, at in pairs]
    return [it for it, _ in pairs], BEGIN + np.array([at for _, at in pairs]) * MINUTE, np.array(kw)


def write(folder: Path, name: str, minutes: range) -> None:
    meter, minute, kw = readings(minutes)
    folder.mkdir(exist_ok=True)
    unseen = folder / f".{name}"
    pq.write_table(pa.table({"meter": meter, "minute": pa.array(minute), "kw": kw}), unseen)
    unseen.rename(folder / name)


def wait_until(is_so: Callable[[], bool], within_s: float = 300.0) -> None:
    end = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.1)


def fail(*what: object) -> Any:
    raise AssertionError(what)


@pytest.mark.slow
@pytest.mark.xdist_group("spark")
def test_the_status_during_and_after_a_query(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, checkpoint = tmp_path / "in", tmp_path / "ck"
    given = f"{checkpoint}/"  # with a trailing slash, as people write folders
    write(source, "0.parquet", range(80))
    forever = FleetJob(str(source), str(tmp_path / "out"), given, {"shards": 3}, every="1 second")
    log = forever.progress(spark, fail)
    (query,) = forever.prepare(spark, fail, log.fill)()
    try:
        with log:
            wait_until(lambda: query.lastProgress is not None)
            log.add(new_reports(query, -1)[0])
            running = fleet_status(LocalFolder, given)
            metrics = _metrics(spark)
            # As if the driver had been killed before it could record more.
    finally:
        query.stop()
    for name in METRICS:
        assert f"metrics_streamer_driver_spark_streaming_fleet_{name}_Value" in metrics
    came = len(readings(range(80))[0])
    assert running.run is not None
    assert (running.run.state, running.run.every_s) == (RUNNING, 1.0)
    assert running.last is not None
    assert running.last.readings == came
    assert running.last.kinds["silent"] == running.last.silent == 1
    assert running.fleet is not None
    assert running.fleet.newest == datetime(2026, 1, 1, 1, 19, tzinfo=UTC)
    assert running.fleet.largest_mse == ()
    _equal_to_a_scan(spark, running.fleet, given)

    write(source, "1.parquet", range(78, MINUTES))
    (query,) = replace(forever, once=True).start(spark)
    query.awaitTermination()  # a batch that nobody records
    assert fleet_status(LocalFolder, given).fleet == running.fleet
    monkeypatch.setattr(spark_run, "spark_session", lambda settings: nullcontext(spark))
    assert spark_run.run_fleet(replace(forever, once=True), SparkSettings(), quiet=True) == 0
    done = fleet_status(LocalFolder, given, worst=2)
    assert done.run is not None
    assert done.run.state == DONE
    assert done.fleet is not None
    assert done.fleet.batch == done.batch
    assert (done.fleet.late, done.fleet.doubled, done.fleet.invalid) == (5, 5, 0)
    _equal_to_a_scan(spark, done.fleet, given)
    _equal_to_a_shard(done.fleet)
    assert done.fleet.silent + done.fleet.soon_silent == 1
    (lost,) = done.fleet.longest_silent
    assert (lost.meter, lost.minute) == (LOST, datetime(2026, 1, 1, 0, 29, tzinfo=UTC))
    assert json.loads(json.dumps(done.to_json(), allow_nan=False))["fleet"]["meters"] == 6

    write(source, "2.parquet", range(MINUTES, MINUTES + 2))
    assert spark_run.run_fleet(replace(forever, once=True), SparkSettings(), quiet=True) == 0
    last = fleet_status(LocalFolder, given)
    assert last.fleet is not None
    assert last.fleet.batch == last.batch
    _equal_to_a_scan(spark, last.fleet, given)
    assert fleet_status(partial(Storage, spark), given).fleet == last.fleet
    _with_damage(checkpoint, given)


def _equal_to_a_scan(spark: SparkSession, fleet: MetersStatus, checkpoint: str) -> None:
    config = read_config(LocalFolder(checkpoint), checkpoint)
    assert config is not None
    assert fleet.batch is not None
    found = meters_status(
        read_summaries(spark, checkpoint, config, fleet.batch),
        batch=fleet.batch,
        worst=len(fleet.longest_silent) if fleet.lowest_skill == () else len(fleet.lowest_skill),
        silent_after=15,
    )
    assert found == fleet


def _metrics(spark: SparkSession) -> str:
    url = spark.sparkContext.uiWebUrl
    assert url.startswith("http://127.0.0.1:")
    with urlopen(f"{url}/metrics/prometheus/", timeout=60) as answer:  # noqa: S310 - this process
        return str(answer.read(), "utf-8")


def _equal_to_a_shard(fleet: MetersStatus) -> None:
    shard = Shard(load_model(CheckpointOptions().model))
    shard.push(*readings(range(MINUTES)))
    summary = shard.summary()
    assert fleet.meters == len(METERS)
    assert fleet.newest == datetime(2026, 1, 1, 1, 59, tzinfo=UTC)
    assert fleet.oldest == datetime(2026, 1, 1, 0, 29, tzinfo=UTC)
    settled = summary.columns["settled"]
    assert fleet.scores.settled == settled.sum()
    for name in ("mse_kw2", "mae_kw", "persistence_mse_kw2", "frozen_mse_kw2", "coverage"):
        expected = np.nansum(summary.columns[name] * settled) / settled.sum()
        assert getattr(fleet.scores, name) == pytest.approx(expected, abs=1e-6)
    scores = fleet.scores
    assert scores.mse_kw2 is not None
    assert scores.persistence_mse_kw2 is not None
    assert scores.skill == pytest.approx(1 - scores.mse_kw2 / scores.persistence_mse_kw2)
    assert [it.meter for it in fleet.lowest_skill] == _first_two(summary, "skill", 1.0)
    assert [it.meter for it in fleet.largest_mse] == _first_two(summary, "mse_kw2", -1.0)


def _first_two(summary: Outcome, name: str, sign: float) -> list[str]:
    order = np.argsort(sign * summary.columns[name])  # NaN is last
    return list(summary.columns["meter"][order][:2])


def _with_damage(checkpoint: Path, given: str) -> None:
    kept = list((checkpoint / FOLDER).glob("*.jsonl"))
    assert len(kept) == 2
    for file in kept:
        file.write_text("{")
        file.with_name(f".{file.name}.crc").unlink(missing_ok=True)
    shutil.rmtree(checkpoint / "commits")
    mute = fleet_status(LocalFolder, given)
    assert (mute.run, mute.batch, mute.last, mute.fleet) == (None, None, None, None)


def test_an_empty_checkpoint_is_rejected_before_spark_starts() -> None:
    with pytest.raises(UsageError, match="--checkpoint is empty: give the checkpoint folder"):
        status_command(checkpoint=" ")


def test_folders_that_are_not_checkpoints_of_a_fleet_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none does not exist: give the --checkpoint"):
        fleet_status(LocalFolder, str(tmp_path / "none"))
    with pytest.raises(UsageError, match="is not a checkpoint"):
        fleet_status(LocalFolder, str(tmp_path))
    (tmp_path / "offsets").mkdir()
    with pytest.raises(StateError, match="not one of `streamer fleet`"):
        fleet_status(LocalFolder, str(tmp_path))
    (tmp_path / "streamer-fleet.json").write_text("{")
    with pytest.raises(StateError, match=r"streamer-fleet\.json is damaged"):
        fleet_status(LocalFolder, str(tmp_path))


AT = datetime(2026, 1, 1, 2, 10, tzinfo=UTC)
METER = MeterSummary(
    meter="attic",
    minute_us=int((AT - timedelta(minutes=40)).timestamp() * 1e6),
    last_kw=0.25,
    silent=True,
    settled=90,
    mse_kw2=0.02,
    mae_kw=0.1,
    persistence_mse_kw2=0.01,
    frozen_mse_kw2=0.03,
    coverage=0.85,
)
SCORES = Scores(
    settled=72_000,
    mse_kw2=0.0383,
    mae_kw=0.0738,
    persistence_mse_kw2=0.0453,
    frozen_mse_kw2=0.0391,
    coverage=0.9012,
)
FLEET = MetersStatus(
    batch=7,
    meters=1_000,
    shards=16,
    newest=AT - timedelta(minutes=2),
    oldest=AT - timedelta(minutes=40),
    late=12,
    doubled=3,
    invalid=0,
    scores=SCORES,
    horizons={},
    silent=1,
    soon_silent=0,
    longest_silent=(METER,),
    lowest_skill=(METER,),
    largest_mse=(METER,),
)
LAST = BatchStatus(
    batches=1,
    number=7,
    began=AT - timedelta(seconds=30),
    ended=AT - timedelta(seconds=25),
    seconds=5.0,
    longest_s=5.0,
    parts_s={"addBatch": 4.0, "walCommit": 0.5, "getBatch": 0.0},
    readings_per_s=200.0,
    read=1_001,
    unusable=1,
    readings=1_000,
    late=2,
    doubled=0,
    invalid=0,
    rows=998,
    silent=0,
    alarms=0,
    behind=None,
    kinds={},
)
HOUR = replace(LAST, batches=60, seconds=240.0, longest_s=41.0, began=AT - timedelta(hours=1))
RUN = Run(
    state=RUNNING,
    cause=None,
    source="in",
    sink="out",
    began=(AT - timedelta(hours=3)).timestamp(),
    said=(AT - timedelta(seconds=25)).timestamp(),
    every_s=60.0,
    host="here",
    pid=4711,
)
STATUS = FleetStatus(
    checkpoint="ck",
    at=AT,
    fixed=CheckpointConfig(CheckpointOptions(), "ab12", 2),
    run=RUN,
    batch=7,
    last=LAST,
    hour=HOUR,
    fleet=FLEET,
)


def shown(status: FleetStatus) -> str:
    console = Console(file=io.StringIO(), width=80, highlight=False, markup=False)
    console.print(status_tables(status))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, text.splitlines())) <= 80
    return "\n".join(line.rstrip() for line in text.splitlines())


def test_the_tables_of_a_status() -> None:
    assert (
        f"{shown(STATUS)}\n"
        == """\
checkpoint     ck
query          running, started 3 h ago
from, to       in, out
batch          7, done 25 s ago
newest minute  2026-01-01 02:08 UTC, 2 min ago

                batch 7  60 batches in 59 min
─────────────────────────────────────────────
readings          1,000                 1,000
readings/s          200                   200
seconds       5.0 of 60   mean 4.0, most 41.0
rows read         1,001                 1,001
unusable              1                     1
late                  2                     2
rows written        998                   998
fell silent           0                     0
Of batch 7: addBatch 4.00 s, walCommit 0.50 s.

1,000 meters in 16 shards
             MSE kW²  MAE kW    skill  in the band
──────────────────────────────────────────────────
forecast      0.0383  0.0738  +15.5 %       90.1 %
frozen        0.0391          +13.7 %
persistence   0.0453
Of 72,000 settled minutes. Dropped: 12 late, 3 duplicate and 0 invalid.

1 silent meter (nothing for 15 minutes)
            last minute  before the newest  last kW
───────────────────────────────────────────────────
attic  2026-01-01 01:30             38 min    0.250

Lowest skill, of meters with 60 minutes settled or more
          skill  MSE kW²  persistence  in the band  settled
───────────────────────────────────────────────────────────
attic  -100.0 %   0.0200       0.0100       85.0 %       90

Largest MSE, of meters with 60 minutes settled or more
          skill  MSE kW²  persistence  in the band  settled
───────────────────────────────────────────────────────────
attic  -100.0 %   0.0200       0.0100       85.0 %       90
"""
    )


@pytest.mark.parametrize(
    ("run", "text"),
    [
        (replace(RUN, state=STOPPED), "query          stopped 25 s ago"),
        (replace(RUN, state=DIED), "died: its process has ended without a record; last record 25"),
        (replace(RUN, state=OVERDUE), "no record since 2026-01-01 02:09 UTC, 25 s ago"),
        (replace(RUN, state=FAILED, cause="no room"), "failed 25 s ago: no room"),
        (None, "no progress recorded"),
    ],
)
def test_the_state_of_the_query_is_shown(run: Run | None, text: str) -> None:
    assert text in shown(replace(STATUS, run=run))


def test_a_status_before_the_first_batch_has_no_tables() -> None:
    begun = replace(STATUS, batch=None, last=None, hour=None, fleet=None)
    assert shown(begun).endswith("No batch is completed yet.")
    assert begun.lag_s is None


def test_a_fleet_without_settled_minutes_has_dashes() -> None:
    nothing = Scores().means()
    fleet = replace(
        FLEET, scores=nothing, silent=0, longest_silent=(), lowest_skill=(), largest_mse=()
    )
    text = shown(replace(STATUS, fleet=fleet))
    assert "forecast           –       –" in text
    assert "0 silent meters" in text
    assert "Lowest" not in text


def test_control_characters_in_names_do_not_reach_the_terminal() -> None:
    hostile = METER._replace(meter="\x1b[2Jattic[red]\n\x07" + "x" * 60)
    text = shown(replace(STATUS, fleet=replace(FLEET, longest_silent=(hostile,))))
    assert "\x1b" not in text
    assert "attic[red]" in text


def test_longer_horizons_and_the_kinds_of_alarms_are_shown() -> None:
    scores = SCORES._replace(mae_kw=None, frozen_mse_kw2=None)
    last = replace(LAST, kinds={"peak": 2, "silent": 1})
    hour = replace(HOUR, kinds={"peak": 5, "silent": 1, "stuck": 1})
    status = replace(STATUS, fleet=replace(FLEET, horizons={"15": scores}), last=last, hour=hour)
    text = shown(status)
    assert "mean of 15 minutes   0.0383          +15.5 %       90.1 %" in text
    assert re.search(r"alarm peak +2 +5\nalarm stuck +0 +1\nOf batch", text)


@pytest.mark.parametrize(
    ("fleet", "note"),
    [
        (replace(FLEET, batch=6), "until batch 6; what is missing is added by the next run."),
        (replace(FLEET, batch=None), "settled minutes; some shards may be missing until the next"),
        (None, "The figures of the meters are recorded from the next run on."),
    ],
)
def test_figures_that_are_not_complete_are_named(fleet: MetersStatus | None, note: str) -> None:
    assert note in " ".join(shown(replace(STATUS, fleet=fleet)).split())


def test_waiting_records_are_shown() -> None:
    text = shown(replace(STATUS, last=replace(LAST, behind=12_345)))
    assert "waiting        12,345 records at the source" in text


def test_the_help_lists_every_member_of_the_json() -> None:
    document = STATUS.to_json()
    fleet = document["fleet"]
    parts = (document, document["run"], document["last"], fleet, fleet["scores"])
    names = {name for part in (*parts, fleet["lowest_skill"][0]) for name in part}
    documented = re.findall(r"\w+", status_command.__doc__ or "")
    assert names - set(documented) == set()
    assert document["at"] == "2026-01-01T02:10:00Z"
    assert document["lag_s"] == 120.0
    assert document["fleet"]["lowest_skill"][0]["meter"] == "attic"
