"""Commands that read a file of a house with solar panels and a battery."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streamer.commands.files import FileOptions
from streamer.errors import UsageError
from streamer.pipeline import Pipeline
from streamer.readings import Reading
from streamer.recording.recorder import Recorder
from streamer.testing import FixedForecaster
from tests.cli.running import run

COLUMNS = ("--column", "grid_w", "--solar", "pv_w", "--battery=-battery_w")


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Two hours, with a minute without solar power."""
    rows = ["time,grid_w,pv_w,battery_w"]
    for minute in range(120):
        at = datetime(2024, 6, 1, 11) + timedelta(minutes=minute)
        solar = "" if minute == 60 else 2000 + 10 * (minute % 7)
        rows.append(f"{at:%Y-%m-%d %H:%M},{-1000 + 20 * (minute % 5)},{solar},-500")
    path = tmp_path / "house.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_a_replay_forecasts_the_grid_and_reports_gaps(house: Path) -> None:
    done = run("replay", house, *COLUMNS, "--format", "json")
    assert done.code == 0, done.err
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["actual_kw"] for line in lines[:2]] == [-1.0, -0.98]
    assert len(lines) == 119
    assert lines[60]["gap_minutes"] == 1
    assert "house.csv:62: solar power is missing at 2024-06-01 12:00:00" in done.err
    assert "house.csv: 1 minute without solar power is a gap" in done.err


def test_the_summary_has_the_gaps(house: Path) -> None:
    done = run("replay", house, *COLUMNS, "-q")
    assert done.code == 0, done.err
    assert "house.csv: 1 minute without solar power is a gap" in done.err.splitlines()


def test_an_evaluation_takes_the_columns(house: Path) -> None:
    done = run("evaluate", house, *COLUMNS, "--baseline", "none", "--format", "json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["scored"] == 119 - 49


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--solar", "sun"), "has the columns time, grid_w, pv_w, battery_w; --solar 'sun' is not"),
        (("--solar", "grid_w"), "cannot be the same column"),
        (("--solar-unit", "W"), "--solar-unit needs the column: give --solar NAME"),
        (("--battery-unit", "W"), "--battery-unit needs the column: give --battery NAME"),
    ],
)
@pytest.mark.parametrize("command", ["replay", "evaluate"])
def test_wrong_columns_are_errors_of_one_line(
    house: Path, command: str, options: tuple[str, ...], text: str
) -> None:
    done = run(command, house, "--column", "grid_w", *options)
    assert done.code == 2
    assert text in done.err
    assert done.err.startswith("streamer: error: ")
    assert done.err.count("\n") == 1


def test_a_simulated_fleet_has_no_solar_power() -> None:
    done = run("fleet", "simulate", "--help")
    assert "--minus" in done.out
    assert "--solar" not in done.out


@pytest.mark.parametrize("option", ["solar", "solar_unit", "battery", "battery_unit"])
def test_columns_do_not_apply_to_a_recording(tmp_path: Path, option: str) -> None:
    path = tmp_path / "house.db"
    pipeline = Pipeline(FixedForecaster())
    recorder = Recorder.open(path, settings={"model": "fixed"}, state=pipeline.state, notify=print)
    recorder.write(pipeline.push(Reading(datetime(2024, 6, 1, tzinfo=UTC), math.pi)))
    recorder.close()
    with pytest.raises(UsageError, match=f"--{option.replace('_', '-')} does not apply to it"):
        FileOptions(**{option: "W"}).open(str(path))
