"""Tests of whole reports, parsed and read as a person would."""

from __future__ import annotations

import math
import os
import re
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.errors import RecordError
from streamer.reporting import DAY, MONTH, WEEK, render_report, write_report
from streamer.reporting.data import read_period
from streamer.reporting.figures import bucket_minutes
from streamer.reporting.plot import MIDDLE, NARROW, WIDE
from tests.children import read_meanwhile
from tests.reporting.recordings import (
    SETTINGS,
    ZONE,
    Row,
    household,
    minutes,
    record,
    unix,
)

WRITTEN = datetime(2010, 4, 1, 12, 30)
NASTY = "<script>alert(1)</script>\"' onload=x & \u202e\x00 ]]> <!--"


def _page(path: Path, **options: Any) -> ET.Element:
    """A page, which must be well-formed."""
    page = render_report(path, written=WRITTEN, **options)
    assert page.startswith("<!DOCTYPE html>\n")
    return ET.fromstring(page.partition("\n")[2])  # noqa: S314 - made by this test


def _text(element: ET.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _headings(page: ET.Element) -> list[str]:
    return [_text(heading) for heading in page.iter("h2")]


def _tiles(page: ET.Element) -> dict[str, str]:
    (figures,) = (found for found in page.iter("dl") if found.get("class") == "figures")
    return {_text(tile[0]): _text(tile[1][0]) for tile in figures}


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More than a month, with gaps, alarms and events."""
    kw = household(40 * 1440)
    for first, length in ((30000, 1), (40000, 1500), (50000, 7)):
        kw[first : first + length] = [math.nan] * length
    rows = minutes(kw, start=datetime(2010, 3, 1, tzinfo=ZONE))
    at = [unix(rows[-n].at) for n in (900, 600, 300)]
    alarms = [
        (at[0], "anomaly", "3.656 kW where 1.522 to 2.245 was expected", at[0] + 660),
        (at[2], "stuck", "0.3 kW 15 times in a row", None),
    ]
    events = [(at[1], "lost", "broker away: connection refused"), (at[2], "up", "broker back")]
    path = tmp_path_factory.mktemp("month") / "house.db"
    return record(path, rows, alarms=alarms, events=events)


@pytest.mark.parametrize(
    ("period", "until", "heading"),
    [
        (DAY, None, "9 – 10 April 2010"),
        (DAY, datetime(2010, 4, 10), "Friday 9 April 2010"),
        (WEEK, datetime(2010, 4, 10), "3 – 9 April 2010"),
        (MONTH, None, "10 March – 10 April 2010"),
    ],
)
def test_a_page_has_all_sections_and_the_days_as_heading(
    month: Path, period: str, until: datetime | None, heading: str
) -> None:
    page = _page(month, period=period, until=until)
    assert [_text(found) for found in page.iter("h1")] == [heading]
    expected = ["Actual and forecast", "The hardest to foresee", "Energy", "Errors"]
    expected.append("Coverage of the band")
    expected += [] if period == DAY else ["A typical day"]
    assert _headings(page)[: len(expected)] == expected
    assert {"Alarms", "Gaps"} <= set(_headings(page))


def test_the_header_has_source_model_time_and_key_figures(month: Path) -> None:
    page = _page(month)
    text = _text(page)
    for fact in ("mqtt://broker/meter", "model sceaux", "written 1 April 2010, 12:30"):
        assert fact in text
    tiles = _tiles(page)
    found = read_period(month, DAY, None).minutes.kw
    assert tiles["Imported"] == f"{found.sum() / 60:.2f} kWh"
    assert tiles["Exported"] == "0.00 kWh"
    assert tiles["Peak"] == f"{found.max():.2f} kW"
    assert tiles["Skill of the mean"] == "+75.0 %"
    assert "Solar" not in tiles
    assert tiles["Minutes recorded"] == "1,440"


def test_alarms_and_events_are_listed(month: Path) -> None:
    text = _text(_page(month))
    for entry in (
        "anomaly 3.656 kW where 1.522 to 2.245 was expected",
        "now, still on",
        "stuck 0.3 kW 15 times in a row",
        "lostbroker away: connection refused",
        "backbroker back",
    ):
        assert entry in text


def test_gaps_are_listed_and_drawn(month: Path) -> None:
    page = _page(month, period=MONTH)
    text = _text(page)
    assert "3 gaps, 1 d 1 h in all" in text
    for figure in (found for found in page.iter("svg") if found.get("role") == "img"):
        if "Power over time" in (figure.get("aria-label") or ""):
            drawn = [found for found in figure.iter("rect") if found.get("class") == "missing"]
            assert len(drawn) == 3


def test_figures_have_three_sizes_and_a_label(month: Path) -> None:
    page = _page(month, period=WEEK)
    figures = [found for found in page.iter("svg") if found.get("role") == "img"]
    assert [found.get("class") for found in figures] == ["narrow", "middle", "wide"] * 5
    assert all(found.get("aria-label") for found in figures)
    assert all(float(found.get("viewBox", "").split()[2]) <= 358 for found in figures[::3])
    for label in (_text(found) for figure in figures for found in figure.iter("title")):
        assert label


@pytest.mark.parametrize("period", [DAY, WEEK, MONTH])
def test_a_page_loads_nothing_and_runs_no_script(month: Path, period: str) -> None:
    page = render_report(month, period=period, written=WRITTEN)
    assert len(page) < 500_000
    assert not re.search(r"https?:|//\w+\.|url\(|@import|<script|\s(href|src|on\w+)=", page)


def test_text_of_the_recording_is_escaped(tmp_path: Path) -> None:
    rows = minutes(household(200))
    at = unix(rows[100].at)
    path = record(
        tmp_path / "<b>house&.db",
        rows,
        alarms=[(at, NASTY, NASTY, at + 600)],
        events=[(at, NASTY, NASTY)],
        settings={"model": NASTY, "source": NASTY, "confidence": NASTY},
    )
    page = _page(path)
    assert not list(page.iter("script"))
    shown = NASTY.replace("\u202e", "\ufffd").replace("\x00", "\ufffd")
    # Source and title, model, kind and text of alarm and event, and the tooltips of flags.
    assert sum(text.count(shown) for text in page.itertext()) >= 7
    assert "<b>house&.db" in _text(page)


def _one(kw: float = 0.5) -> list[Row]:
    return minutes([kw])


ODD = {
    "one minute": _one(),
    "one minute of nothing": _one(0.0),
    "one minute of export": _one(-0.25),
    "one settled forecast": minutes([0.5] * 50),
    "always the same": minutes([0.5] * 300),
    "export": minutes([-kw for kw in household(400)]),
    "import and export": minutes([kw - 0.4 for kw in household(400)]),
    "two minutes, a day apart": minutes([1.0, *[math.nan] * 1438, 1.0], warm_up=0),
    "every other minute": minutes([1.0, math.nan] * 300),
    "huge": minutes([1e300, 1e-300, -1e300] * 60),
    "tiny": minutes([1e-9, 2e-9] * 60),
    "forecasts that are no numbers": [
        Row(row.at, row.kw, math.inf, -math.inf, math.inf, math.inf) for row in minutes([1.0] * 90)
    ],
    "bands only of one end": [
        Row(row.at, row.kw, 1.0, None, 1.1, None) for row in minutes([1.0] * 90)
    ],
    "one minute of sun": [replace(_one()[0], solar_kw=1.0)],
    "sun at times": [
        replace(row, solar_kw=None if i % 3 else 0.0) for i, row in enumerate(minutes([1.0] * 90))
    ],
    "off the minute": [Row(row.at + timedelta(seconds=30), row.kw) for row in minutes([1.0] * 90)],
}


@pytest.mark.parametrize("period", [DAY, WEEK, MONTH])
@pytest.mark.parametrize("name", ODD)
def test_unusual_recordings_make_a_page_without_nan(tmp_path: Path, name: str, period: str) -> None:
    path = record(tmp_path / "house.db", ODD[name])
    page = _page(path, period=period)
    text = _text(page)
    assert not re.search(r"\b(nan|inf|None)\b", text)
    for path_ in page.iter("path"):
        assert not re.search("nan|inf", path_.get("d") or "")
    assert "Actual and forecast" in _headings(page)


def test_scores_are_dashes_without_settled_forecasts(tmp_path: Path) -> None:
    page = _page(record(tmp_path / "house.db", minutes([0.5] * 20)))
    tiles = _tiles(page)
    names = ("MAE of the forecast", "Skill of the mean", "In the band")
    assert [tiles[name] for name in names] == ["– W", "–", "–"]
    assert "Errors" in _headings(page)
    assert "Coverage of the band" not in _headings(page)


def test_without_settings_the_file_names_the_source(tmp_path: Path) -> None:
    page = _page(record(tmp_path / "house.db", minutes(household(200)), settings={}))
    assert _text(next(page.iter("title"))) == "house.db: Friday 19 March 2010"
    assert "asked for" not in _text(page)


def _sunny(count: int) -> list[Row]:
    """A house with panels and a battery, which export in the second half of every day."""
    rows = []
    for i, row in enumerate(minutes(household(count))):
        solar = 3.0 * (i % 1440 >= 720)
        battery = 0.5 if solar else -0.125
        rows.append(replace(row, kw=row.kw - solar + battery, solar_kw=solar, battery_kw=battery))
    return rows


def _cells(table: ET.Element) -> dict[str, list[str]]:
    rows = [[_text(cell) for cell in row] for row in table.iter("tr")]
    return {name: cells for name, *cells in rows}


def test_energy_of_a_house_with_panels_is_listed_by_the_day(tmp_path: Path) -> None:
    rows = _sunny(3 * 1440)
    del rows[2000:2100]
    page = _page(record(tmp_path / "house.db", rows), period=WEEK)
    table = next(found for found in page.iter("table") if "import, kWh" in _text(found))
    cells = _cells(table)
    assert list(cells) == ["", "Fri 19 Mar", "Sat 20 Mar", "Sun 21 Mar", "in all"]
    for name, part in (("Sat 20 Mar", rows[1440:2780]), ("in all", rows)):
        grid, solar, battery = (
            np.array([getattr(row, key) for row in part])
            for key in ("kw", "solar_kw", "battery_kw")
        )
        used = np.maximum(solar - np.maximum(-grid, 0.0), 0.0).sum() / solar.sum()
        consumed = (grid + solar - battery).sum()
        bought = grid[grid > 0].sum()
        assert cells[name] == [
            f"{bought / 60:.2f}",
            f"{-grid[grid < 0].sum() / 60:.2f}",
            f"{solar.sum() / 60:.2f}",
            f"{consumed / 60:.2f}",
            f"{100 * used:.1f} %",
            f"{100 * (1 - bought / consumed):.1f} %",
            "100",
        ]
    tiles = _tiles(page)
    assert tiles["Solar"] == f"{cells['in all'][2]} kWh"
    assert tiles["Solar used at home"] == cells["in all"][4]
    assert tiles["Consumption from the sun"] == cells["in all"][5]


def test_energy_without_panels_is_import_and_export_apart(tmp_path: Path) -> None:
    rows = minutes([kw - 0.4 for kw in household(3000)])
    page = _page(record(tmp_path / "house.db", rows), period=WEEK)
    table = next(found for found in page.iter("table") if "import, kWh" in _text(found))
    cells = _cells(table)
    assert cells[""] == ["import, kWh", "export, kWh", "missing"]
    kw = np.array([row.kw for row in rows])
    expected = [f"{kw[kw > 0].sum() / 60:.2f}", f"{-kw[kw < 0].sum() / 60:.2f}", "0"]
    assert cells["in all"] == expected


def test_a_day_of_few_minutes_or_without_changes_has_no_skill(tmp_path: Path) -> None:
    kw = household(4 * 1440)
    kw[1440 : 2 * 1440 - 300] = [math.nan] * 1140  # five hours are left
    kw[3 * 1440 - 1 :] = [0.3 + 0.001 * (i % 2) for i in range(1441)]
    off = [0.5] * len(kw)
    page = _page(record(tmp_path / "house.db", minutes(kw, off_kw=off)), period=WEEK)
    *_, details = page.iter("details")
    skills = [cells[6 - 1] for cells in list(_cells(details).values())[1:]]
    assert [skill == "–" for skill in skills] == [False, True, False, True]


def test_a_report_of_a_few_minutes_has_no_skill(tmp_path: Path) -> None:
    rows = minutes([0.5, 0.501] * 100, off_kw=[2.0] * 200)
    page = _page(record(tmp_path / "house.db", rows))
    assert _tiles(page)["Skill of the mean"] == "–"
    assert _tiles(page)["MAE of the forecast"] == "1,980.0 W"
    assert not re.search(r"−[\d,.]+ %", _text(page))


def test_export_is_drawn_below_zero(tmp_path: Path) -> None:
    page = _page(record(tmp_path / "house.db", ODD["import and export"]))
    assert float(_tiles(page)["Exported"].split()[0]) > 0.0
    values = [found.text or "" for found in page.iter("text") if found.get("class") == "value"]
    assert any(value.startswith("−") for value in values)
    assert not any("-" in value for value in values)


@pytest.mark.parametrize(
    ("day", "hours"), [(datetime(2010, 3, 28), 23), (datetime(2010, 10, 31), 25)]
)
def test_a_day_with_a_clock_change_has_all_its_hours(
    tmp_path: Path, day: datetime, hours: int
) -> None:
    rows = minutes(household(60 * hours), start=day.replace(tzinfo=ZONE))
    page = _page(record(tmp_path / "house.db", rows))
    assert _text(next(page.iter("h1"))) == f"Sunday {day:%d %B %Y}"
    assert "Sun 00:00 to Sun 24:00" in _text(page)
    assert "the clock was changed in between" in _text(page)
    energy, figures = page.iter("details")
    assert len(list(energy.iter("tr"))) == 1 + hours + 1
    assert len(list(figures.iter("tr"))) == 1 + hours


@settings(max_examples=25, deadline=None)
@given(
    kw=st.lists(
        st.one_of(st.just(math.nan), st.floats(-20, 20), st.floats(allow_infinity=False)),
        min_size=1,
        max_size=200,
    ).filter(lambda kw: not all(math.isnan(value) for value in kw)),
    warm_up=st.integers(0, 60),
    period=st.sampled_from([DAY, WEEK, MONTH]),
)
def test_any_recording_makes_a_page(
    tmp_path_factory: pytest.TempPathFactory, kw: list[float], warm_up: int, period: str
) -> None:
    rows = minutes(kw, warm_up=warm_up)
    path = record(tmp_path_factory.mktemp("any") / "house.db", rows)
    assert not re.search(r"\b(nan|inf)\b", _text(_page(path, period=period)))


@pytest.mark.parametrize(
    ("days", "expected"), [(1, (5, 1, 1)), (7, (60, 30, 15)), (31, (180, 120, 60))]
)
def test_points_aggregate_minutes_to_about_one_per_unit_of_width(
    days: int, expected: tuple[int, ...]
) -> None:
    found = tuple(bucket_minutes(0, days * 86400, size) for size in (NARROW, MIDDLE, WIDE))
    assert found == expected


def test_reporting_imports_neither_engine_nor_river() -> None:
    code = "import streamer.reporting, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    modules = set(done.stdout.split())
    assert not modules & {"river", "scipy", "h5py", "matplotlib", "rich", "typer"}
    assert not modules & {"streamer.pipeline", "streamer.models", "streamer.cli"}


def test_the_page_replaces_an_existing_file_atomically(month: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    out.write_text("before")
    write_report(month, out, written=WRITTEN)
    assert out.read_text(encoding="utf-8") == render_report(month, written=WRITTEN)
    assert [found.name for found in tmp_path.iterdir()] == ["report.html"]
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE(out.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_a_symbolic_link_is_followed(month: Path, tmp_path: Path) -> None:
    (tmp_path / "real.html").touch()
    out = tmp_path / "report.html"
    out.symlink_to("real.html")
    write_report(month, out, written=WRITTEN)
    assert out.is_symlink()
    assert (tmp_path / "real.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_page_can_be_written_to_a_pipe(tmp_path: Path) -> None:
    path = record(tmp_path / "house.db", minutes(household(200)))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with read_meanwhile(pipe) as read:
        write_report(path, pipe, written=WRITTEN)
    assert pipe.is_fifo()
    assert read == [render_report(path, written=WRITTEN)]


def test_an_unwritable_place_is_named(month: Path, tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"report\.html cannot be written: No such file"):
        write_report(month, tmp_path / "nowhere" / "report.html")
    with pytest.raises(RecordError, match="cannot be written: Is a directory"):
        write_report(month, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_recording_is_not_overwritten(tmp_path: Path) -> None:
    path = record(tmp_path / "house.db", minutes([1.0]), settings=SETTINGS)
    before = path.read_bytes()
    with pytest.raises(RecordError, match="is the recording itself"):
        write_report(path, tmp_path / "." / "house.db")
    assert path.read_bytes() == before
