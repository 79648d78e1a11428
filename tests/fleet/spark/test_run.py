"""Tests of the command `streamer fleet run`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from inspect import signature
from pathlib import Path

import pytest

from streamer.cli import main
from streamer.cli.fleet.run import run as command
from streamer.errors import UsageError
from streamer.fleet.spark.backfill import backfill_job
from streamer.fleet.spark.checkpoint import CheckpointOptions
from streamer.fleet.spark.job import FleetJob
from streamer.fleet.spark.progress import FOLDER, read_progress
from streamer.fleet.spark.reports import DONE, FAILED, RUNNING, Run
from streamer.fleet.spark.running import _changes
from streamer.fleet.spark.storage import LocalFolder

SECONDS = 180


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        main(["fleet", "run", *arguments])
    captured = capsys.readouterr()
    assert not captured.out
    return int(end.value.code or 0), captured.err


PLACES = ("--source", "in", "--sink", "out", "--checkpoint", "ck")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--every", "now"), "--every 'now': write it like '30 seconds'"),
        (("--every", "0 seconds"), "--every '0 seconds'"),
        (("--conf", "x"), "--conf 'x'"),
        (("--columns", "x"), "--columns 'x'"),
        (("--model", "none"), "no model 'none'"),
        (("--source", "kafka://host/topic"), "'host' is not a host and port"),
        (("--source", "kafka://host:1/topic?startingOfsets=x"), "no option startingOfsets"),
        (("--source", "kafka://host:1/topic", "--max-files", "1"), "--max-files is for files"),
        (("--source", "kafka://host:1/topic"), "give its jar with --packages org.apache.spark:"),
        (("--sink-format", "iceberg"), "--packages org.apache.iceberg:iceberg-spark-runtime-4."),
        (("--source", ""), "--source is missing: give a folder, kafka://…, or --source-format"),
        (("--source-option", "a=b"), "--source-option needs --source-format"),
        (("--source-format", "csv"), "for files, give --source FOLDER --format csv"),
        (("--data-source", "json:loads"), "json:loads is not a subclass of pyspark's DataSource"),
        (("--sink", "in", "--sink-format", "delta"), "--source in is the folder of --sink or"),
        (("--confidence", "2"), "'2' is not a share"),
        (("--shards", "0"), "--shards"),
        (("--delimiter", "ab"), "--delimiter 'ab': give one character"),
        (("--decimal", ","), "--decimal , needs another --delimiter"),
        (("--rejected", "console"), "--rejected console: give a folder, kafka://… or table:NAME"),
        (("--rejected", "kafka://host:1/x"), "Spark does not know the format kafka: give its jar"),
        (("--rejected", "r", "--consumed", "delete"), "--consumed does not apply with --rejected"),
        (("--source", "kafka://host:1/topic", "--consumed", "c"), "--consumed is for files"),
        (("--alarms", "out/a"), "--alarms out/a is the folder of --sink or inside it"),
        (("--alarms", "a", "--sink", "console"), "--alarms needs a --sink that is a folder"),
        (("--alarms", "kafka://host/topic"), "'host' is not a host and port"),
        (("--metrics", "9109"), "--metrics '9109' is not a host and a port"),
        (("--rejected", "out"), "is the folder of --rejected or inside it"),
        (("--source", "kafka://host:1/topic", "--delimiter", ";"), "--delimiter is for files"),
        (("--checkpoint", "in"), "--source in is the folder of --checkpoint or inside it"),
        (("--model", "m\udcff"), r"--model 'm\udcff' is not UTF-8: rename it"),
        (("--source", "in\udcff"), r"--source 'in\udcff' is not UTF-8: rename it"),
        (("--sink", "./ck/out"), "--sink ./ck/out is the folder of --checkpoint or inside it"),
    ],
)
def test_wrong_options_are_reported_before_spark_starts(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    code, text = run(capsys, *PLACES, *arguments)
    assert code == 2
    assert text.startswith("streamer: error: ")
    assert text.count("\n") == 1
    assert message in text


def test_a_place_that_is_not_utf_8_is_none_for_a_backfill_nor_below_the_present_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match=r"--sink 'out\\udcff' is not UTF-8"):
        backfill_job("ck", source="in", sink="out\udcff", given={}).check()
    folder = tmp_path / "here\udcff"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("mine.keras").touch()
    with pytest.raises(UsageError, match=r"--model '.*here\\udcff/mine.keras' is not UTF-8"):
        FleetJob("in", "out", "ck", {"model": "mine.keras"}).check()


def test_each_option_of_a_job_and_a_checkpoint_is_one_of_the_command() -> None:
    names = {it.name for kind in (CheckpointOptions, FleetJob) for it in fields(kind)}
    assert names - signature(command).parameters.keys() == {"given", "like"}


def test_a_missing_java_is_reported_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    code, text = run(capsys, *PLACES)
    assert (code, text.count("\n")) == (2, 1)
    assert "apt-get install openjdk-17-jre-headless" in text


def test_a_run_on_the_checkpoint_of_a_running_one_warns() -> None:
    now = time.time()
    run = Run(began=now, said=now, state=RUNNING, source="in", sink="out", host="other", pid=1)
    (line,) = _changes(run, run)
    assert line.startswith("process 1 on other runs on this checkpoint, too: stop one")
    assert not list(_changes(replace(run, state=DONE), run))
    assert not list(_changes(None, run))


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "streamer", "fleet", "run", *PLACES, "--master", "local[1]"]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYSPARK")}
    with subprocess.Popen(
        [*command, "--conf", "spark.ui.enabled=false", "--shards", "1", *arguments],
        cwd=folder,
        env={**clean, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("whole_group", [False, True], ids=["python", "group"])
def test_sigterm_ends_a_run_that_prints_only_lines_about_batches(
    tmp_path: Path, whole_group: bool
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "0.csv").write_text("meter,minute,kw\na,2026-01-01,0.5\nb,x,1\n")
    with running(tmp_path, "--every", "1 second") as process:
        assert process.stderr is not None
        assert "starting Spark" in process.stderr.readline()
        line = process.stderr.readline()
        while line.startswith("the first batch is running"):
            line = process.stderr.readline()
        assert line.startswith("batch 0: 1 reading to 2026-01-01 00:00")
        assert line.endswith("; 1 unusable\n")
        # A service manager signals Spark's JVM and its workers as well.
        (os.killpg if whole_group else os.kill)(process.pid, signal.SIGTERM)
        out, rest = process.communicate(timeout=SECONDS)
    assert (process.returncode, out, rest) == (128 + signal.SIGTERM, "", "")
    assert not list(tmp_path.glob("streamer-fleet-*"))


@pytest.mark.slow
def test_the_folder_of_temporary_files_may_have_a_long_path_as_with_yarn(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "0.csv").write_text("meter,minute,kw\na,2026-01-01,0.5\n")
    long = tmp_path / ("container_" * 12)
    long.mkdir()
    given = f"spark.driver.extraJavaOptions=-Djava.io.tmpdir={long}"
    with running(tmp_path, "--once", "--conf", given) as process:
        _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, errors


@pytest.mark.slow
def test_a_failure_of_spark_is_explained_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "0.csv").write_text("meter,minute,kw\na,2026-01-01,0.5\n")
    (tmp_path / "in" / "1.csv.gz").write_bytes(b"not compressed")
    with running(tmp_path, "--once") as process:
        out, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, out) == (1, "")
    *_, last = errors.splitlines()
    assert last.startswith("streamer: error: in: ")
    assert "gzip" in last
    log = last.partition("Spark's log: ")[2].rstrip(")")
    assert "gzip" in Path(log).read_text()
    assert errors.count("\n") <= 2


@pytest.mark.slow
def test_the_death_of_the_jvm_is_explained_and_recorded(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "0.csv").write_text("meter,minute,kw\na,2026-01-01,0.5\n")
    with running(tmp_path, "--every", "1 second") as process:
        assert process.stderr is not None
        while not process.stderr.readline().startswith("batch 0"):
            assert process.poll() is None
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        for child in map(int, children.read_text().split()):
            os.kill(child, signal.SIGKILL)
        _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert errors.startswith("streamer: error: the query has ended: the JVM of Spark has died: ")
    assert errors.count("\n") == 1
    recorded = read_progress(LocalFolder(str(tmp_path / "ck" / FOLDER)))
    assert recorded is not None
    assert recorded.run.state == FAILED
    assert "the JVM of Spark has died" in str(recorded.run.cause)


@pytest.mark.slow
def test_an_empty_run_and_a_changed_source_or_sink_are_reported(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "0.csv").write_text("meter,minute,kw\na,2026-01-01,0.5\n")
    for sink, words in (("out", "batch 0: 1 reading"), ("other", "nothing new at the source")):
        with running(tmp_path, "--once", "--sink", sink) as process:
            _, errors = process.communicate(timeout=SECONDS)
        assert process.returncode == 0
        assert words in errors
    assert "warning: the sink was out before; its earlier output stays there" in errors
    (tmp_path / "in").rename(tmp_path / "more")
    with running(tmp_path, "--once", "--source", "more") as process:
        _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "warning: the source was in before: if the query fails, give that again" in errors


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_spark_starts_ends_the_run_afterwards(
    tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "in").mkdir()
    with running(tmp_path, "--format", "csv") as process:
        assert process.stderr is not None
        assert "starting Spark" in process.stderr.readline()
        deadline = time.monotonic() + SECONDS
        while not list(tmp_path.glob("streamer-fleet-*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        out, rest = process.communicate(timeout=SECONDS)
    answer = "ending as soon as Spark has started; a second signal ends at once\n"
    assert (process.returncode, out, rest) == (128 + number, "", answer)
    assert not list(tmp_path.glob("streamer-fleet-*"))
