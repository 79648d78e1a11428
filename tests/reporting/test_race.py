"""The race of challengers in a report, against sums over the steps that were recorded."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from streamer.pipeline import Pipeline
from streamer.readings import Step, skill
from streamer.reporting.challengers import RecordedChallenger
from streamer.reporting.data import DAY, WEEK, read_period
from streamer.reporting.race import section_of
from streamer.testing import FixedForecaster
from tests.models.plugins.own import Leaning, Spoilt
from tests.recording.conftest import House, house


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Step]]:
    """A recording with two challengers, and its steps."""
    challengers = {"leaning": Leaning(), "absent": Spoilt(lambda window: None, 0.25)}
    pipeline = Pipeline(FixedForecaster(window=3), challengers=challengers)
    path = tmp_path_factory.mktemp("race") / "house.db"
    watcher = House(path, pipeline=pipeline)
    steps = watcher.watch(house(1500))
    watcher.close()
    return path, steps


@pytest.fixture
def steps(recording: tuple[Path, list[Step]], tmp_path: Path) -> list[Step]:
    """The steps of `house.db` in the folder of the test."""
    shutil.copy(recording[0], tmp_path)
    return recording[1]


def _expected(steps: list[Step], place: int, start: float) -> RecordedChallenger:
    errors, absent = [], 0
    for before, step in pairwise(steps):
        if step.settled is None or step.reading.at.timestamp() < start:
            continue
        kw = before.challengers[place].forecast_kw
        if kw is None:
            absent += 1
            continue
        found = round(kw, 4), step.settled.kw, before.reading.kw
        errors.append([step.reading.kw - each for each in found])
    name = steps[0].challengers[place].name
    return RecordedChallenger(name, len(errors), absent, *np.square(errors).mean(axis=0).tolist())


@pytest.mark.parametrize("period", [DAY, WEEK])
def test_scores_are_those_of_the_minutes_of_both(
    tmp_path: Path, steps: list[Step], period: str
) -> None:
    recorded = read_period(tmp_path / "house.db", period, None)
    start = (steps[-1].reading.at - timedelta(days=1 if period == DAY else 7)).timestamp() + 60
    assert len(recorded.challengers) == 2
    for place, found in enumerate(recorded.challengers):
        expected = _expected(steps, place, start)
        assert (found.name, found.settled, found.absent) == (
            expected.name,
            expected.settled,
            expected.absent,
        )
        assert found.settled > 700
        for name in ("mse_kw2", "shown_mse_kw2", "persistence_mse_kw2"):
            assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-9)
    if period == WEEK:
        # Over the whole recording, they are those of the stream.
        for each, live in zip(recorded.challengers, steps[-1].challengers, strict=True):
            assert each.settled == live.settled
            assert skill(each.mse_kw2, each.persistence_mse_kw2) == pytest.approx(
                live.skill, abs=1e-4
            )


def test_the_section_has_a_row_for_each() -> None:
    rows = [
        RecordedChallenger("<b>", 1000, 7, 0.25, 0.5, 1.0),
        RecordedChallenger("none yet", 0, 12, None, None, None),
    ]
    text = str(section_of(rows)).replace("\xa0", " ")
    assert "The race" in text
    cells = [0.75, 0.5, 0.5]
    for cell in ("&lt;b&gt;", "0.2500", *(f"+{100 * each:.1f} %" for each in cells), "1,000", "7"):
        assert f">{cell}<" in text
    assert text.count(">–<") == 4
    assert section_of([]) is None


def test_a_recording_whose_rows_are_strange_has_a_report(tmp_path: Path, steps: list[Step]) -> None:
    path = tmp_path / "house.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE challenger_forecasts SET next = 'x' WHERE at % 120 = 0")
        connection.execute("UPDATE challenger_forecasts SET next = ? WHERE at % 180 = 0", (2**62,))
        connection.execute("UPDATE challengers SET name = char(27) || '[2J' WHERE id = 1")
    recorded = read_period(path, DAY, None)
    assert recorded.challengers[0].name == "?[2J"
    assert section_of(recorded.challengers) is not None
