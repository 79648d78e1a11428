from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
from collections.abc import Iterable
from datetime import datetime

import numpy as np
import pytest

from streamer.pipeline import Pipeline
from streamer.readings import About, Notice, Step, Vitals
from streamer.sinks import BlockSink, Item
from streamer.sinks.notes import NoteSink
from streamer.sinks.progress import ProgressSink
from streamer.sinks.summary import Summary
from streamer.sinks.text import FORMATS, KEYS, TextSink, plain_line, record
from streamer.testing import FixedForecaster, ManualClock, readings

ABOUT = About("house.csv", "sceaux", datetime(2006, 12, 16), datetime(2010, 2, 19))


@pytest.fixture
def steps() -> list[Step]:
    kw = [0.25, 0.5, np.nan, np.nan, 1.0, 0.1 + 0.2]
    return Pipeline(FixedForecaster(kw=0.5, window=1)).push_many(readings(kw))


def test_records_have_the_documented_keys(steps: list[Step]) -> None:
    assert KEYS == (
        "at",
        "actual_kw",
        "forecast_kw",
        "error_kw",
        "next_kw",
        "settled",
        "mse_kw2",
        "persistence_mse_kw2",
        "skill",
        "gap_minutes",
    )
    assert record(steps[0]) == {
        "at": "2010-03-19T17:00:00",
        "actual_kw": 0.25,
        "forecast_kw": None,
        "error_kw": None,
        "next_kw": 0.5,
        "settled": 0,
        "mse_kw2": None,
        "persistence_mse_kw2": None,
        "skill": None,
        "gap_minutes": 0,
    }
    assert record(steps[2]) == {
        "at": "2010-03-19T17:04:00",
        "actual_kw": 1.0,
        "forecast_kw": 0.5,
        "error_kw": 0.5,
        "next_kw": 0.5,
        "settled": 2,
        "mse_kw2": 0.125,
        "persistence_mse_kw2": (0.0625 + 0.25) / 2,
        "skill": pytest.approx(0.2),
        "gap_minutes": 2,
    }


LINES = {
    "plain": """\
2010-03-19 17:00  actual  0.250  forecast      –  error      –  next  0.500 kW  mse       –  \
skill        –
2010-03-19 17:04  actual  1.000  forecast  0.500  error +0.500  next  0.500 kW  mse 0.12500  \
skill  +20.0 %  after a gap of 2 min
""",
    "json": """\
{"at": "2010-03-19T17:00:00", "actual_kw": 0.25, "forecast_kw": null, "error_kw": null, \
"next_kw": 0.5, "settled": 0, "mse_kw2": null, "persistence_mse_kw2": null, "skill": null, \
"gap_minutes": 0}
{"at": "2010-03-19T17:04:00", "actual_kw": 1.0, "forecast_kw": 0.5, "error_kw": 0.5, \
"next_kw": 0.5, "settled": 2, "mse_kw2": 0.125, "persistence_mse_kw2": 0.15625, \
"skill": 0.19999999999999996, "gap_minutes": 2}
""",
    "csv": """\
at,actual_kw,forecast_kw,error_kw,next_kw,settled,mse_kw2,persistence_mse_kw2,skill,gap_minutes
2010-03-19T17:00:00,0.25,,,0.5,0,,,,0
2010-03-19T17:04:00,1.0,0.5,0.5,0.5,2,0.125,0.15625,0.19999999999999996,2
""",
}


@pytest.mark.parametrize("form", FORMATS)
def test_lines_to_the_letter(form: str, steps: list[Step]) -> None:
    assert _written(form, [steps[0], steps[2]]) == LINES[form]


@pytest.mark.parametrize("kw", [np.nan, np.inf, -np.inf, 1e-300, 1e22, np.float64(0.1), 1])
def test_json_lines_are_those_of_json_whatever_a_model_says(kw: float) -> None:
    steps = Pipeline(FixedForecaster(kw=kw, window=1)).push_many(readings([1, 0.3, 0.2]))
    expected = "".join(json.dumps(record(step)) + "\n" for step in steps)
    assert _written("json", steps) == expected


def _written(form: str, items: Iterable[Item]) -> str:
    out = io.StringIO()
    sink = TextSink(out, form)
    for item in items:
        sink.write(item)
    sink.close()
    return out.getvalue()


def test_json_lines_are_at_full_precision(steps: list[Step]) -> None:
    text = _written("json", [ABOUT, *steps, Notice(Notice.EVENT, "nothing")])
    lines = [json.loads(line) for line in text.splitlines()]
    assert lines == [record(step) for step in steps]
    assert lines[-1]["actual_kw"] == 0.1 + 0.2


def test_csv_has_the_same_columns(steps: list[Step]) -> None:
    rows = list(csv.DictReader(io.StringIO(_written("csv", steps))))
    assert tuple(rows[0]) == KEYS
    assert rows[0]["forecast_kw"] == ""
    assert [float(row["actual_kw"]) for row in rows] == [step.reading.kw for step in steps]


def test_plain_lines_have_columns(steps: list[Step]) -> None:
    lines = _written("plain", steps).splitlines()
    assert lines == [plain_line(step) for step in steps]
    assert {line.index("actual") for line in lines} == {18}
    assert {line.index("skill") for line in lines} == {lines[0].index("skill")}
    assert lines[2].endswith("after a gap of 2 min")


def test_what_is_written_comes_out_when_the_stream_rests(steps: list[Step]) -> None:
    class Buffered(io.StringIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed = len(self.getvalue())

    out = Buffered()
    sink = TextSink(out, "json")
    sink.write(steps[0])
    assert out.flushed == 0
    sink.write(Vitals(1.0, 1.0, 1.0))
    assert out.flushed == len(out.getvalue()) > 0


def _summary(*items: About | Step | Notice) -> list[str]:
    summary = Summary()
    for item in items:
        summary.write(item)
    return summary.lines()


def test_the_summary_of_a_replay(steps: list[Step]) -> None:
    lines = _summary(
        ABOUT, *steps, Notice(Notice.MALFORMED, "bad"), Notice(Notice.ORDER, "late", count=3)
    )
    assert lines == [
        "house.csv: 4 readings, 2010-03-19 17:00 to 2010-03-19 17:05",
        "1 gap of 2 minutes in all",
        "skipped: 1 malformed row, 3 rows out of order",
        "3 forecasts settled, skill +63.9 %",
        "sceaux       MSE 0.09667 kW²  RMSE 310.9 W  MAE 233.3 W",
        "persistence  MSE 0.26750 kW²  RMSE 517.2 W  MAE 483.3 W",
    ]


def test_the_summary_warns_of_flattering_scores(steps: list[Step]) -> None:
    about = About("house.csv", "sceaux", datetime(2010, 1, 1), datetime(2010, 3, 19, 17, 1))
    assert _summary(about, *steps)[-1].startswith("in sample")
    # A span that ends with the warm-up has not flattered any score.
    about = About("house.csv", "sceaux", datetime(2010, 1, 1), datetime(2010, 3, 19, 17, 0))
    assert not _summary(about, *steps)[-1].startswith("in sample")


def test_the_summary_of_nothing() -> None:
    assert _summary(ABOUT) == ["no readings"]


def test_the_summary_before_the_first_score(steps: list[Step]) -> None:
    assert _summary(ABOUT, steps[0])[-1] == (
        "no forecast settled yet: the first comes with the 50th reading"
    )


def test_notes_tell_the_first_of_a_kind_and_every_warning() -> None:
    out = io.StringIO()
    sink = NoteSink(out)
    for kind in (Notice.MALFORMED, Notice.MALFORMED, Notice.WARNING, Notice.WARNING):
        sink.write(Notice(kind, "text"))
    sink.close()
    assert out.getvalue().splitlines() == [
        "streamer: malformed: text",
        "streamer: warning: text",
        "streamer: warning: text",
    ]


class Terminal(io.StringIO):
    """A terminal of text; `line` is what stands on its last line."""

    def isatty(self) -> bool:
        return True

    @property
    def line(self) -> str:
        last = self.getvalue().split("\n")[-1].split("\r")[-1]
        assert not last or last.endswith("\x1b[0K"), "what stood there is not erased"
        return last.removesuffix("\x1b[0K")


class Watched:
    """A progress sink on a terminal, and the clock it goes by."""

    def __init__(self, out: Terminal | None = None) -> None:
        self.clock = ManualClock()
        self.out = Terminal() if out is None else out
        self.sink = ProgressSink(self.out, now=self.clock.now)
        self.sink.write(ABOUT)

    def after(self, seconds: float, item: Item) -> str:
        """What the line is once an item has come that much later."""
        self.clock.advance(seconds)
        self.sink.write(item)
        return self.out.line


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TTY_COMPATIBLE", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def watched(terminal: None) -> Watched:
    return Watched()


HALF_WAY = Vitals(27_345.2, 0.1, 0.2, readings=1_024_640, progress=0.5, left_s=83.2)
LIVE = Vitals(0.5, 0.1, 0.2, readings=1_024_640)


def test_the_bar_and_its_figures(watched: Watched) -> None:
    assert isinstance(watched.sink, BlockSink)
    shown = watched.after(1, HALF_WAY)
    figures = "  50 %  1,024,640 readings  27,345/s  1:24 left"
    assert shown == "━" * 15 + "─" * 15 + figures
    assert watched.after(1, LIVE) == "1,024,640 readings  0.5/s"


@pytest.mark.parametrize("vitals", [HALF_WAY, LIVE, Vitals(1, 1, 1, 1, 0.0), Vitals(1, 1, 1, 0)])
def test_the_bar_fits_and_leaves_room_for_what_a_key_echoes(
    vitals: Vitals, terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns in range(1, 130):
        monkeypatch.setenv("COLUMNS", str(columns))
        shown = Watched().after(1, vitals)
        assert len(shown) <= max(0, columns - 3)
        if vitals is HALF_WAY and columns >= 40:
            assert shown.endswith("27,345/s  1:24 left")
            assert shown.count("━") >= 2


def test_a_replay_done_in_a_blink_shows_no_bar(watched: Watched) -> None:
    watched.after(0.2, HALF_WAY)
    watched.sink.close()
    assert watched.out.getvalue() == ""


def test_the_time_that_loading_took_does_not_count(watched: Watched) -> None:
    watched.clock.advance(10)
    watched.sink.write(ABOUT)
    assert watched.after(0.2, HALF_WAY) == ""
    assert watched.after(0.2, HALF_WAY) != ""


def test_the_bar_is_drawn_ten_times_a_second_at_most(watched: Watched) -> None:
    for _ in range(1000):
        watched.after(0.001, HALF_WAY)
    assert watched.out.getvalue().count(" left") in (7, 8)


def test_a_note_gets_a_line_of_its_own(watched: Watched) -> None:
    notes = NoteSink(watched.out)
    watched.after(1, HALF_WAY)
    for sink in (watched.sink, notes):
        sink.write(Notice(Notice.WARNING, "the meter is hot"))
    assert watched.out.getvalue().endswith("\r\x1b[0Kstreamer: warning: the meter is hot\n")
    assert watched.after(1, HALF_WAY).endswith("1:24 left")


def test_the_terminal_is_left_as_it_was(watched: Watched) -> None:
    watched.after(1, HALF_WAY)
    watched.sink.close()
    watched.sink.close()
    assert watched.out.line == ""
    assert "\n" not in watched.out.getvalue()
    # No colour is set and no mode is changed, the cursor's neither.
    assert set(re.findall(r"\x1b\[.*?[a-zA-Z]", watched.out.getvalue())) == {"\x1b[0K"}


def test_a_terminal_that_knows_no_unicode_gets_none(terminal: None) -> None:
    class Bare(Terminal):
        encoding = "ascii"  # type: ignore[assignment]

    watched = Watched(Bare())
    for vitals in (HALF_WAY, LIVE, Vitals(1, 1, 1, 1, 0.0)):
        assert watched.after(1, vitals).isascii()


def test_a_terminal_that_is_gone_does_not_end_the_replay(terminal: None) -> None:
    class Gone(Terminal):
        def write(self, text: str) -> int:
            raise OSError(errno.EIO, "Input/output error")

    watched = Watched(Gone())
    for item in (HALF_WAY, HALF_WAY, Notice(Notice.EVENT, "on we go")):
        watched.after(1, item)
    watched.sink.close()


@pytest.mark.skipif(os.name == "nt", reason="jobs are POSIX's")
def test_in_the_background_the_terminal_is_left_to_the_shell(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched.out, "fileno", lambda: 2)
    foreground = os.getpgrp() + 1
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: foreground)
    assert watched.after(1, HALF_WAY) == ""
    foreground = os.getpgrp()
    shown = watched.after(1, HALF_WAY)
    assert shown.endswith("left")
    foreground += 1
    watched.sink.close()
    assert watched.out.line == shown
