"""Tests of the table of published forecasts on the sample, against plain NumPy."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from streamer.errors import UsageError
from streamer.models import load_model
from streamer.sample import sample_path
from tests.literature import __main__ as program
from tests.literature.published import MARCH_2007, TABLE, Published, Span
from tests.literature.scoring import Part, Score, read_part, score_model, score_persistence
from tests.literature.tables import table

SPAN = Span("a morning", datetime(2010, 3, 24, 6), datetime(2010, 3, 24, 9))


@pytest.fixture(scope="module")
def part() -> Part:
    return read_part(str(sample_path()), SPAN, learn_days=0.25, window=49)


def test_every_minute_of_a_span_is_scored(part: Part, sample_kw: np.ndarray) -> None:
    at = part.at
    assert at[0] == np.datetime64(SPAN.start)
    assert at[-1] == np.datetime64(SPAN.end) - np.timedelta64(60, "s")
    begin = int(np.searchsorted(part.stretch.at, at[0]))
    before, after = sample_kw[begin - 1 : begin + len(at) - 1], sample_kw[begin : begin + len(at)]
    score = score_persistence(part)
    assert score.mse_kw2 == pytest.approx(np.mean((after - before) ** 2), rel=1e-12)
    assert score.mae_w == pytest.approx(1000 * np.mean(np.abs(after - before)), rel=1e-12)


def test_a_model_is_scored_on_these_minutes_frozen_and_adapted(
    part: Part, sample_kw: np.ndarray
) -> None:
    model = load_model()
    frozen, adapted = score_model(model, part)
    begin = int(np.searchsorted(part.stretch.at, part.at[0]))
    windows = np.lib.stride_tricks.sliding_window_view(sample_kw, 49)
    answer = model.forecast(windows[begin - 49 : begin - 49 + len(part.at)])
    actual = sample_kw[begin : begin + len(part.at)]
    median = answer.quantiles_kw[:, model.levels.index(0.5)]
    assert frozen.mse_kw2 == pytest.approx(np.mean((actual - answer.mean_kw) ** 2), rel=1e-5)
    assert frozen.mae_w == pytest.approx(1000 * np.mean(np.abs(actual - median)), rel=1e-5)
    assert [frozen.forecaster, adapted.forecaster] == ["sceaux, frozen", "sceaux, adapted"]
    assert adapted.mse_kw2 != frozen.mse_kw2


def test_a_span_at_the_beginning_of_a_file_is_scored_from_its_first_whole_window() -> None:
    span = Span("start", datetime(2010, 1, 1), datetime(2010, 3, 20))
    part = read_part(str(sample_path()), span, learn_days=0.0, window=49)
    assert len(part.at) == len(part.stretch.kw) - 49


def test_a_file_without_the_span_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"no reading|too few"):
        read_part(str(sample_path()), MARCH_2007, learn_days=7.0, window=49)


def test_the_week_of_march_has_the_published_number_of_minutes() -> None:
    (week,) = [span for span in TABLE if span is MARCH_2007]
    assert (week.end - week.start).total_seconds() / 60 == 10_081


def test_rows_are_in_order_of_their_error() -> None:
    at = np.arange("2010-03-21T06:00", "2010-03-21T08:00", dtype="datetime64[m]")
    text = table(
        SPAN,
        at.astype("datetime64[s]"),
        [Published("theirs", "A 2019", 0.09, None)],
        [Score("persistence", 0.04, 100.0), Score("ours", 0.03, 90.0, in_sample=True)],
    )
    assert "Computed on 120 minutes, 2010-03-21 06:00 to 2010-03-21 07:59, which is as far" in text
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[6:]]
    assert rows == [
        ["ours", "computed, in sample", "0.0300", "173", "90.0", "+25.0"],
        ["persistence", "computed", "0.0400", "200", "100.0", "+0.0"],
        ["theirs", "A 2019", "0.0900", "300", "", ""],
    ]


def test_a_published_error_is_compared_on_whole_spans_alone() -> None:
    at = np.arange("2010-03-24T06:00", "2010-03-24T09:00", dtype="datetime64[m]")
    given = [Published("theirs", "A 2019", 0.05, None)], [Score("persistence", 0.04, 100.0)]
    text = table(SPAN, at.astype("datetime64[s]"), *given)
    assert "2010-03-24 08:59.\n" in text
    assert text.endswith("| theirs | A 2019 | 0.0500 | 224 |  | -25.0 |\n")


def test_the_program_prints_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "TABLE", {SPAN: (Published("theirs", "A 2019", 0.09, 100.0),)})
    app = typer.Typer()
    app.command()(program.main)
    done = CliRunner().invoke(app, [str(sample_path()), "--span", "a morning"])
    assert done.exit_code == 0, done.output
    assert "| theirs | A 2019 | 0.0900 | 300 | 100.0 |" in done.output
    done = CliRunner().invoke(app, [str(sample_path()), "--span", "an evening"])
    assert done.exit_code == 2
    assert done.stderr == "error: no span 'an evening': give one of: a morning\n"
