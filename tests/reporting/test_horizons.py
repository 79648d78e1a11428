"""Scores of the forecasts of the next minutes' mean, and their section of a report."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from streamer.errors import RecordError
from streamer.recording.database import open_for_writing
from streamer.recording.schema import PER_KW
from streamer.reporting import DAY, WEEK, render_report
from streamer.reporting.data import read_period
from streamer.reporting.horizons import score_horizon
from tests.reporting.recordings import START, Row, household, minutes, record, unix

HORIZONS = (5, 60)


def _issue(
    path: Path, rows: Iterable[Row], horizons: Iterable[int] = HORIZONS
) -> dict[tuple[int, int], float]:
    """Add forecasts to a recording; returns them by time and horizon, without the bands."""
    rng = np.random.default_rng(0)
    found = {(unix(row.at), n): round(rng.uniform(0.2, 1.0), 3) for row in rows for n in horizons}
    _add(path, found)
    return found


def _add(path: Path, forecasts: Mapping[tuple[int, int], float]) -> None:
    connection = open_for_writing(path)
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO mean_forecasts VALUES (?, ?, ?, ?, ?, ?)",
        [
            (*key, *(round(PER_KW * each) for each in (kw, kw, kw - 0.25, kw + 0.125)))
            for key, kw in forecasts.items()
        ],
    )
    connection.execute("COMMIT")
    connection.close()


def _mean(kw: Mapping[int, float], at: int, length: int) -> float:
    """Mean of so many minutes after a time; NaN if one is missing."""
    values = [kw.get(at + 60 * n, math.nan) for n in range(1, length + 1)]
    return sum(values) / length


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Row]]:
    """Three days, with gaps."""
    kw = household(3 * 1440)
    for first, length in ((700, 1), (2000, 130), (3500, 7)):
        kw[first : first + length] = [math.nan] * length
    rows = minutes(kw)
    return record(tmp_path_factory.mktemp("days") / "house.db", rows), rows


@pytest.fixture(scope="module")
def forecasts(days: tuple[Path, list[Row]]) -> dict[tuple[int, int], float]:
    path, rows = days
    return _issue(path, rows)


@pytest.mark.parametrize("period", [DAY, WEEK])
def test_scores_are_those_of_each_forecast_by_itself(
    days: tuple[Path, list[Row]], forecasts: dict[tuple[int, int], float], period: str
) -> None:
    path, rows = days
    kw = {unix(row.at): row.kw for row in rows}
    recorded = read_period(path, period, None)
    assert [found.minutes for found in recorded.means] == list(HORIZONS)
    for found in recorded.means:
        n = found.minutes
        expected = [
            (
                _mean(kw, at, n),
                forecast,
                kw[at],
                _mean(kw, at - 60 * n, n),
                _mean(kw, at - 86_400, n),
            )
            for (at, length), forecast in forecasts.items()
            if length == n and recorded.start <= at + 60 * n < recorded.end
        ]
        settled = np.array([row for row in expected if not math.isnan(row[0])])
        columns = found.actual_kw, found.mean_kw, found.last_kw, found.recent_kw, found.yesterday_kw
        np.testing.assert_allclose(np.stack(columns, axis=1), settled, rtol=0, atol=1e-9)
        assert len(settled) < len(expected)

        actual, forecast, last, recent, yesterday = settled.T
        score = score_horizon(found)
        assert score.settled == len(settled)
        assert score.rmse_w == pytest.approx(1000 * _rmse(forecast - actual))
        assert score.persistence_rmse_w == pytest.approx(1000 * _rmse(last - actual))
        for skill, baseline in (
            (score.skill, forecast),
            (score.recent_skill, recent),
            (score.half_skill, (recent + last) / 2),
            (score.yesterday_skill, yesterday),
        ):
            known = ~np.isnan(baseline)
            own, reference = ((each - actual)[known] for each in (baseline, last))
            assert skill == pytest.approx(1 - _rmse(own) ** 2 / _rmse(reference) ** 2)
        inside = (forecast - 0.25 <= actual) & (actual <= forecast + 0.125)
        assert score.coverage == pytest.approx(inside.mean(), abs=1e-3)
        assert score.width_kw == pytest.approx(0.375)


def _rmse(error: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    return float(np.sqrt(np.square(error).mean()))


def _section(path: Path, **options: str) -> ET.Element | None:
    page = ET.fromstring(render_report(path, **options).partition("\n")[2])  # noqa: S314
    for section in page.iter("section"):
        if section.findtext("h2") == "The next hour":
            return section
    return None


def test_the_section_has_a_row_and_a_column_of_the_figure_for_each_horizon(
    days: tuple[Path, list[Row]], forecasts: dict[tuple[int, int], float]
) -> None:
    assert forecasts
    path, _ = days
    section = _section(path)
    assert section is not None
    names = ["".join(row[0].itertext()) for row in section.iter("tr")]
    assert names == ["", "5\xa0min", "60\xa0min"]
    skill = score_horizon(read_period(path, DAY, None).means[1]).skill
    assert skill is not None
    cells = ["".join(cell.itertext()) for cell in list(section.iter("tr"))[2]]
    assert cells[4] == f"{100 * skill:+.1f}\xa0%".replace("-", "−")
    for figure in section.iter("svg"):
        if figure.get("role") == "img":
            bars = [each for each in figure.iter("path") if each.get("class") == "forecast-bar"]
            assert len(re.findall("M", bars[0].get("d", ""))) == 2
            assert "over 60 minutes" in figure.get("aria-label", "")


def test_without_forecasts_there_is_no_section(tmp_path: Path) -> None:
    rows = minutes(household(600))
    path = record(tmp_path / "house.db", rows)
    assert _section(path) is None
    # One whose minutes are still to come says nothing yet.
    _issue(path, rows[-3:])
    assert _section(path) is None


def test_skill_of_a_few_forecasts_is_not_shown(tmp_path: Path) -> None:
    rows = minutes(household(200))
    path = record(tmp_path / "house.db", rows)
    _issue(path, rows)
    section = _section(path)
    assert section is not None
    cells = ["".join(cell.itertext()) for cell in list(section.iter("tr"))[1]]
    assert cells[4:8] == ["–"] * 4
    assert section.find("figure") is None


def test_a_single_horizon_needs_no_figure(tmp_path: Path) -> None:
    rows = minutes(household(600))
    path = record(tmp_path / "house.db", rows)
    _issue(path, rows, (30,))
    section = _section(path)
    assert section is not None
    assert section.find("figure") is None


def test_the_period_is_that_of_the_last_minute(tmp_path: Path) -> None:
    rows = minutes(household(1440 + 600))
    path = record(tmp_path / "house.db", rows)
    first, last = unix(rows[0].at), unix(rows[-1].at)
    _add(path, {(last - 86_340 + 60 * n, 5): 0.5 for n in (-6, -5)} | {(last - 300, 5): 0.5})
    (found,) = read_period(path, DAY, None).means
    assert len(found.actual_kw) == 2
    (found,) = read_period(path, DAY, datetime.fromtimestamp(last - 60, START.tzinfo)).means
    assert len(found.actual_kw) == 2
    assert first < last - 86_340


@pytest.mark.parametrize(
    "values", ["'x', 1, 1, 1", "0, 1, 1, 1", "-3, 1, 1, 1", "5, 'x', 1, 1", "5, 1, x'00', 1"]
)
def test_forecasts_that_no_recorder_writes_are_damage(tmp_path: Path, values: str) -> None:
    rows = minutes(household(100))
    path = record(tmp_path / "house.db", rows)
    connection = open_for_writing(path)
    connection.execute(
        "INSERT INTO mean_forecasts (at, minutes, mean, low, high, median)"  # noqa: S608
        f" VALUES ({unix(rows[50].at)}, {values}, 1)"
    )
    connection.close()
    with pytest.raises(RecordError, match="is damaged"):
        render_report(path)
