"""Tests of tables for notebooks: nothing in them is markup that came from outside."""

from __future__ import annotations

from dataclasses import replace

from streamer import Pipeline, Scores
from streamer.display.notebook import html_table
from streamer.readings import Alarm
from streamer.testing import FixedForecaster, readings

EVIL = "<script>alert(1)</script>\x1b[2J\n"
SAFE = "&lt;script&gt;alert(1)&lt;/script&gt;?[2J"


def test_foreign_text_is_escaped_everywhere() -> None:
    made = html_table(EVIL, (EVIL, EVIL), [(EVIL, EVIL)], [EVIL])
    assert "<script>" not in made
    assert made.count(SAFE) == 6


def test_a_step_is_shown_with_what_is_known_of_it() -> None:
    pipeline = Pipeline(FixedForecaster(kw=0.5, window=2, spread_kw=0.1, horizons=(60,)))
    first, *_, last = (pipeline.push(reading) for reading in readings([0.4, 0.6, 1.0]))
    assert "<tr><th>next reading</th><td>–</td></tr>" in first._repr_html_()
    shown = last._repr_html_()
    assert "<caption>2010-03-19 17:02</caption>" in shown
    assert "<tr><th>reading</th><td>1.000 kW</td></tr>" in shown
    assert "error +0.500 kW" in shown
    assert "mean of the next 60 minutes" in shown
    alarm = Alarm(Alarm.ANOMALY, last.reading.at, EVIL, 2.0)
    assert (
        f"<tr><th>alarm: anomaly</th><td>{SAFE}</td></tr>"
        in replace(last, alarms=(alarm,))._repr_html_()
    )


def test_scores_are_shown_beside_persistence() -> None:
    pipeline = Pipeline(FixedForecaster(kw=0.5, window=1, spread_kw=0.1))
    *_, last = (pipeline.push(reading) for reading in readings([0.4, 0.5, 0.5]))
    shown = last.scores._repr_html_()
    assert "<caption>2 minutes scored</caption>" in shown
    for name in ("forecasts", "persistence", "network alone"):
        assert f"<tr><th>{name}</th>" in shown
    assert "Skill" in shown
    assert "<td>–</td>" in Scores()._repr_html_()
