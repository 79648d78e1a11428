"""Tests of changes of a running fleet: its model, its shards, and a backfill beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from streamer.errors import SparkError, UsageError
from streamer.fleet.columns import COLUMNS, Outcome
from streamer.fleet.renewal import MODEL
from streamer.fleet.shard import Shard
from streamer.fleet.spark.backfill import FOLDER, backfill_job
from streamer.fleet.spark.checkpoint import NAME
from streamer.fleet.spark.job import FleetJob
from streamer.fleet.spark.reshard import BUILT, FORMER, reshard
from streamer.fleet.spark.storage import Storage, check_sums
from streamer.models import load_model
from tests.agreement import AGREEMENT_KW
from tests.fleet.spark.test_job import BEGIN, METERS, MINUTE, kw_of, run, write

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("spark")]


class KilledError(Exception):
    """In place of a kill, after which the process does nothing more."""


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., FleetJob]:
    """A run that ends when the source is read."""

    def made(**given: Any) -> FleetJob:
        places = (str(tmp_path / name) for name in ("in", "out", "ck"))
        return FleetJob(*places, given, once=True)

    return made


def arrive(folder: Path, minutes: range, meters: int = 6) -> None:
    """A file of readings."""
    readings = [(meter, minute) for minute in minutes for meter in METERS[:meters]]
    write(folder, f"{minutes.start:03}.parquet", readings)


def pushed(shard: Shard, minutes: range, meters: int = 6) -> Outcome:
    names = [meter for minute in minutes for meter in METERS[:meters]]
    kw = [kw_of(meter, minute) for minute in minutes for meter in METERS[:meters]]
    at = BEGIN + np.repeat(np.array(minutes), meters) * MINUTE
    return shard.push(names, at, np.array(kw))


def compare(spark: SparkSession, sink: Path, expected: list[Outcome]) -> None:
    """Compare all rows of a sink with those of a shard: each once, with its values."""
    rows = spark.read.parquet(str(sink)).toPandas().sort_values(["meter", "minute"])
    columns = Outcome.joined(expected).columns
    order = np.lexsort((columns["minute"], columns["meter"].astype(str)))
    assert rows["meter"].tolist() == columns["meter"][order].tolist()
    assert rows["minute"].tolist() == pd.Series(columns["minute"][order]).tolist()
    alarms = [None if kinds is None else ",".join(kinds) for kinds in rows["alarms"]]
    assert alarms == columns["alarms"][order].tolist()
    assert rows["alarm_text"].tolist() == columns["alarm_text"][order].tolist()
    for name, kind in COLUMNS.items():
        if kind in ("double", "int", "long"):
            np.testing.assert_allclose(
                rows[name].to_numpy(float),
                columns[name][order].astype(float),
                rtol=0.0,
                atol=AGREEMENT_KW,
                err_msg=name,
            )


def contents(folder: Path, *, but: str = "") -> Mapping[str, bytes]:
    """All files below a folder, but those below one of it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in files}
    return {
        name: path.read_bytes()
        for name, path in names.items()
        if not (but and name.startswith(f"{but}/"))
    }


def test_meters_continue_in_other_shards_while_readings_arrive(
    spark: SparkSession,
    tmp_path: Path,
    job: Callable[..., FleetJob],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, checkpoint = tmp_path / "in", tmp_path / "ck"
    arrive(source, range(30))
    run(spark, job(shards=3, model="sceaux"))
    arrive(source, range(30, 55))
    with monkeypatch.context() as patched:
        patched.setattr(Storage, "move", _killed_at(Storage.move, 2))
        with pytest.raises(KilledError):
            reshard(spark, str(checkpoint), shards=5, partitions=2)
    assert (checkpoint / FORMER).exists()
    assert not (checkpoint / "state").exists()
    run(spark, job())
    assert not (checkpoint / FORMER).exists()
    arrive(source, range(55, 60))
    lines: list[str] = []
    config = reshard(spark, str(checkpoint), shards=5, partitions=1, note=lines.append)
    assert lines == [f"{checkpoint}: 3 shards in 2 partitions before, 5 shards in 1 partition now"]
    assert (config.choices.shards, config.partitions) == (5, 1)
    assert not {BUILT, FORMER} & {path.name for path in checkpoint.iterdir()}
    for path in [*checkpoint.glob("offsets/*"), *checkpoint.glob("state/**/*.*")]:
        check_sums(path)
    with pytest.raises(UsageError, match="has 5 shards, not 3"):
        run(spark, job(shards=3, model="sceaux"))
    run(spark, job())
    shard = Shard(load_model("sceaux"))
    compare(spark, tmp_path / "out", [pushed(shard, range(60))])
    assert [path.name for path in checkpoint.glob("state/0/[0-9]*")] == ["0"]


def _killed_at(function: Callable[..., None], call: int) -> Callable[..., None]:
    calls = iter(range(1, call + 1))

    def counted(*arguments: Any) -> None:
        if next(calls, call) == call:
            raise KilledError
        function(*arguments)

    return counted


def test_a_model_is_changed_between_batches_whenever_it_is_killed(
    spark: SparkSession,
    tmp_path: Path,
    job: Callable[..., FleetJob],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, checkpoint = tmp_path / "in", tmp_path / "ck"
    arrive(source, range(52))
    run(spark, job(shards=2, model="sceaux"))
    arrive(source, range(52, 54), meters=5)
    lines: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(FleetJob, "_started", _killed_at(FleetJob._started, 1))
        with pytest.raises(KilledError):
            job(model="homes").prepare(spark, lines.append)()
    assert lines == [
        "the model was sceaux before, and is homes from batch 1 on: each meter's corrections begin "
        "anew, which its next row reports"
    ]
    kept = json.loads((checkpoint / NAME).read_text())
    assert kept["choices"]["model"] == "homes"
    assert [(it["model"], it["until"]) for it in kept["former"]] == [("sceaux", 1)]
    run(spark, job())
    arrive(source, range(54, 56))
    run(spark, job(silent_after=20))
    former, shard = Shard(load_model("sceaux")), Shard(load_model("homes"))
    expected = [pushed(former, range(52))]
    shard.restore(former.state())
    expected += [pushed(shard, range(52, 54), meters=5), pushed(shard, range(54, 56))]
    assert expected[2].columns["alarms"].tolist().count(MODEL) == 1
    compare(spark, tmp_path / "out", expected)


def test_a_backfill_has_the_options_of_the_fleet_and_leaves_it_alone(
    spark: SparkSession, tmp_path: Path, job: Callable[..., FleetJob]
) -> None:
    old, checkpoint = tmp_path / "old", tmp_path / "ck"
    arrive(tmp_path / "in", range(40))
    run(spark, job(shards=2, model="sceaux", silent_after=0))
    before = contents(checkpoint)
    arrive(old, range(-30, 0))
    backfill = backfill_job(
        str(checkpoint), source=str(old), sink=str(tmp_path / "old-out"), given={}
    )
    backfill.check()
    assert len(run(spark, backfill)) == 1
    assert contents(checkpoint, but=FOLDER) == before
    arrive(tmp_path / "in", range(40, 55))
    run(spark, job())
    arrive(old, range(52))
    run(spark, backfill)
    live, other = Shard(load_model("sceaux")), Shard(load_model("sceaux"))
    compare(spark, tmp_path / "out", [pushed(live, range(55))])
    compare(spark, tmp_path / "old-out", [pushed(other, range(-30, 52))])
    wrong = backfill_job(str(checkpoint), source=str(old), sink=str(tmp_path / "out"), given={})
    with pytest.raises(UsageError, match="contains the output of another checkpoint"):
        wrong.prepare(spark)
    nothing = backfill_job(str(tmp_path / "none"), source=str(old), sink="out", given={})
    with pytest.raises(UsageError, match="none has no fleet"):
        nothing.prepare(spark)


def test_a_write_replaces_an_entry_with_its_checksums(spark: SparkSession, tmp_path: Path) -> None:
    storage = Storage(spark, str(tmp_path / "new"))
    for text in ("one", "another"):
        storage.below("logs").write("0", text)
        assert storage.read("logs/0") == text
        check_sums(tmp_path / "new" / "logs" / "0")
    storage.move("logs", "kept")
    with pytest.raises(SparkError, match="logs does not exist"):
        storage.move("logs", "kept")
    storage.remove("kept", with_content=True)
    assert list((tmp_path / "new").iterdir()) == []
