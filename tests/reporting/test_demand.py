"""Demand intervals of a report: their figure, the months' peaks, warnings and reliability."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from streamer.errors import RecordError
from streamer.readings.meterdemand import MeterDemand, MonthPeak
from streamer.recording.database import open_for_writing
from streamer.recording.registers import write_registers
from streamer.recording.schema import COLUMNS
from streamer.reporting import DAY, MONTH, WEEK, render_report
from streamer.reporting.data import Recorded, read_period
from tests.reporting.recordings import START, ZONE, Row, minutes, record, unix

DAYS = 3
QUARTERS = 96 * DAYS
END = START + timedelta(days=DAYS)

_NAMES = COLUMNS["demand_intervals"].split(", ")


def interval(at: datetime, kw: float | None, minutes: int = 15, **values: Any) -> dict[str, Any]:
    offset = at.utcoffset()
    assert offset is not None
    found = {"utc_offset": round(offset.total_seconds()), "unknown_minutes": 0, "export_kw": 0.0}
    return {"at": unix(at), "minutes": minutes, "kw": kw, **found, **values}


def add(path: Path, intervals: Sequence[dict[str, Any]]) -> Path:
    connection = open_for_writing(path)
    connection.execute("BEGIN")
    connection.executemany(
        f"INSERT INTO demand_intervals ({', '.join(_NAMES)})"  # noqa: S608 - constants
        f" VALUES ({', '.join('?' * len(_NAMES))})",
        [[each.get(name) for name in _NAMES] for each in intervals],
    )
    connection.execute("COMMIT")
    connection.close()
    return path


def stream() -> list[dict[str, Any]]:
    """Quarter-hours of three days, of which some are incomplete, exceeded or warned about."""
    rng = np.random.default_rng(0)
    found = []
    for number in range(QUARTERS):
        at = START + number * timedelta(minutes=15)
        kw = round(float(rng.exponential(0.5)), 3)
        unknown = 4 if number % 11 == 0 else 0
        p = round(float(rng.random()) ** 3, 3)
        exceeded = None if unknown else int(kw > 1.0)
        warned = unix(at) + 60 * int(rng.integers(2, 14)) if p > 0.6 else None
        found.append(
            interval(at, kw, unknown_minutes=unknown, bound_kw=1.0, exceeded=exceeded)
            | {"warned_at": warned, "p_raises_peak": p, "forecast_kw": kw + 0.1}
            | {"low_kw": kw - 0.1, "high_kw": kw + (0.2 if number % 4 else -0.05)}
        )
    return found


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [Row(START + n * timedelta(minutes=1), 0.5) for n in range(1440 * DAYS)]
    found = record(tmp_path_factory.mktemp("days") / "house.db", rows)
    running = interval(END, None, forecast_kw=9.0, p_raises_peak=0.5, unknown_minutes=None)
    return add(found, [*stream(), running])


def _recorded(path: Path, period: str = DAY, until: datetime | None = None) -> Recorded:
    return read_period(path, period, until)


def _section(path: Path, title: str = "Demand", **options: Any) -> ET.Element | None:
    page = ET.fromstring(render_report(path, **options).partition("\n")[2])  # noqa: S314
    for section in page.iter("section"):
        if section.findtext("h2") == title:
            return section
    return None


def _text(element: ET.Element) -> str:
    return "".join(element.itertext())


def _tables(section: ET.Element) -> list[list[list[str]]]:
    return [
        [[_text(cell) for cell in row] for row in each.iter("tr")] for each in section.iter("table")
    ]


def test_the_intervals_are_those_of_the_period(path: Path) -> None:
    demand = _recorded(path).demand
    assert demand is not None
    assert demand.minutes == 15
    assert [each.at for each in demand.intervals] == [row["at"] for row in stream()[-96:]]
    assert [each.kw for each in demand.intervals] == [row["kw"] for row in stream()[-96:]]
    until = START + timedelta(days=1)
    demand = _recorded(path, until=until).demand
    assert demand is not None
    assert [each.kw for each in demand.intervals] == [row["kw"] for row in stream()[:96]]
    assert demand.months[0].intervals == 96


def test_warnings_are_counted_up_to_the_end_of_the_period(path: Path) -> None:
    demand = _recorded(path).demand
    assert demand is not None
    (month,) = demand.months
    rows = [row for row in stream() if not row["unknown_minutes"]]
    warned = [row["warned_at"] is not None for row in rows]
    exceeded = [bool(row["exceeded"]) for row in rows]
    pairs = list(zip(warned, exceeded, strict=True))
    counts = [pairs.count(each) for each in ((True, True), (True, False), (False, True))]
    assert [month.found, month.false_alarms, month.missed] == counts
    assert min(counts) > 0
    assert (month.intervals, month.unknown) == (QUARTERS, QUARTERS - len(rows))
    leads = [
        14 - (row["warned_at"] - row["at"]) // 60
        for row in rows
        if row["exceeded"] and row["warned_at"] is not None
    ]
    assert list(demand.leads) == leads


def test_the_peak_of_a_month_is_its_highest(path: Path) -> None:
    demand = _recorded(path).demand
    assert demand is not None
    least = {row["at"]: row["kw"] * (15 - row["unknown_minutes"]) / 15 for row in stream()}
    at = max(least, key=lambda each: least[each])
    (month,) = demand.months
    assert month.kw == pytest.approx(least[at])
    assert month.at == datetime.fromtimestamp(at, ZONE)
    assert not month.incomplete


def test_each_month_has_a_row_by_the_clock_of_the_house(tmp_path: Path) -> None:
    months = [datetime(2009, month, 1, tzinfo=ZONE) for month in (1, 2, 3, 6, 7, 12)]
    months += [
        datetime(2009, month, day, 23, 45, tzinfo=ZONE) for month, day in ((2, 28), (12, 31))
    ]
    months += [datetime(2010, 1, 1, tzinfo=ZONE), START]
    found = [interval(at, 1.0 + n) for n, at in enumerate(sorted(months))]
    path = add(record(tmp_path / "house.db", minutes([0.5] * 60)), found)
    demand = _recorded(path).demand
    assert demand is not None
    # More than thirteen months ago is not shown.
    assert [f"{each.at:%Y-%m} {each.kw:g}" for each in demand.months] == [
        "2009-03 4", "2009-06 5", "2009-07 6", "2009-12 8", "2010-01 9", "2010-03 10",
    ]  # fmt: skip
    section = _section(path)
    assert section is not None
    rows = _tables(section)[0][1:]
    assert [row[0] for row in rows][-3:] == ["December 2009", "January 2010", "March 2010"]
    assert [row[2] for row in rows][-3:] == ["31\xa0Dec 23:45", "1\xa0Jan 00:00", "19\xa0Mar 00:00"]


def test_an_incomplete_peak_is_at_least_what_is_known(tmp_path: Path) -> None:
    found = [interval(START, 6.0, unknown_minutes=5), interval(START + timedelta(hours=1), 3.0)]
    path = add(record(tmp_path / "house.db", minutes([0.5] * 120)), found)
    section = _section(path)
    assert section is not None
    ((_, kw, when, incomplete, *_),) = _tables(section)[0][1:]
    assert (kw, when, incomplete) == ("≥\xa04.00", "19\xa0Mar 00:00", "1 of 2")


@pytest.mark.parametrize(("period", "bars"), [(DAY, 96), (WEEK, QUARTERS), (MONTH, DAYS)])
def test_the_figure_has_a_bar_for_each_interval_or_day(path: Path, period: str, bars: int) -> None:
    section = _section(path, period=period)
    assert section is not None
    for figure in section.iter("svg"):
        if figure.get("role") == "img":
            found = [
                len(re.findall("M", each.get("d", "")))
                for each in figure.iter("path")
                if each.get("class") in ("actual-bar", "extent")
            ]
            assert sum(found) == bars
            flags = [each for each in figure.iter("path") if each.get("class") == "alarm"]
            chosen = stream()[-96:] if period == DAY else stream()
            assert len(flags) == sum(row["warned_at"] is not None for row in chosen)
            hints = [each for each in figure.iter("rect") if each.get("class") == "hint"]
            assert len(hints) == (96 if period == DAY else DAYS)


def test_what_was_noted_in_the_period_is_listed(path: Path) -> None:
    section = _section(path)
    assert section is not None
    noted = [row for row in stream()[-96:] if row["exceeded"] or row["warned_at"]]
    (log,) = [each for each in section.iter("table") if each.get("class") == "log"]
    lines = [_text(row[2]) for row in list(log.iter("tr"))[1:]]
    kinds = {(True, True): "found", (False, True): "false alarm", (True, False): "missed"}
    expected = [
        "not known"
        if row["unknown_minutes"]
        else kinds[bool(row["exceeded"]), row["warned_at"] is not None]
        for row in noted
    ]
    for line, kind, row in zip(lines, expected, noted, strict=True):
        assert line.startswith(f"{kind} {row['kw']:.2f}\xa0kW")
    warned = [_text(row[1]) for row in list(log.iter("tr"))[1:]]
    for text, row in zip(warned, noted, strict=True):
        left = re.search(r"(\d+)\xa0min left", text)
        if row["warned_at"] is None:
            assert text == "not warned"
        else:
            assert left is not None
            assert int(left[1]) == 14 - (row["warned_at"] - row["at"]) // 60


def test_reliability_is_that_of_each_probability_by_itself(path: Path) -> None:
    section = _section(path)
    assert section is not None
    known = [row for row in stream() if not row["unknown_minutes"]]
    p = np.array([row["p_raises_peak"] for row in known])
    came = np.array([row["exceeded"] for row in known])
    rows = _tables(section)[-1][1:]
    assert sum(int(row[1]) for row in rows) == len(known)
    inside = (p >= 0.2) & (p < 0.4)
    assert rows[3] == [
        "20 to 40\xa0%",
        str(inside.sum()),
        f"{100 * p[inside].mean():.1f}\xa0%",
        f"{100 * came[inside].mean():.1f}\xa0%",
    ]
    caption = _text(list(section.iter("caption"))[-1])
    assert f"Brier score {np.square(p - came).mean():.4f}" in caption
    assert f"{came.mean() * (1 - came.mean()):.4f} for always saying" in caption
    assert "off by 100.0\xa0W" in caption
    covered = np.mean([row["high_kw"] >= row["kw"] for row in known])
    assert f"{100 * covered:.1f}\xa0% of the means" in caption


def test_without_intervals_there_is_no_section(tmp_path: Path) -> None:
    path = record(tmp_path / "house.db", minutes([0.5] * 60))
    assert _section(path) is None
    add(path, [interval(START, None, forecast_kw=1.0)])
    assert _section(path) is None


def test_a_day_without_an_interval_has_the_months_alone(tmp_path: Path) -> None:
    path = add(
        record(tmp_path / "house.db", minutes([0.5] * 60)),
        [interval(START - timedelta(days=40), 2.5, 60)],
    )
    section = _section(path)
    assert section is not None
    assert section.find("figure") is None
    assert "hour in each month" in _text(section)
    assert _tables(section)[0][1][:2] == ["February 2010", "2.50"]
    assert section.find("details") is None


def test_only_intervals_of_the_last_length_are_shown(tmp_path: Path) -> None:
    found = [interval(START + timedelta(hours=n), 1.0 + n, 60 if n > 2 else 15) for n in range(6)]
    path = add(record(tmp_path / "house.db", minutes([0.5] * 400)), found)
    demand = _recorded(path).demand
    assert demand is not None
    assert (demand.minutes, [each.kw for each in demand.intervals]) == (60, [4.0, 5.0, 6.0])


@pytest.mark.parametrize(
    "change",
    [
        {"kw": "x"},
        {"minutes": "x"},
        {"minutes": 0},
        {"unknown_minutes": "x"},
        {"unknown_minutes": None},
        {"utc_offset": 10**9},
        {"warned_at": "x", "exceeded": 1},
        {"forecast_kw": "x"},
    ],
)
def test_an_interval_that_no_recorder_writes_is_damage(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    path = record(tmp_path / "house.db", minutes([0.5] * 60))
    add(path, [interval(START, 1.0) | change])
    with pytest.raises(RecordError, match="is damaged"):
        render_report(path)


def test_peaks_of_the_meter_are_shown_where_it_has_them(tmp_path: Path) -> None:
    path = add(
        record(tmp_path / "house.db", minutes([0.5] * 60)),
        [interval(START - timedelta(days=30), 2.0, unknown_minutes=3), interval(START, 1.5)],
    )
    ahead = END + timedelta(days=9)
    months = [START - timedelta(days=days) for days in (390, 90, 30)]
    connection = open_for_writing(path)
    for at, peak in ((START, START - timedelta(days=5)), (ahead, ahead)):
        demand = MeterDemand(1.0, MonthPeak(peak, 4.5), tuple(MonthPeak(m, 3.25) for m in months))
        write_registers(connection, unix(at), demand, None)
    connection.close()
    demand = _recorded(path).demand
    assert demand is not None
    assert [(f"{each.at:%Y-%m-%d}", each.kw, each.intervals) for each in demand.months] == [
        ("2009-12-19", 3.25, 0),
        ("2010-02-17", 3.25, 1),
        ("2010-03-14", 4.5, 1),
    ]
    section = _section(path)
    assert section is not None
    assert "Where the meter has a month's peak itself, that is shown." in _text(section)
    assert [row[1] for row in _tables(section)[0][1:]] == ["3.25", "3.25", "4.50"]
