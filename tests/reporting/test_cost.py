"""Cost of a period and its month in a report, against bills computed minute by minute."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from streamer.energy.tariff import PeakCharge, Period, Rate, Tariff
from streamer.recording.database import open_for_writing
from streamer.reporting import DAY, MONTH, WEEK, render_report
from streamer.reporting.cost import cost
from streamer.reporting.data import read_period
from streamer.reporting.loads import section_of
from tests.reporting.recordings import START, ZONE, Row, minutes, record, unix
from tests.reporting.test_demand import add, interval

NIGHT = Period(Decimal("0.20"), start=22 * 60, end=7 * 60)
TARIFF = Tariff(
    "house",
    zone=ZONE,
    energy=Rate(fixed=Decimal("0.30"), periods=(NIGHT,)),
    feed_in=Rate(fixed=Decimal("0.05")),
    peak=PeakCharge(Decimal(60), floor_kw=2.5),
    per_month=Decimal("3.10"),
)

DAYS = 12
"""The clock is set forward on the tenth."""


def _rows(days: int = DAYS) -> list[Row]:
    """Minutes with export at noon, a peak each evening, and a gap."""
    kw = []
    for minute in range(1440 * days):
        hour = minute // 60 % 24
        value = -1.5 if hour == 12 else 0.25 + minute % 5 / 10
        kw.append(value + (4.0 if minute % 1440 in range(1110, 1125) else 0.0))
    kw[3000:3100] = [float("nan")] * 100
    return minutes(kw)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("days") / "house.db", _rows())


def _cost(
    path: Path, tariff: Tariff = TARIFF, *, period: str = DAY, until: datetime | None = None
) -> tuple[list[list[str]], str]:
    """Rows of the section, and its caption."""
    recorded = read_period(path, period, until, energies=True)
    assert recorded.energies is not None
    section = ET.fromstring(cost(recorded, recorded.energies, tariff))  # noqa: S314
    rows = [["".join(cell.itertext()) for cell in row] for row in section.iter("tr")]
    return rows[1:], section.findtext("table/caption") or ""


def _energy(rows: Iterable[Row]) -> tuple[Decimal, Decimal]:
    """What some minutes cost and earn, to the cent."""
    drawn = fed = Decimal(0)
    for row in rows:
        night = row.at.hour >= 22 or row.at.hour < 7
        kwh = Decimal(str(row.kw)) / 60
        drawn += max(kwh, Decimal(0)) * Decimal("0.20" if night else "0.30")
        fed += max(-kwh, Decimal(0)) * Decimal("0.05")
    return drawn, fed


def _cells(*values: Decimal) -> list[str]:
    cents = (value.quantize(Decimal("0.01"), ROUND_HALF_UP) for value in values)
    return [str(value).replace("-", "−") for value in cents]


@pytest.mark.parametrize(("period", "days"), [(DAY, 1), (WEEK, 7), (MONTH, 31)])
def test_a_period_costs_what_its_minutes_do(path: Path, period: str, days: int) -> None:
    rows, _ = _cost(path, period=period)
    end = _rows()[-1].at + timedelta(minutes=1)
    drawn, fed = _energy(row for row in _rows() if row.at >= end - timedelta(days=days))
    assert rows[0][1:] == [*_cells(drawn, -fed), "", "", *_cells(drawn - fed)]


def test_a_month_has_its_peak_and_standing_charge(path: Path) -> None:
    rows, caption = _cost(path)
    drawn, fed = _energy(_rows())
    # The highest quarter-hour, 18:30 to 18:45, of 4.45 kW; all days have begun, by an hour.
    peak, standing = Decimal("4.45") * 60 / 12, Decimal("3.10")
    assert rows[1] == [
        "March 2010 up to then",
        *_cells(drawn, -fed, peak, standing, drawn - fed + peak + standing),
    ]
    assert "The month's peak is 4.45\xa0kW so far." in caption
    missing = 18 * 1440 + 100
    assert f"{missing:,} minutes of the month are missing" in caption


def test_a_period_ends_within_a_quarter_hour(path: Path) -> None:
    until = START + timedelta(days=2, hours=18, minutes=37)
    rows, _ = _cost(path, until=until)
    chosen = [row for row in _rows() if row.at < until]
    drawn, fed = _energy(row for row in chosen if row.at >= until - timedelta(days=1))
    assert rows[0][1:3] == _cells(drawn, -fed)
    drawn, fed = _energy(chosen)
    assert rows[1][1:3] == _cells(drawn, -fed)


def test_a_recorded_peak_counts_where_no_minutes_are(path: Path, tmp_path: Path) -> None:
    other = record(tmp_path / "house.db", _rows(2))
    add(other, [interval(START - timedelta(days=3), 6.0)])
    rows, _ = _cost(other)
    assert rows[1][3] == "30.00"
    # That of another month does not.
    add(other, [interval(START - timedelta(days=30), 9.0)])
    assert _cost(other)[0][1][3] == "30.00"


def test_a_tariff_without_a_price_of_energy_has_the_peak_alone(path: Path) -> None:
    peak = PeakCharge(Decimal(60), minutes=60)
    rows, caption = _cost(path, Tariff("peak <only>", peak=peak))
    # From 18:00 to 19:00, a quarter of the minutes are 4 kW higher.
    assert rows[1][1:] == ["–", "0.00", f"{(Decimal('0.45') + 1) * 5:.2f}", "0.00", "–"]
    assert rows[0][1:] == ["–", "0.00", "", "", "–"]
    assert "under the tariff peak <only>" in caption
    assert "It has no price of energy." in caption


def test_minutes_without_a_price_are_left_out(path: Path) -> None:
    class Unknown:
        def at(self, minute: int) -> Decimal | None:
            return None if minute % 60 < 30 else Decimal("0.1")

    _, caption = _cost(path, Tariff("market", energy=Rate(market=Unknown())))
    assert "Minutes for which the price is not known are left out." in caption


def test_a_page_has_the_cost_if_there_is_a_tariff(tmp_path: Path) -> None:
    path = record(tmp_path / "house.db", minutes([0.5] * 60))
    assert "<h2>Cost</h2>" in render_report(path, tariff=TARIFF)
    assert "<h2>Cost</h2>" not in render_report(path)
    assert read_period(path, DAY, None).energies is None


def test_loads_are_counted_by_size(tmp_path: Path) -> None:
    path = record(tmp_path / "house.db", minutes([0.5] * 600))
    connection = open_for_writing(path)
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO switching_events VALUES (?, ?, ?)",
        [(unix(START) + 600 * n, 2.1 + n / 100, unix(START) + 600 * n + 240) for n in range(9)]
        + [(unix(START) + 90, 7.0, unix(START) + 90 + 3600), (unix(START) + 30_000, 5.0, None)]
        + [(unix(START) - 9000, 5.0, unix(START) - 60)],
    )
    connection.execute("COMMIT")
    connection.close()
    recorded = read_period(path, DAY, None)
    assert len(recorded.loads) == 10
    section = section_of(recorded.loads, recorded.clock)
    assert section is not None
    text = re.sub(r"<[^>]*>", "|", section)
    assert "10 loads of the house were switched" in text
    found = [cell for cell in text.split("|") if cell]
    place = found.index("1.95 to 2.44\xa0kW")
    assert found[place + 1 : place + 5] == ["9", "4\xa0min", "36\xa0min", "1.3"]
    place = found.index("7.00\xa0kW")
    assert found[place + 1 : place + 3] == ["19\xa0Mar 00:01", "1\xa0h"]


def test_a_period_without_loads_has_no_section(path: Path) -> None:
    recorded = read_period(path, DAY, None)
    assert section_of(recorded.loads, recorded.clock) is None
