"""Tests of `evaluate_frame`: its scores are those of `streamer evaluate` on the same minutes."""

from __future__ import annotations

import json
import math
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import polars as pl
import pytest

from streamer import evaluate_frame, load_model
from streamer.errors import StreamerError, UsageError
from streamer.frames import FrameEvaluation
from streamer.sample import sample_path
from streamer.testing import FixedForecaster
from tests.commandline import streamer
from tests.frames.conftest import Maker, minutes, of_polars, rows_of

ARGUMENTS: dict[str, Any] = {"time": "at", "power": "Global_active_power"}
PART: dict[str, Any] = {"since": pd.Timestamp("2010-03-25 12:00"), "baselines": ["seasonal-naive"]}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    found = pd.read_csv(sample_path(), sep=";", na_values="?")
    found["at"] = pd.to_datetime(found["Date"] + " " + found["Time"], dayfirst=True)
    return found.drop(columns=["Date", "Time"])


@pytest.fixture(scope="module")
def found(table: pd.DataFrame) -> FrameEvaluation:
    return evaluate_frame(table, **ARGUMENTS, **PART)


def test_scores_are_those_of_the_command(found: FrameEvaluation) -> None:
    done = streamer(
        *("evaluate", sample_path(), "--from", "2010-03-25T12:00", "--format", "json"),
        *("--baseline", "seasonal-naive"),
    )
    expected = json.loads(done.stdout)
    actual = found.evaluation.to_json()
    assert actual.pop("file") == "frame"
    del expected["file"]
    assert actual == expected
    rows = rows_of(found.scores)
    for row, each in zip(rows, expected["forecasters"], strict=True):
        band, spread = (each["bands"] or [None])[0], each["skill_interval"] or {}
        assert row == {
            **{key: each[key] for key in ("name", "kind", "adapted", "in_sample", "mse_kw2")},
            **{key: each[key] for key in ("rmse_w", "mae_w", "median_mae_w", "bias_w", "r2")},
            "minutes": expected["scored"],
            "skill": each["skill"],
            "skill_low": spread.get("low"),
            "skill_high": spread.get("high"),
            "confidence": None if band is None else pytest.approx(band["high"] - band["low"]),
            **{
                key: None if band is None else band[key]
                for key in ("coverage", "width_kw", "winkler_kw")
            },
        }
    assert [row["name"] for row in rows[2:]] == ["persistence", "seasonal-naive"]
    horizons = iter(rows_of(found.horizons))
    for horizon in expected["horizons"]:
        for each in horizon["forecasters"]:
            row = next(horizons)
            assert (row["minutes"], row["settled"]) == (horizon["minutes"], horizon["settled"])
            assert row["rmse_w"] == pytest.approx(each["rmse_w"])
            for key in ("name", "mse_kw2", "mae_w", "bias_w", "skill", "coverage", "winkler_kw"):
                assert row[key] == each[key]
    assert next(horizons, None) is None


def test_scores_are_a_frame_of_the_same_library(make: Maker) -> None:
    columns = {"at": minutes(80), "kw": [0.3 + 0.1 * math.sin(each) for each in range(80)]}
    frame = make(columns)
    found = evaluate_frame(frame, time="at", power="kw", baselines="none", horizons=(), adapt=False)
    assert type(found.scores) is type(found.horizons) is type(frame)
    rows = rows_of(found.scores)
    assert [row["name"] for row in rows] == ["sceaux, frozen", "persistence"]
    assert {row["minutes"] for row in rows} == {31}
    assert rows_of(found.horizons) == []
    assert rows[1]["skill"] == 0.0
    assert rows[1]["coverage"] is None


def test_models_with_channels_and_loaded_ones_are_scored(table: pd.DataFrame) -> None:
    frame = pl.from_pandas(table.iloc[:400])
    models = ["sceaux-channels", load_model("sceaux")]
    found = evaluate_frame(frame, **ARGUMENTS, models=models, baselines=("none",), adapt=False)
    names = ["sceaux-channels, frozen", "sceaux, frozen", "persistence"]
    assert found.scores["name"].to_list() == names


class Halfway:
    """Between the last reading and the one before, or the voltage if that is higher."""

    window = 2
    channels = ("voltage",)

    def forecast(self, window: Any) -> float:
        return max(float(window.kw.mean()), float(window.channels["voltage"][-1]) - 1000.0)


def test_challengers_are_scored_on_the_same_minutes(table: pd.DataFrame) -> None:
    frame = table.iloc[:300]
    found = evaluate_frame(
        frame, **ARGUMENTS, challengers=[Halfway(), "seasonal-naive"], baselines="none", adapt=False
    )
    rows = rows_of(found.scores)
    names = ["sceaux, frozen", "Halfway", "seasonal-naive", "persistence"]
    assert [row["name"] for row in rows] == names
    kw = frame["Global_active_power"].to_numpy()
    errors = kw[49:] - (kw[47:-2] + kw[48:-1]) / 2.0
    assert rows[1]["minutes"] == len(errors) == 251
    assert rows[1]["mse_kw2"] == pytest.approx((errors**2).mean())
    # Within the first day, it forecasts the last reading.
    assert rows[2]["mse_kw2"] == pytest.approx(rows[3]["mse_kw2"])
    with pytest.raises(UsageError, match="challenger Halfway is given more than once"):
        evaluate_frame(frame, **ARGUMENTS, challengers=[Halfway(), Halfway()])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": ["sceaux"] * 3}, "model 'sceaux' is given more than once"),
        ({"models": "nobody"}, "no model 'nobody'"),
        ({"models": [FixedForecaster()]}, "models has a FixedForecaster; give names or paths"),
        ({"challengers": ["astrology"]}, "no model 'astrology'"),
        ({"baselines": ["astrology"]}, "no baseline 'astrology'"),
        ({"last": "1d", "since": pd.Timestamp("2010-03-25")}, "give either last, or since and"),
        ({"last": "soon"}, "last 'soon': give a share such as 10%, or days such as 7d"),
        ({"horizons": (45,)}, "horizons 45: model 'sceaux' forecasts the mean of the next"),
        ({"since": pd.Timestamp("2011-01-01")}, "are too few"),
        ({"until": pd.Timestamp("2009-01-01")}, "no reading before until 2009-01-01"),
        ({"baselines": ["autoregression"]}, "begin later with since or last"),
        ({"confidence": 1.5}, "1.5"),
    ],
)
def test_what_cannot_be_scored_is_refused(
    table: pd.DataFrame, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(StreamerError) as found:
        evaluate_frame(table.iloc[:200], **ARGUMENTS, **arguments)
    assert message in str(found.value)
    assert "--" not in str(found.value)


def test_minutes_of_the_training_are_refused_unless_asked_for() -> None:
    at = minutes(60, pd.Timestamp("2008-01-01").to_pydatetime())
    frame = of_polars({"at": at, "kw": [0.1 * (each % 7) for each in range(60)]})
    with pytest.raises(UsageError, match="too good; use in_sample=True to score them all the same"):
        evaluate_frame(frame, time="at", power="kw")
    found = evaluate_frame(frame, time="at", power="kw", in_sample=True, baselines="none")
    assert found.scores["in_sample"].to_list() == [True, True, False]
    assert "sceaux, frozen*" in found._repr_html_()


class _Cells(HTMLParser):
    """Texts of the cells of a table, row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        assert tag in {"table", "caption", "thead", "tbody", "tr", "th", "td", "p"}
        if tag == "tr":
            self.rows.append([])

    def handle_data(self, data: str) -> None:
        if self.rows:
            self.rows[-1].append(data)


def test_a_notebook_shows_the_scores_as_a_table(found: FrameEvaluation) -> None:
    cells = _Cells()
    cells.feed(found._repr_html_())
    heading, *rows = cells.rows
    assert heading[0] == "forecaster"
    assert [row[0] for row in rows] == rows_names(found)
    assert [row[1] for row in rows] == [f"{each:.5f}" for each in found.scores["mse_kw2"]]
    assert repr(found) == "<FrameEvaluation of 4 forecasters on 1,691 minutes>"
    text = str(found)
    assert text.startswith("frame: 1,691 minutes scored")
    assert "\x1b" not in text
    assert all(name.split(",")[0] in text for name in rows_names(found))


def rows_names(found: FrameEvaluation) -> list[str]:
    return found.scores["name"].tolist()
