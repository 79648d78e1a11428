"""Tests of the checks of a fleet's places before Spark starts."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streamer.cli import main
from streamer.errors import SparkError, StateError, UsageError
from streamer.fleet.spark import session
from streamer.fleet.spark.checkpoint import NAME, CheckpointConfig, CheckpointOptions
from streamer.fleet.spark.job import FleetJob
from streamer.fleet.spark.locations import Columns
from streamer.fleet.spark.preview import check_source, check_state
from streamer.fleet.spark.session import SparkSettings
from streamer.fleet.spark.sinks import COMMITTED
from streamer.fleet.spark.status import fleet_status
from streamer.fleet.spark.storage import LocalFolder, check_sums
from streamer.models import find_model
from streamer.models.artefact import sha256_of

COLUMNS = Columns()


def write_summed(path: Path, data: bytes) -> None:
    """Write a file as Hadoop does, with its checksums beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    sums = [zlib.crc32(data[at : at + 512]) for at in range(0, len(data), 512)]
    head = b"crc\0" + (512).to_bytes(4, "big")
    crc = head + b"".join(it.to_bytes(4, "big") for it in sums)
    (path.parent / f".{path.name}.crc").write_bytes(crc)


def stored(folder: Path, **choices: object) -> None:
    """Write the configuration of a checkpoint."""
    options = CheckpointOptions(**choices)  # type: ignore[arg-type]
    config = CheckpointConfig(options, sha256_of(find_model("sceaux")), partitions=1)
    write_summed(folder / NAME, config.to_text().encode())


@pytest.mark.parametrize(
    ("place", "conf", "master", "expected"),
    [
        ("in", {}, "local[2]", True),
        ("in", {}, "yarn", False),
        ("file:///in", {}, "yarn", True),
        ("hdfs://host/in", {}, None, False),
        ("in", {"spark.hadoop.fs.defaultFS": "hdfs://host"}, None, False),
    ],
)
def test_only_folders_of_this_machine_are_read_directly(
    place: str,
    conf: dict[str, str],
    master: str | None,
    expected: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HADOOP_CONF_DIR", "SPARK_CONF_DIR", "PYSPARK_GATEWAY_PORT"):
        monkeypatch.delenv(name, raising=False)
    assert SparkSettings(master, conf).is_on_this_machine(place) == expected
    monkeypatch.setenv("HADOOP_CONF_DIR", "/etc/hadoop")
    assert not SparkSettings().is_on_this_machine("in")


@pytest.mark.parametrize(
    ("header", "delimiter", "message"),
    [
        ("meter,time,kw", ",", r"no column 'minute' among meter, time, kw: name them with"),
        ("meter;minute;kw", ",", r"separated by ';': give --delimiter ';'$"),
        ("meter\tminute\tkw", ",", r"separated by tab: give --delimiter tab$"),
        ("meter,minute,kw", ";", r"separated by ',': give --delimiter ','$"),
        ("id;minute;kw;x", ",", r"give --delimiter ';', and --columns, .* no 'meter'$"),
    ],
)
@pytest.mark.parametrize("name", ["0.csv", "0.csv.gz"])
def test_a_wrong_header_is_reported(
    tmp_path: Path, header: str, delimiter: str, message: str, name: str
) -> None:
    data = f"{header}\r\na,b,c\n".encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    with pytest.raises(UsageError, match=message):
        check_source(str(tmp_path), COLUMNS, None, delimiter)


@pytest.mark.parametrize(
    "header", ["meter,minute,kw", '"meter","minute",kw,"a;b"', "\ufeffkw,meter,minute"]
)
def test_a_header_with_the_columns_is_accepted(tmp_path: Path, header: str) -> None:
    (tmp_path / "0.csv").write_text(f"{header}\n")
    check_source(str(tmp_path), COLUMNS, None, ",")
    check_source(f"{tmp_path}/*.csv", COLUMNS, None, ",")


def test_a_header_may_end_with_a_carriage_return_alone(tmp_path: Path) -> None:
    (tmp_path / "0.csv").write_bytes(b"meter,minute,kw\ra,2026-01-01,1\r")
    check_source(str(tmp_path), COLUMNS, None, ",")


def test_missing_places_are_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none: folder not found"):
        check_source(str(tmp_path / "none"), COLUMNS, None, ",")
    with pytest.raises(UsageError, match="no files yet: give their --format"):
        check_source(str(tmp_path), COLUMNS, None, ",")
    check_source(str(tmp_path), COLUMNS, "csv", ",")
    (tmp_path / "0.csv").touch()
    with pytest.raises(UsageError, match=r"0\.csv is a file: give its folder"):
        check_source(str(tmp_path / "0.csv"), COLUMNS, None, ",")


def test_parquet_is_checked_by_its_schema(tmp_path: Path) -> None:
    path = tmp_path / "0.parquet"
    pq.write_table(pa.table({"meter": ["a"], "minute": [1], "power": [1.0]}), path)
    check_source(str(tmp_path), Columns(kw="power"), None, ",")
    with pytest.raises(UsageError, match="no column 'kw' among meter, minute, power"):
        check_source(str(tmp_path), COLUMNS, None, ",")
    with pytest.raises(UsageError, match="--delimiter is for CSV"):
        check_source(str(tmp_path), Columns(kw="power"), None, ";")
    for other in ("csv", "json"):
        with pytest.raises(UsageError, match=f"is a Parquet file, not {other}: give --format"):
            check_source(str(tmp_path), COLUMNS, other, ",")
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(SparkError, match=r"0\.parquet is not a Parquet file, or damaged"):
        check_source(str(tmp_path), COLUMNS, None, ",")


@pytest.mark.parametrize(
    "name",
    ["commits/7", "state/0/0/8.changelog", "state/0/0/6.zip", "state/0/1/SSTs/000008-x.sst"],
)
def test_a_damaged_file_of_the_state_is_named(tmp_path: Path, name: str) -> None:
    for each in ("offsets/7", "commits/7", "state/0/0/6.zip", "state/0/0/7.changelog"):
        write_summed(tmp_path / each, b"x" * 1000)
    for each in ("state/0/0/8.changelog", "state/0/1/SSTs/000008-x.sst", "state/0/1/8.changelog"):
        write_summed(tmp_path / each, b"y" * 1000)
    # An older version is not read any more.
    write_summed(tmp_path / "state/0/0/5.changelog", b"z")
    (tmp_path / "state/0/0/5.changelog").write_bytes(b"-")
    check_state(str(tmp_path))
    data = bytearray((tmp_path / name).read_bytes())
    data[700] ^= 1
    (tmp_path / name).write_bytes(data)
    with pytest.raises(StateError, match=f"{name} is damaged"):
        check_state(str(tmp_path))
    (tmp_path / name).write_bytes(data[:100])
    with pytest.raises(StateError, match="is damaged"):
        check_sums(tmp_path / name)


def test_a_new_checkpoint_has_nothing_to_check(tmp_path: Path) -> None:
    check_state(str(tmp_path / "ck"))
    (tmp_path / "ck").touch()
    with pytest.raises(UsageError, match="ck is a file"):
        check_state(str(tmp_path / "ck"))


def test_places_are_checked_against_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HADOOP_CONF_DIR", raising=False)
    monkeypatch.delenv("SPARK_CONF_DIR", raising=False)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "0.csv").write_text("id;minute;kw\n")
    stored(tmp_path / "ck", shards=3, columns="meter=id,minute=minute,kw=kw", delimiter=";")
    source, sink, checkpoint = (str(tmp_path / name) for name in ("in", "out", "ck"))
    job = FleetJob(source, sink, checkpoint)
    job.check_places(SparkSettings())
    with pytest.raises(UsageError, match="has 3 shards, not 4"):
        FleetJob(source, sink, checkpoint, {"shards": 4}).check_places(SparkSettings())
    with pytest.raises(UsageError, match=r"created with --delimiter ;, not --delimiter \|"):
        FleetJob(source, sink, checkpoint, {"delimiter": "|"}).check_places(SparkSettings())
    (tmp_path / "out" / COMMITTED).mkdir(parents=True)
    (tmp_path / "out" / COMMITTED / "0").touch()
    with pytest.raises(UsageError, match="out contains the output of another checkpoint"):
        job.check_places(SparkSettings())
    with pytest.raises(UsageError, match=r"0\.csv is a file: give a folder"):
        FleetJob(source, f"{source}/0.csv", checkpoint).check_places(SparkSettings())
    (tmp_path / "ck" / NAME).write_text("{}")
    with pytest.raises(StateError, match=f"{NAME} is damaged"):
        job.check_places(SparkSettings())


def test_the_status_of_a_query_is_read_without_spark(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ck does not exist"):
        fleet_status(LocalFolder, str(tmp_path / "ck"))
    stored(tmp_path / "ck", shards=3)
    found = fleet_status(LocalFolder, str(tmp_path / "ck"))
    assert (found.batch, found.run, found.fleet, found.fixed.choices.shards) == (None,) * 3 + (3,)
    write_summed(tmp_path / "ck" / "commits" / "12", b"v1\n{}")
    assert fleet_status(LocalFolder, str(tmp_path / "ck")).batch == 12


def test_the_command_shows_a_query_without_spark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HADOOP_CONF_DIR", "SPARK_CONF_DIR", "PYSPARK_GATEWAY_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(session, "spark_session", None)
    stored(tmp_path / "ck")
    write_summed(tmp_path / "ck" / "commits" / "12", b"v1\n{}")
    with pytest.raises(SystemExit) as end:
        main(["fleet", "status", "--checkpoint", str(tmp_path / "ck")])
    assert not end.value.code
    assert "batch       12" in capsys.readouterr().out
    (tmp_path / "ck" / "commits" / "12").write_bytes(b"v1")
    with pytest.raises(SystemExit) as end:
        main(["fleet", "status", "--checkpoint", str(tmp_path / "ck")])
    assert end.value.code == 1
    assert "12 is damaged" in capsys.readouterr().err
