"""Tests of the command line: output, exit codes, errors; and signals, pipes and terminals."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from streamer import __version__
from streamer.models import load_model
from streamer.sample import sample_path
from streamer.sinks.demand import COLUMNS as DEMAND_COLUMNS
from streamer.sinks.means import mean_columns
from streamer.sinks.text import KEYS
from tests.children import ending
from tests.commandline import Done, streamer

HEADER = "timestamp,power_kw\n"


def _child(*arguments: str | Path, **environment: str) -> Done:
    """Run a command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "streamer", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )


def _fails(done: Done, code: int, *words: str) -> None:
    """Check that the command failed with one line of error that contains these words."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("streamer: error:")]
    assert len(errors) == 1, done.stderr
    assert done.stderr.splitlines()[-1] == errors[0]
    for word in words:
        assert word in errors[0]


def _kinds(alarms: list[dict[str, Any]]) -> list[str]:
    return [alarm["kind"] for alarm in alarms]


def _rows(kw: Sequence[object]) -> str:
    return "".join(f"2013-05-21T{n // 60:02}:{n % 60:02}:00,{v}\n" for n, v in enumerate(kw))


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "house.csv"
        path.write_text(text)
        return path

    return write


def test_version_is_printed() -> None:
    assert _child("--version").stdout == f"streamer {__version__}\n"


@pytest.mark.parametrize("command", [[], ["replay"], ["train"]])
def test_help_is_printed(command: list[str]) -> None:
    done = streamer(*command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: streamer")


def test_the_help_describes_quiet_per_command() -> None:
    replaying, watching = (
        " ".join(streamer(command, "--help", COLUMNS="200").stdout.split())
        for command in ("replay", "watch")
    )
    assert "--quiet Print the summary and nothing else." in replaying
    assert "nothing else" not in watching
    assert "--quiet Show no readings: only notes, alarms and, at the end, the summary." in watching


def test_help_is_printed_without_arguments() -> None:
    done = streamer()
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: streamer")


def test_json_lines_equal_a_direct_computation(sample_kw: np.ndarray) -> None:
    done = streamer("replay", "--format", "json", "--limit", "3000", "--no-adapt")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    kw = sample_kw[:3000]
    assert len(lines) == 3000
    assert all(tuple(line)[: len(KEYS) + 2] == (*KEYS, "next_means", "demand") for line in lines)
    assert [line["actual_kw"] for line in lines] == kw.tolist()
    forecasts = load_model().forecast(sliding_window_view(kw, 49)).mean_kw
    assert [line["next_kw"] for line in lines[:48]] == [None] * 48
    issued = np.array([line["next_kw"] for line in lines[48:]])
    np.testing.assert_allclose(issued, forecasts, rtol=0, atol=1e-5)
    assert [line["forecast_kw"] for line in lines[:49]] == [None] * 49
    assert [line["forecast_kw"] for line in lines[49:]] == issued[:-1].tolist()
    errors = kw[49:] - issued[:-1]
    running = np.cumsum(errors**2) / np.arange(1, len(errors) + 1)
    assert [line["mse_kw2"] for line in lines[:49]] == [None] * 49
    np.testing.assert_allclose([line["mse_kw2"] for line in lines[49:]], running, rtol=1e-9)
    changes = kw[49:] - kw[48:-1]
    persistence = np.cumsum(changes**2) / np.arange(1, len(errors) + 1)
    np.testing.assert_allclose(
        [line["persistence_mse_kw2"] for line in lines[49:]], persistence, rtol=1e-9
    )
    np.testing.assert_allclose(
        [line["skill"] for line in lines[49:]], 1 - running / persistence, rtol=1e-6, atol=1e-9
    )
    assert [line["settled"] for line in lines[48:]] == list(range(2952))
    assert [line["frozen_kw"] for line in lines] == [line["forecast_kw"] for line in lines]
    assert "adapted" not in done.stderr
    for key in ("low_kw", "high_kw"):
        assert [line[key] for line in lines[:49]] == [None] * 49
        assert [line[f"next_{key}"] for line in lines[48:-1]] == [line[key] for line in lines[49:]]
    inside = [line["low_kw"] <= line["actual_kw"] <= line["high_kw"] for line in lines[49:]]
    coverage = np.cumsum(inside) / np.arange(1, len(inside) + 1)
    np.testing.assert_allclose([line["coverage"] for line in lines[49:]], coverage)
    gaps = {line["at"]: line["gap_minutes"] for line in lines if line["gap_minutes"]}
    assert gaps == {"2010-03-21T13:39:00": 2027}
    assert "1 gap of 2,027 minutes" in done.stderr


def test_confidence_sets_the_coverage_and_adapting_keeps_the_frozen_forecasts() -> None:
    arguments = ["replay", "--format", "json", "--limit", "2000"]
    frozen, usual, narrow = (
        [json.loads(line) for line in streamer(*arguments, *others).stdout.splitlines()[49:]]
        for others in (["--no-adapt"], [], ["--confidence", "0.5"])
    )
    assert [line["frozen_kw"] for line in usual] == [line["forecast_kw"] for line in frozen]
    for lines, confidence in ((usual, 0.9), (narrow, 0.5)):
        assert lines[-1]["coverage"] == pytest.approx(confidence, abs=0.02)
    widths = [[line["high_kw"] - line["low_kw"] for line in lines] for lines in (usual, narrow)]
    assert np.mean(np.array(widths[1]) < widths[0]) > 0.99
    assert np.mean(widths[1]) < 0.5 * np.mean(widths[0])


def test_alarms_are_reported_when_raised_and_when_over(write: Callable[[str], Path]) -> None:
    path = write(HEADER + _rows([0.3] * 60 + [0.4] * 3))
    done = streamer("replay", path, "--format", "json")
    on = [_kinds(json.loads(line)["alarms"]) for line in done.stdout.splitlines()]
    assert on[0] == on[60] == []
    assert on[59] == ["stuck"]
    raised, over = (line for line in done.stderr.splitlines() if line.startswith("streamer: "))
    assert re.fullmatch(r"streamer: alarm: stuck at 2013-05-21 00:\d\d: .*0.3 kW.*", raised)
    assert over == "streamer: alarm: stuck over at 2013-05-21 01:00"
    quiet = streamer("replay", path, "--quiet")
    assert "streamer: " not in quiet.stderr
    assert "alarms: 1 stuck" in quiet.stderr
    assert "engine" not in quiet.stderr


@pytest.mark.parametrize("engine", ["auto", "numpy"])
def test_the_verbose_summary_names_model_and_engine(engine: str) -> None:
    done = streamer("replay", "--limit", "60", "-q", "--verbose", "--engine", engine)
    name = load_model(engine=engine).engine
    assert done.stderr.splitlines()[-1] == f"model sceaux, engine {name}"


def _assert_close(mine: list[dict[str, float]], theirs: list[dict[str, float]]) -> None:
    """Compare records of numbers and None."""
    for one, two in zip(mine, theirs, strict=True):
        assert one == {
            key: None if value is None else pytest.approx(value, abs=1e-5)
            for key, value in two.items()
        }


@pytest.mark.xdist_group("tensorflow")
def test_speed_and_engine_do_not_change_the_steps() -> None:
    arguments = ["replay", "--format", "json", "--limit", "120"]
    fast = streamer(*arguments, "--speed", "max")
    for others in (["--speed", "1e9"], ["--engine", "numpy"], ["--engine", "tensorflow"]):
        other = streamer(*arguments, *others)
        for one, two in zip(fast.stdout.splitlines(), other.stdout.splitlines(), strict=True):
            mine, theirs = json.loads(one), json.loads(two)
            assert mine.pop("at") == theirs.pop("at")
            mine.pop("skill"), theirs.pop("skill")
            assert _kinds(mine.pop("alarms")) == _kinds(theirs.pop("alarms"))
            _assert_close(mine.pop("next_means"), theirs.pop("next_means"))
            _assert_close([mine], [theirs])


def test_piped_output_is_plain_lines_without_control_codes() -> None:
    done = _child("replay", "--limit", "60", FORCE_COLOR="1")
    lines = done.stdout.splitlines()
    assert len(lines) == 60
    assert max(map(len, lines)) <= 100
    assert lines[0].endswith("0.648 kW  forecast in 48 readings")
    assert all(line.endswith(" kW") for line in lines[1:48])
    assert "\x1b" not in done.stdout + done.stderr
    assert any(line.startswith("90 % band: ") for line in done.stderr.splitlines())
    assert done.stderr.splitlines()[-1].startswith("mean of the next 5 min: ")


def test_csv_has_a_header_and_quiet_prints_only_the_summary() -> None:
    done = streamer("replay", "--limit", "5", "--format", "csv")
    header = (*KEYS, *mean_columns((5, 15, 60)), *DEMAND_COLUMNS)
    assert done.stdout.splitlines()[0] == ",".join(header)
    assert len(done.stdout.splitlines()) == 6
    quiet = streamer("replay", "--limit", "60", "--quiet", "--format", "csv")
    assert quiet.stdout == ""
    note, first, *_ = quiet.stderr.splitlines()
    assert note.endswith("has columns that another model uses, too: --model sceaux-channels")
    assert first.startswith("sceaux_2010-03-19.txt: 60 readings")


@pytest.mark.parametrize("kind", ["txt", "zip", "gz", "-"])
def test_the_uci_file_is_read_plain_compressed_or_from_standard_input(
    kind: str, tmp_path: Path
) -> None:
    text = sample_path().read_bytes()[:20_000].rpartition(b"\r\n")[0] + b"\r\n"
    path = tmp_path / f"house.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("household_power_consumption.txt", text)
    elif kind == "gz":
        path.write_bytes(gzip.compress(text))
    else:
        path.write_bytes(text)
    given = "-" if kind == "-" else path
    arguments = ("replay", given, "--format", "json")
    done = streamer(*arguments, stdin=text.decode() if kind == "-" else "")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == text.count(b"\r\n") - 1


def test_a_closed_output_pipe_ends_a_replay_quietly() -> None:
    process = subprocess.Popen(
        # This model uses all columns, so that there is no note on another.
        [
            sys.executable,
            "-m",
            "streamer",
            "replay",
            "--format",
            "json",
            "--model",
            "sceaux-channels",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with ending(process):
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith('{"at"')
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0


POSIX = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals and terminals")


class OnTerminal:
    """A replay of standard input, with its standard error on a pseudo-terminal."""

    TERMINAL = -99
    """Value of `stdout` for standard output on the same terminal."""

    def __init__(self, *arguments: str, stdout: int = subprocess.DEVNULL, term: str = "xterm"):
        self._person, program = os.openpty()
        self.seen = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streamer", "replay", "-", *arguments],
            stdin=subprocess.PIPE,
            stdout=program if stdout == self.TERMINAL else stdout,
            stderr=program,
            text=True,
            env={**os.environ, "TERM": term, "COLUMNS": "80", "NO_COLOR": "1"},
        )
        os.close(program)
        self._minute = 0
        self._deadline = time.monotonic() + 90.0
        self.feed(HEADER)

    def feed(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def feed_readings(self, count: int) -> None:
        rows = _rows([0.3] * (self._minute + count)).splitlines(keepends=True)
        self.feed("".join(rows[self._minute :]))
        self._minute += count

    def feed_until(self, words: str) -> None:
        """Feed readings until the terminal shows these words."""
        while words not in self.seen:
            self._check_time(words)
            self.feed_readings(1)
            self._look(0.02)

    def end(self) -> str:
        """End the stream and return everything written to the terminal."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        while self._look(1):
            self._check_time("its end")
        self.process.wait(60)
        if self.process.stdout is not None:
            self.process.stdout.close()
        os.close(self._person)
        return self.seen

    def _check_time(self, awaited: str) -> None:
        if time.monotonic() > self._deadline:
            self.process.kill()
            raise AssertionError(f"timeout while waiting for {awaited!r}: {self.seen!r}")

    def _look(self, seconds: float) -> bool:
        """Read the available output; False at the end."""
        if select.select([self._person], [], [], seconds)[0]:
            try:
                data = os.read(self._person, 65536)
            except OSError:  # raised on Linux when the other side is closed
                return False
            self.seen += data.decode()
            return bool(data)
        return self.process.poll() is None


WIPED = "\r\x1b[0K"


@POSIX
def test_the_progress_bar_is_shown_and_removed_at_the_end() -> None:
    replay = OnTerminal("--quiet", "--limit", "100000")
    replay.feed_until(" left")
    seen = replay.end()
    assert replay.process.returncode == 0
    assert re.search(r"─ +\d+ %  \d+ readings?  [\d.,]+/s  [-:\d]+ left", seen)
    assert re.search(f"left\x1b\\[0?K{re.escape(WIPED)}stdin: ", seen)
    assert "\x1b[?" not in seen


@POSIX
def test_notes_are_printed_above_the_progress_bar() -> None:
    replay = OnTerminal("--format", "json", "--limit", "100000")
    replay.feed_until(" left")
    replay.feed("what is this\n")
    seen = replay.end()
    assert f"{WIPED}streamer: malformed: stdin:" in seen
    assert "skipped: 1 malformed row" in seen


@POSIX
def test_ctrl_c_removes_the_progress_bar_and_prints_the_summary() -> None:
    replay = OnTerminal("-q", "--limit", "100000")
    replay.feed_until(" left")
    replay.process.send_signal(signal.SIGINT)
    seen = replay.end()
    assert replay.process.returncode == 130
    assert re.match(r"stdin: \d+ readings, ", seen[seen.rindex(WIPED) + len(WIPED) :])


@POSIX
def test_a_stream_of_unknown_length_shows_figures_without_a_bar() -> None:
    replay = OnTerminal("-q")
    replay.feed_until("/s")
    seen = replay.end()
    assert re.search(r"\r\d+ readings?  [\d.,]+/s\x1b\[0?K", seen)
    assert "─" not in seen
    assert " left" not in seen


@POSIX
@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["--format", "json"], {"stdout": OnTerminal.TERMINAL}),
        (["--format", "json"], {"stdout": subprocess.PIPE}),
        (["-q"], {"term": "dumb"}),
        (["-q", "--speed", "1e9"], {}),
    ],
)
def test_no_progress_bar_with_lines_on_the_terminal_or_at_a_given_speed(
    arguments: list[str], options: dict[str, Any]
) -> None:
    replay = OnTerminal(*arguments, "--limit", "60", **options)
    replay.feed_readings(50)
    seen = replay.end()
    assert "persistence" in seen
    assert "\x1b" not in seen


def test_rows_from_a_pipe_are_forecast_as_they_arrive() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "streamer", "replay", "-", "--format", "json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with ending(process):
        rows = _rows(np.linspace(0.2, 0.4, 55).tolist()).splitlines()
        # The first three rows show the spacing.
        process.stdin.write("\n".join([HEADER.strip(), *rows[:3], ""]))
        process.stdin.flush()
        for row in rows[:3]:
            assert json.loads(process.stdout.readline())["at"] == row.partition(",")[0]
        for row in rows[3:]:
            process.stdin.write(row + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["at"] == row.partition(",")[0]
        rest, _ = process.communicate()
    assert rest == ""
    assert process.returncode == 0


def test_malformed_rows_are_counted_and_the_first_is_named(write: Callable[[str], Path]) -> None:
    kw: list[object] = [0.3] * 60
    kw[5], kw[7], kw[9] = "abc", "x", "1e999"
    done = streamer("replay", write(HEADER + _rows(kw)), "--format", "json")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 57
    assert "house.csv:7" in done.stderr
    assert "'abc'" in done.stderr
    assert "skipped: 3 malformed rows" in done.stderr
    assert "NaN" not in done.stdout


def test_strict_stops_at_the_first_malformed_row(write: Callable[[str], Path]) -> None:
    kw: list[object] = [0.3] * 60
    kw[5] = "abc"
    done = streamer("replay", write(HEADER + _rows(kw)), "--strict", "--format", "json")
    _fails(done, 1, "house.csv:7", "'abc'")
    assert len(done.stdout.splitlines()) == 5


def test_times_that_do_not_advance_are_counted_and_skipped(write: Callable[[str], Path]) -> None:
    rows = _rows([0.3] * 60).splitlines(keepends=True)
    done = streamer("replay", write(HEADER + "".join([*rows[:30], rows[10], *rows[30:]])))
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 60
    assert "skipped: 1 row out of order" in done.stderr


def test_a_truncated_last_line_is_skipped(write: Callable[[str], Path]) -> None:
    done = streamer("replay", write(HEADER + _rows([0.3] * 60) + "2013-05-21T01:0"))
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 60
    assert "skipped: 1 malformed row" in done.stderr


def test_watts_read_as_kilowatts_are_rejected_with_a_hint(write: Callable[[str], Path]) -> None:
    path = write("timestamp,power\n" + _rows([300 + n for n in range(100)]))
    _fails(streamer("replay", path), 2, "column 'power' has no unit", "--unit W")
    _fails(streamer("replay", path, "--unit", "kW"), 1, "--unit W")
    done = streamer("replay", path, "--unit", "W", "--format", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout.splitlines()[0])["actual_kw"] == pytest.approx(0.3)


def test_one_implausible_value_is_reported_and_skipped(write: Callable[[str], Path]) -> None:
    done = streamer("replay", write(HEADER + _rows([0.3] * 30 + [4321.0] + [0.3] * 29)))
    assert done.returncode == 0
    assert "4321" in done.stderr
    assert "skipped: 1 implausible value" in done.stderr
    assert len(done.stdout.splitlines()) == 59


def test_gaps_reset_empties_the_buffer(write: Callable[[str], Path]) -> None:
    kw: list[object] = [0.3] * 60 + ["?"] * 20 + [0.3] * 60
    path = write(HEADER + _rows(kw))
    skipping = streamer("replay", path, "--format", "json")
    resetting = streamer("replay", path, "--format", "json", "--gaps", "reset", "--max-gap", "19")
    bridging = streamer("replay", path, "--format", "json", "--gaps", "reset", "--max-gap", "20")
    assert bridging.stdout == skipping.stdout
    lines = [json.loads(line) for line in resetting.stdout.splitlines()]
    assert [line["next_kw"] is None for line in lines[60:]] == [True] * 48 + [False] * 12
    assert lines[60]["gap_minutes"] == 20
    assert "buffer emptied" in resetting.stderr


def test_options_describe_the_layout_of_another_file(write: Callable[[str], Path]) -> None:
    rows = "".join(f"{n // 60:02}:{n % 60:02} 21.05.2013|x|{300 + n}\n" for n in range(60))
    done = streamer(
        *("replay", write("when|who|draw\n" + rows), "--column", "draw", "--time-column", "when"),
        *("--time-format", "%H:%M %d.%m.%Y", "--delimiter", "|", "--unit", "W"),
        *("--start", "2013-05-21T00:10", "--end", "2013-05-21T00:20", "--format", "json"),
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["at"] for line in (lines[0], lines[-1])] == [
        "2013-05-21T00:10:00",
        "2013-05-21T00:19:00",
    ]
    assert lines[0]["actual_kw"] == pytest.approx(0.31)


def test_unreadable_files_are_named(tmp_path: Path, write: Callable[[str], Path]) -> None:
    _fails(streamer("replay", tmp_path / "absent.csv"), 2, "absent.csv")
    _fails(streamer("replay", tmp_path), 2, tmp_path.name)
    _fails(streamer("replay", write("")), 1, "house.csv", "empty")
    _fails(streamer("replay", write(HEADER)), 1, "house.csv", "no reading")
    _fails(streamer("replay", write("lorem ipsum\ndolor sit\n")), 2, "house.csv")
    broken = tmp_path / "house.gz"
    broken.write_bytes(gzip.compress(sample_path().read_bytes())[:3000])
    _fails(streamer("replay", broken, "--format", "json"), 1, "house.gz")
    not_zip = tmp_path / "house.zip"
    not_zip.write_bytes(b"PK\x03\x04 and no more")
    _fails(streamer("replay", not_zip), 1, "house.zip")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["replay", "--speed", "0"], ["--speed", "'0'"]),
        (["replay", "--speed", "fast"], ["--speed", "'fast'"]),
        (["replay", "--speed", "nan"], ["--speed", "'nan'"]),
        (["replay", "--start", "yesterday"], ["--start", "'yesterday'"]),
        (["replay", "--limit", "0"], ["'--limit': '0' is out of bounds; give at least 1"]),
        (["replay", "--limit", "ten"], ["'--limit': 'ten' is not a whole number"]),
        (["replay", "--max-kw", "nan"], ["'--max-kw': 'nan' is not a power"]),
        (["replay", "--format", "xml"], ["'--format': 'xml' is not one of 'auto', "]),
        (["replay", "--format", "dashboard"], ["dashboard", "terminal"]),
        (["replay", "--column", "Volts"], ["Volts", "Voltage"]),
        (["replay", "--gaps", "fill"], ["--gaps", "fill"]),
        (["replay", "absent.csv", "--confidence", "2"], ["--confidence", "'2'", "0.9"]),
        (
            ["replay", "absent.csv", "--horizons", "5,45"],
            ["--horizons", "'45'", "1 to 15, 30 or 60"],
        ),
        (["replay", "absent.csv", "--horizons", ""], ["--horizons", "''", "none"]),
        (["replay", "absent.csv", "--confidence", "1"], ["--confidence", "'1'"]),
        (["replay", "absent.csv", "--confidence", "nan"], ["--confidence", "'nan'"]),
        (["replay", "absent.csv", "--confidence", "90%"], ["--confidence", "'90%'"]),
        (["replay", "--demand", "30"], ["'--demand': '30' is not one of '15', '60', 'none'"]),
        (["replay", "--peak-limit", "0"], ["'--peak-limit': '0' is not a peak"]),
        (["replay", "--peak-limit", "nan"], ["'--peak-limit': 'nan' is not a peak"]),
        (["replay", "--peak-alarms", "-1"], ["'--peak-alarms': '-1' is not a number of alarms"]),
        (["replay", "--model", "nowhere"], ["nowhere", "sceaux"]),
        (["replay", "--bogus"], ["--bogus"]),
        (["bogus"], ["bogus"]),
        (["train"], ["FILE"]),
        (["train", "absent.csv"], ["absent.csv"]),
    ],
)
def test_wrong_usage_exits_with_2_and_names_the_option(
    arguments: list[str], words: list[str]
) -> None:
    _fails(streamer(*arguments), 2, *words)


def test_a_file_that_is_not_a_model_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_text("not a model")
    _fails(streamer("replay", "--model", path), 1, "model.keras")


@pytest.mark.slow
def test_an_unwritable_folder_is_rejected_before_the_training(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    done = _child("train", sample_path(), "--out", tmp_path / "taken")
    _fails(done, 1, "taken")
    assert "Loading" not in done.stdout


def test_models_are_listed_and_shown() -> None:
    listed = streamer("models", "list", COLUMNS="100")
    assert listed.returncode == 0
    assert re.search(r"^sceaux +1 50 100 4 +2006-12-16 to ", listed.stdout, re.MULTILINE)
    shown = streamer("models", "show", COLUMNS="100")
    for word in (
        "sceaux",
        "71,204",
        "next reading's change",
        "Scores on minutes",
        "It has seen one",
    ):
        assert word in shown.stdout
    card = json.loads(streamer("models", "show", "sceaux", "--json").stdout)
    assert card["name"] == "sceaux"
    _fails(streamer("models", "show", "nowhere"), 2, "nowhere", "sceaux")


def test_an_unknown_recipe_or_a_foreign_length_is_rejected() -> None:
    _fails(streamer("train", sample_path(), "--recipe", "soup"), 2, "soup", "tutorial")
    _fails(streamer("train", sample_path(), "--epochs", "2"), 2, "--windows")
    done = streamer("train", sample_path(), "--recipe", "tutorial", "--windows", "2")
    _fails(done, 2, "--epochs")
