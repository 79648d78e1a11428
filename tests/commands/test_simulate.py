"""Tests of `streamer fleet simulate`, in this process, live and with Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from streamer.cli import main
from streamer.commands.files import FileOptions
from streamer.commands.simulate import SimulateJob, simulate
from streamer.fleet.simulate import NO_FAULTS
from streamer.sample import sample_path
from streamer.testing import ManualClock


def _simulate(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["fleet", "simulate", *map(str, arguments)])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def _rows(folder: Path) -> list[list[str]]:
    return [
        line.split(",")
        for path in sorted(folder.iterdir())
        for line in path.read_text().splitlines()[1:]
    ]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


WITHOUT_FAULTS = [
    word for name in ("silent", "lost", "missing", "late", "doubled") for word in (f"--{name}", "0")
]


def test_the_bundled_sample_is_the_default_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "my readings"
    assert (
        _simulate(folder, "--meters", 30, "--minutes", 40, "--format", "csv", *WITHOUT_FAULTS) == 0
    )
    rows = _rows(folder)
    assert {meter for meter, _, _ in rows} == {f"m{index:06}" for index in range(30)}
    assert rows[0][1] == "2026-01-01T00:00:00Z"
    assert _names(folder) == [f"readings-20260101T00{minute}.csv" for minute in ("00", 10, 20, 30)]
    output, errors = capsys.readouterr()
    assert output == (
        f"Written to '{folder}': 4 files, {len(rows):,} readings of 30 meters, 0 of them late, "
        f"0 duplicates; try it: streamer fleet run --source '{folder}' --sink console "
        "--checkpoint DIR\n"
    )
    assert errors == ""


def test_the_recording_is_repeated_with_its_gaps(tmp_path: Path) -> None:
    house = tmp_path / "house.csv"
    house.write_text(
        "timestamp,power_w\n" + "".join(f"2013-05-21T00:0{n}:00,{1000 * n}\n" for n in (1, 2, 4))
    )
    options = ["--format", "csv", "--meters", 1, "--minutes", 8, "--start", "2026-05-01T12:00"]
    assert _simulate(tmp_path / "out", "--from", house, *options, *WITHOUT_FAULTS) == 0
    rows = _rows(tmp_path / "out")
    assert rows[0][1] == "2026-05-01T12:00:00Z"
    # Minutes 1, 2 and 4 of four, twice; the third is a gap.
    assert len(rows) == 6
    kw = sorted(float(row[2]) for row in rows)
    assert kw[0] == kw[1]
    assert kw[2] == pytest.approx(2 * kw[0], abs=0.002)
    assert kw[5] == pytest.approx(4 * kw[0], abs=0.003)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert _simulate(tmp_path / name, "--meters", 50, "--minutes", 20, "--seed", seed) == 0
    a, b, c = (
        [path.read_bytes() for path in sorted((tmp_path / name).iterdir())] for name in "abc"
    )
    assert a == b
    assert a != c


def test_every_sets_the_minutes_per_file(tmp_path: Path) -> None:
    options = ["--meters", 3, "--minutes", 90, "--every", 45, "--format", "json", *WITHOUT_FAULTS]
    assert _simulate(tmp_path / "out", *options) == 0
    assert _names(tmp_path / "out") == [
        "readings-20260101T0000.json",
        "readings-20260101T0045.json",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--meters", "0"], "--meters"),
        (["--minutes", "0"], "--minutes"),
        (["--every", "0"], "--every"),
        (["--seed", "-1"], "--seed"),
        (["--late", "1.5"], "'1.5' is not a share from 0 to 1"),
        (["--lost", "nan"], "'nan' is not a share from 0 to 1"),
        (["--missing", "some"], "'some' is not a share from 0 to 1"),
        (["--format", "xml"], "--format"),
        (["--start", "soon"], "'soon' is not a time"),
        (["--start", "2026-01-01T00:00:01"], "leave out the seconds"),
        (["--speed", "60"], "--speed needs --live"),
        (["--live", "--speed", "max"], "--speed max"),
        (["--live", "--speed", "0"], "'0' is not a speed"),
        (["--meters", "1000000", "--minutes", "60", "--every", "60"], "give --every 1"),
        (["--start", "9999-12-30T23:59"], "year 9999"),
        (["--live", "--speed", "60", "--minutes", str(10**10)], "give fewer, or --start"),
    ],
)
def test_wrong_usage_is_reported_in_one_line_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: Sequence[str], words: str
) -> None:
    assert _simulate(tmp_path / "out", *arguments) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("streamer: error: ")
    assert errors.count("\n") == 1
    assert words in errors
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_empty_is_rejected_unchanged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "house.csv").touch()
    assert _simulate(tmp_path) == 2
    assert "is not empty (house.csv is in it)" in capsys.readouterr().err
    assert _names(tmp_path) == ["house.csv"]


def test_an_error_when_making_the_folder_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "house.csv").touch()
    assert _simulate(tmp_path / "house.csv" / "out", "--format", "csv") == 1
    assert capsys.readouterr().err == (
        f"streamer: error: {tmp_path / 'house.csv' / 'out'}: Not a directory\n"
    )


def test_a_recording_without_readings_is_rejected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house = tmp_path / "house.csv"
    house.write_text("timestamp,power_kw\n2013-05-21T00:00:00,\n")
    assert _simulate(tmp_path / "out", "--from", house, "--format", "csv") == 1
    assert "no reading found in house.csv" in capsys.readouterr().err


def _job(
    folder: Path,
    *,
    minutes: int | None,
    every: int | None = None,
    speed: float,
    start: datetime | None = None,
) -> SimulateJob:
    return SimulateJob(
        folder=folder,
        file=str(sample_path()),
        options=FileOptions(),
        meters=5,
        minutes=minutes,
        every=every,
        format="csv",
        start=start,
        seed=0,
        faults=NO_FAULTS,
        speed=speed,
    )


NOW = datetime(2026, 11, 22, 13, 5, 40)


def _clock() -> ManualClock:
    return ManualClock(wall=(NOW - datetime(1970, 1, 1)).total_seconds())


@pytest.mark.parametrize(("every", "waited_s"), [(None, 540.0), (5, 540.0)])
def test_live_files_are_written_minute_by_minute(
    tmp_path: Path, every: int | None, waited_s: float
) -> None:
    clock = _clock()
    simulate(_job(tmp_path / "out", minutes=10, every=every, speed=1.0), clock=clock)
    assert clock.now() == pytest.approx(waited_s)
    # The first minute is the last one that has ended.
    starts = [NOW.replace(second=0) + timedelta(minutes=n - 1) for n in range(0, 10, every or 1)]
    assert _names(tmp_path / "out") == [f"readings-{at:%Y%m%dT%H%M}.csv" for at in starts]


def test_live_faster_than_the_clock_begins_its_minutes_before_now(tmp_path: Path) -> None:
    clock = _clock()
    simulate(_job(tmp_path / "out", minutes=10, speed=6.0), clock=clock)
    assert clock.now() == pytest.approx(90.0)
    starts = [NOW.replace(second=0) - timedelta(minutes=10 - n) for n in range(10)]
    assert _names(tmp_path / "out") == [f"readings-{at:%Y%m%dT%H%M}.csv" for at in starts]


class _InterruptingClock(ManualClock):
    """A clock that raises KeyboardInterrupt after five seconds."""

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        if self.now() >= 5:
            raise KeyboardInterrupt
        super().wait(condition, seconds)


def test_live_faster_than_the_clock_without_an_end_begins_30_days_before_now(
    tmp_path: Path,
) -> None:
    clock = _InterruptingClock(wall=_clock().wall())
    with pytest.raises(KeyboardInterrupt):
        simulate(_job(tmp_path / "out", minutes=None, speed=60.0), clock=clock)
    assert _names(tmp_path / "out")[0] == "readings-20261023T1305.csv"


def test_live_begins_at_a_given_start(tmp_path: Path) -> None:
    start = datetime(2026, 5, 1)
    simulate(_job(tmp_path / "out", minutes=1, speed=60.0, start=start), clock=_clock())
    assert _names(tmp_path / "out") == ["readings-20260501T0000.csv"]


def test_ctrl_c_ends_a_live_simulation_with_its_summary(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    arguments = [folder, "--live", "--speed", 1200, "--meters", 5, "--format", "csv"]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamer", "fleet", "simulate", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and not (folder.exists() and len(_names(folder)) > 5):
                assert process.poll() is None
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130
    assert errors == ""
    files = _names(folder)
    # The interrupt may come just after a file was renamed, before it was counted.
    counts = (len(files), len(files) - 1)
    assert output.startswith(tuple(f"Written to {folder}: {count} files, " for count in counts))
    assert all(name.startswith("readings-") for name in files)


def test_neither_spark_nor_tensorflow_is_imported() -> None:
    code = (
        "import sys, streamer.cli.fleet.simulate, streamer.commands.simulate;"
        "print(sys.modules.keys() & {'pyspark', 'pandas', 'pyarrow', 'tensorflow', 'river'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("set()\n", "")
