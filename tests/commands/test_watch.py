"""Tests of `streamer watch` on a pipe and on a growing file."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamer.cli import main
from streamer.demand.settings import DemandRule
from streamer.models import load_model
from streamer.pipeline import Pipeline
from streamer.readings import Reading
from streamer.sample import sample_path
from streamer.sinks.text import record
from streamer.sources.files.delimited import open_replay
from tests.children import ending
from tests.commandline import Done, streamer

START_S = 1_790_000_040
BERLIN = ZoneInfo("Europe/Berlin")
MINUTES = 130
BY_FEED = ("--clock", "feed")
PLACE = {"XDG_CONFIG_HOME": "/nowhere", "TZ": "Europe/Berlin"}


@pytest.fixture(scope="module")
def watts() -> list[int]:
    """Minutes of the bundled sample, in W."""
    source = open_replay(sample_path(), limit=MINUTES)
    with closing(source):
        items = source.read()
    return [round(1000 * item.kw) for item in items if isinstance(item, Reading)][:MINUTES]


def _log(watts: Sequence[int], first: int = 0) -> str:
    """Two samples per minute, and one that ends the last minute and its allowed lateness."""
    lines = [
        f"{START_S + 60 * (first + minute) + second} {value}"
        for minute, value in enumerate(watts)
        for second in (0, 30)
    ]
    return "\n".join([*lines, f"{START_S + 60 * (first + len(watts)) + 10} 0"]) + "\n"


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "streamer", "watch", *arguments]


def _clean() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("STREAMER_")}
    return {**kept, **PLACE}


def _watch(*arguments: str, log: str, **more: str) -> Done:
    return streamer("watch", "stdin:?unit=W", *BY_FEED, *arguments, stdin=log, **PLACE, **more)


def _steps(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_a_pipe_gives_the_steps_of_a_pipeline(watts: list[int]) -> None:
    done = _watch("--format", "json", log=_log(watts))
    assert done.returncode == 0, done.stderr
    pipeline = Pipeline(load_model("homes"), demand=DemandRule())
    expected = [
        record(
            pipeline.push(
                Reading(datetime.fromtimestamp(START_S + 60 * minute, BERLIN), value / 1000)
            )
        )
        for minute, value in enumerate(watts)
    ]
    found = _steps(done.stdout)
    assert len(found) == MINUTES
    for step, wanted in zip(found, expected, strict=True):
        assert step.pop("at").endswith("+02:00")
        wanted.pop("at")
        assert step == wanted
    assert f"stdin: {MINUTES} readings" in done.stderr
    assert "forecasts settled: " in done.stderr


def test_a_recording_is_resumed_exported_and_reported(watts: list[int], tmp_path: Path) -> None:
    whole = _steps(_watch("--format", "json", log=_log(watts)).stdout)
    file = str(tmp_path / "house.db")
    first = _watch("--format", "json", "--record", file, log=_log(watts[:70]))
    # From the start again, as a growing file is read: recorded minutes are skipped.
    second = _watch("--format", "json", log=_log(watts), STREAMER_RECORD=file)
    assert second.returncode == 0, second.stderr
    assert "continuing after 70 recorded minutes" in second.stderr
    assert _steps(first.stdout) + _steps(second.stdout) == whole
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute("SELECT at, actual_kw, forecast_kw FROM steps ORDER BY at")
        assert rows.fetchall() == [
            (START_S + 60 * minute, step["actual_kw"], step["forecast_kw"])
            for minute, step in enumerate(whole)
        ]

    assert _run("replay", file, "-q") == 0
    assert _run("evaluate", file) == 0
    out = tmp_path / "house.csv"
    assert _run("export", file, "--from", "2026-09-21T16:15", "--out", str(out)) == 0
    lines = out.read_text(encoding="utf-8").splitlines()
    assert lines[1].startswith("2026-09-21T16:15:00+02:00,")
    page = tmp_path / "house.html"
    assert _run("report", file, "--out", str(page)) == 0
    assert "<svg" in page.read_text(encoding="utf-8")


def test_a_recording_of_another_meter_is_continued_only_if_allowed(
    watts: list[int], tmp_path: Path
) -> None:
    file = str(tmp_path / "house.db")
    logs = [tmp_path / "old.log", tmp_path / "new.log"]
    logs[0].write_text(_log(watts[:60]), encoding="utf-8")
    logs[1].write_text(_log(watts[:60], first=60), encoding="utf-8")
    old, new = (f"tail://{log}?unit=W&from=start" for log in logs)
    assert _recorded_minutes(old, file, until=60) == 0
    refused = streamer("watch", new, *BY_FEED, "--record", file, **PLACE)
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert f"was recorded from tail://{logs[0]}, not from tail://{logs[1]}: " in line
    assert "--allow-other-meter" in line
    assert _recorded_minutes(new, file, "--allow-other-meter", until=120) == 0
    with closing(sqlite3.connect(file)) as connection:
        (text,) = connection.execute(
            "SELECT text FROM events WHERE kind = 'warning' LIMIT 1"
        ).fetchone()
        assert text == (f"the recording of tail://{logs[0]} is continued by tail://{logs[1]}")
    config = tmp_path / "a.toml"
    config.write_text(f'[watch]\nurl = "{old}"\nrecord = "{file}"\n', encoding="utf-8")
    assert _run("config", "--check", "--config", str(config)) == 2
    config.write_text(f'[watch]\nurl = "{new}"\nrecord = "{file}"\n', encoding="utf-8")
    assert _run("config", "--check", "--config", str(config)) == 0


def _recorded_minutes(url: str, file: str, *options: str, until: int) -> int:
    """Watch a log until so many minutes are recorded; returns 0."""
    watching = subprocess.Popen(
        _command(url, *BY_FEED, "--record", file, *options, "--format", "json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=_clean(),
    )
    with ending(watching):
        assert watching.stdout is not None
        for _ in range(60):
            assert watching.stdout.readline()
        watching.send_signal(signal.SIGTERM)
        watching.communicate()
    with closing(sqlite3.connect(file)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM steps").fetchone()
    return int(count) - until


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return int(end.value.code or 0)


def test_a_file_that_is_not_a_recording_is_rejected_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "house.csv"
    file.write_text("at,kw\n", encoding="utf-8")
    done = _watch("--record", str(file), log="")
    assert done.returncode == 1
    assert f"streamer: error: {file}" in done.stderr
    assert "Traceback" not in done.stderr
    assert file.read_text(encoding="utf-8") == "at,kw\n"


def test_a_closed_output_pipe_ends_watching_quietly(watts: list[int]) -> None:
    watching = subprocess.Popen(
        _command("stdin:?unit=W", *BY_FEED),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_clean(),
    )
    assert watching.stdin is not None
    assert watching.stdout is not None
    assert watching.stderr is not None
    with ending(watching), watching.stdin as meter, watching.stderr as errors:
        meter.write(_log(watts[:5]))
        meter.flush()
        assert watching.stdout.readline().startswith("2026-09-21 16:14")
        watching.stdout.close()
        for minute in range(5, 60):
            try:
                meter.write(_log(watts[minute : minute + 1], first=minute))
                meter.flush()
            except BrokenPipeError:
                break
            time.sleep(0.001)
        with suppress(BrokenPipeError):
            meter.close()
        assert watching.wait() == 0
        assert errors.read() == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no address of a meter: give one"),
        (["nonsense"], "is not a feed address: the scheme is missing"),
        (["mqtt://me:sword/fish@broker/t?unit=W"], "its host or port cannot be read"),
        (["stdin:?unit=W", "--record", "~no-such-user/x.db"], "x.db: no such user"),
        (["tail:x?unit=V"], "unit='V': give mW or W or kW"),
        (["stdin:?unit=W", "--model", "nope"], "nope"),
        (["stdin:?unit=W", "--stale-after", "0"], "--stale-after"),
        (["stdin:?unit=W", "--password-file", "/no/such"], "secret file /no/such: No such file"),
        (["stdin:?unit=W", "--format", "dashboard"], "needs a terminal"),
    ],
)
def test_wrong_usage_is_reported_in_one_line(
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nowhere")
    assert _run("watch", *arguments) in (1, 2)
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("streamer: error: ")
    assert error.count("\n") == 1


def test_secrets_appear_neither_in_output_nor_in_the_recording(tmp_path: Path) -> None:
    file = tmp_path / "house.db"
    watching = subprocess.Popen(
        _command(
            "mqtt://me:swordfish@127.0.0.1:9/power?unit=W", "--record", str(file), "--retry", "0.1"
        ),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**_clean(), "STREAMER_TOKEN": "sesame"},
    )
    with ending(watching):
        assert watching.stderr is not None
        notes = [watching.stderr.readline(), watching.stderr.readline()]
        watching.terminate()
        out, rest = watching.communicate()
    assert any("broker away" in line for line in notes)
    assert watching.returncode == 143
    with closing(sqlite3.connect(file)) as connection:
        dump = "\n".join(connection.iterdump())
    assert "mqtt://127.0.0.1:9/power" in dump
    for secret in ("swordfish", "sesame"):
        assert secret not in "".join([*notes, out, rest, dump])


def test_a_model_that_cannot_be_loaded_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text("{}")
    (tmp_path / "model.keras").write_bytes(b"")
    done = streamer("watch", f"tail:{tmp_path / 'log'}?unit=W", "--model", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"streamer: error: {tmp_path / 'card.json'}: 'name' is missing")
