"""Tests of costs against bills that are computed minute by minute, in whole numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from streamer.energy.cost import Accounts, bill, costs, rounded
from streamer.energy.prices import Prices, TwoPricesError
from streamer.energy.tariff import PeakCharge, Period, Rate, Tariff
from streamer.readings.demand import QuarterHour
from tests.energy.streams import euros, minutes, naive_minutes, quarter_hours

BRUSSELS = ZoneInfo("Europe/Brussels")
WEEKS = {
    "spring": (datetime(2026, 3, 23, tzinfo=BRUSSELS), datetime(2026, 3, 30, tzinfo=BRUSSELS)),
    "autumn": (datetime(2026, 10, 19, tzinfo=BRUSSELS), datetime(2026, 10, 26, tzinfo=BRUSSELS)),
    "summer": (datetime(2026, 6, 15, tzinfo=BRUSSELS), datetime(2026, 6, 22, tzinfo=BRUSSELS)),
}
DAY = Period(Decimal("0.3017"), frozenset(range(5)), 7 * 60, 22 * 60)
NIGHT = Decimal("0.2243")


@cache
def _minutes(week: str) -> list[datetime]:
    return list(minutes(*WEEKS[week]))


@cache
def _rows(week: str) -> list[QuarterHour]:
    return quarter_hours(iter(_minutes(week)), _watts)


def _watts(at: datetime) -> int:
    """A house with a boiler at night, sun at noon, and some unevenness."""
    uneven = (at.minute * 37 + at.hour * 11 + at.day * 7) % 400
    if 10 <= at.hour < 15:
        return uneven - 1500
    return uneven + (2400 if at.hour in (2, 3, 23) else 180)


def _spot(hour_utc: int) -> int:
    """Price of a quarter-hour of the market in thousandths of a euro per MWh, below 0 at times."""
    return (hour_utc * 7919) % 211_000 - 31_000


def _market(first: datetime, last: datetime, step: int) -> Prices:
    start, end = (int(at.timestamp()) // 60 for at in (first, last))
    rows = [(at, None, Decimal(_spot(at // step)).scaleb(-6)) for at in range(start, end, step)]
    return Prices.of(rows)


@pytest.mark.parametrize(
    ("week", "bill_of_1_kw"), [("spring", "40.90"), ("autumn", "41.30"), ("summer", "41.10")]
)
def test_a_constant_load_costs_what_counting_the_hours_gives(week: str, bill_of_1_kw: str) -> None:
    """75 hours of day at 0.30, and 92, 94 or 93 of night and weekend at 0.20."""
    periods = (Period(Decimal("0.30"), frozenset(range(5)), 7 * 60, 22 * 60),)
    tariff = Tariff("t", zone=BRUSSELS, energy=Rate(Decimal("0.20"), periods))
    rows = quarter_hours(iter(_minutes(week)), lambda at: 1000)
    found = bill(rows, tariff)
    assert found.energy is not None
    assert str(rounded(found.energy)) == bill_of_1_kw
    assert (found.feed_in, found.unpriced_minutes) == (0, 0)


@pytest.mark.parametrize(
    ("week", "offsets"), [("spring", False), ("autumn", False), ("autumn", True)]
)
def test_day_night_and_weekend_to_the_cent(week: str, offsets: bool) -> None:
    tariff = Tariff(
        "t",
        zone=BRUSSELS,
        energy=Rate(NIGHT, (DAY,), plus=Decimal("0.0494"), tax=Decimal("1.06")),
        feed_in=Rate(NIGHT, (DAY,), plus=Decimal("-0.20")),
    )
    drawn = fed_in = Fraction(0)
    for at in _minutes(week):
        day = at.isoweekday() <= 5 and "07:00" <= at.strftime("%H:%M") < "22:00"
        millionths = 301_700 if day else 224_300
        watts = _watts(at)
        if watts > 0:
            drawn += Fraction(watts * (millionths + 49_400) * 106, 100)
        else:
            fed_in += -watts * (millionths - 200_000)
    found = bill(quarter_hours(iter(_minutes(week)), _watts, offsets=offsets), tariff)
    assert found.energy is not None
    scale = 60_000 * 1_000_000
    assert str(rounded(found.energy)) == euros(drawn / scale)
    assert str(rounded(found.feed_in)) == euros(fed_in / scale)


@pytest.mark.parametrize(("week", "step"), [("spring", 60), ("autumn", 60), ("autumn", 15)])
def test_prices_of_the_market_to_the_cent(week: str, step: int) -> None:
    market = _market(*WEEKS[week], step)
    tariff = Tariff(
        "t",
        zone=BRUSSELS,
        energy=Rate(
            market=market, times=Decimal("1.02"), plus=Decimal("0.14"), tax=Decimal("1.06")
        ),
        feed_in=Rate(market=market, plus=Decimal("-0.012")),
    )
    drawn = fed_in = Fraction(0)
    for at in _minutes(week):
        millionths = _spot(int(at.timestamp()) // 60 // step)
        watts = _watts(at)
        if watts > 0:
            drawn += watts * (Fraction(102, 100) * millionths + 140_000) * Fraction(106, 100)
        else:
            fed_in += -watts * (millionths - 12_000)
    found = bill(_rows(week), tariff)
    assert found.energy is not None
    scale = 60_000 * 1_000_000
    assert str(rounded(found.energy)) == euros(drawn / scale)
    assert str(rounded(found.feed_in)) == euros(fed_in / scale)
    assert found.unpriced_minutes == 0


def test_a_stream_without_a_zone_is_in_that_of_the_tariff() -> None:
    """The clock of a meter without a zone goes from 01:59 to 03:00, as summer time begins."""
    first, last = (at.replace(tzinfo=None) for at in WEEKS["spring"])
    gone = datetime(2026, 3, 29, 2), datetime(2026, 3, 29, 3)
    times = [at for at in naive_minutes(first, last) if not gone[0] <= at < gone[1]]
    market = _market(*WEEKS["spring"], 60)
    tariff = Tariff("t", zone=BRUSSELS, energy=Rate(market=market))
    naive = bill(quarter_hours(iter(times), _watts), tariff)
    aware = bill(_rows("spring"), tariff)
    assert naive == aware


def test_periods_of_a_stream_in_utc_are_those_of_the_zone_of_the_tariff() -> None:
    first, last = WEEKS["autumn"]
    tariff = Tariff("t", zone=BRUSSELS, energy=Rate(NIGHT, (DAY,)))
    utc = quarter_hours(minutes(first.astimezone(UTC), last), lambda at: 700)
    local = quarter_hours(iter(_minutes("autumn")), lambda at: 700)
    assert bill(utc, tariff) == bill(local, tariff)


def test_minutes_without_a_price_are_left_out_and_counted() -> None:
    first, last = datetime(2026, 6, 15, tzinfo=UTC), datetime(2026, 6, 15, 2, tzinfo=UTC)
    market = _market(first, first + timedelta(hours=1), 60)
    tariff = Tariff("t", zone=UTC, energy=Rate(market=market, times=Decimal(0), plus=Decimal(1)))
    found = bill(quarter_hours(minutes(first, last), lambda at: 1000), tariff)
    assert (found.energy, found.minutes, found.unpriced_minutes) == (1, 120, 60)


def _month(at: datetime, watts: int | None = 1000) -> list[QuarterHour]:
    first = at.replace(day=1, hour=0, minute=0)
    return quarter_hours(minutes(first, at + timedelta(minutes=1)), lambda each: watts)


TARIFF = Tariff(
    "t",
    energy=Rate(Decimal("0.30")),
    feed_in=Rate(Decimal("-0.05")),
    peak=PeakCharge(Decimal("48.00"), floor_kw=2.5),
    per_month=Decimal("6.20"),
    per_year=Decimal("73.00"),
)


def test_the_month_so_far_has_energy_peak_and_standing_charge() -> None:
    at = datetime(2026, 3, 10, 11, 59, tzinfo=BRUSSELS)
    found = costs(_month(at), at, TARIFF, month_peak_kw=3.75)
    assert found.energy == Decimal("68.40")  # nine days and a half of 24 kWh at 0.30
    assert found.today == Decimal("3.60")
    assert found.peak_part == Decimal("15.00")  # 3.75 kW at 48 a year
    assert found.standing == Decimal("4.00")  # ten days at 0.20 a day each, twice
    assert found.month == Decimal("87.40")
    assert found.feed_in == 0
    assert found.per_hour == Decimal("0.300")
    assert (found.today_unknown_minutes, found.month_unknown_minutes) == (0, 0)
    assert (found.today_unpriced_minutes, found.month_unpriced_minutes) == (0, 0)


@pytest.mark.parametrize(("peak", "part"), [(None, "10.00"), (2.0, "10.00"), (2.5004, "10.00")])
def test_no_peak_is_charged_below_the_floor(peak: float | None, part: str) -> None:
    at = datetime(2026, 3, 10, 12, tzinfo=BRUSSELS)
    assert costs([], at, TARIFF, peak).peak_part == Decimal(part)


def test_export_may_cost() -> None:
    at = datetime(2026, 3, 1, 9, 59, tzinfo=BRUSSELS)
    found = costs(_month(at, -2000), at, TARIFF, None)
    assert (found.energy, found.feed_in, found.today) == (0, Decimal("-1.00"), Decimal("1.00"))
    assert found.per_hour == Decimal("0.100")
    assert str(costs(_month(at), at, TARIFF, None, now_kw=0.0).per_hour) == "0.000"
    assert costs(_month(at), at, TARIFF, None, now_kw=-4.0).per_hour == Decimal("0.200")


def test_minutes_that_were_not_measured_are_flagged_and_not_made_up() -> None:
    at = datetime(2026, 10, 26, 11, 59, tzinfo=BRUSSELS)

    def watts(each: datetime) -> int | None:
        return None if each.day == 25 or (each.hour == 3 and each.minute < 20) else 1000

    first = at.replace(day=1, hour=0, minute=0)
    rows = quarter_hours(minutes(first, at + timedelta(minutes=1)), watts)
    found = costs(rows, at, TARIFF, None)
    assert found.today_unknown_minutes == 20
    assert found.month_unknown_minutes == 25 * 60 + 25 * 20  # the 25th has 25 hours
    assert found.today == rounded(Decimal("0.30") * (12 * 60 - 20) / 60)


def test_a_month_begins_on_its_first_however_long_the_rows_go_back() -> None:
    at = datetime(2026, 4, 1, 0, 59, tzinfo=BRUSSELS)
    rows = quarter_hours(minutes(at - timedelta(days=2), at + timedelta(minutes=1)), lambda _: 500)
    found = costs(rows, at, TARIFF, None)
    assert (found.energy, found.today) == (Decimal("0.15"), Decimal("0.15"))
    assert found.month_unknown_minutes == 0


def test_later_rows_are_left_out() -> None:
    at = datetime(2026, 10, 25, 2, 14, tzinfo=BRUSSELS, fold=0)
    rows = quarter_hours(minutes(at.replace(hour=0, minute=0), at + timedelta(hours=5)), _watts)
    until = quarter_hours(minutes(at.replace(hour=0, minute=0), at + timedelta(minutes=1)), _watts)
    assert costs(rows, at, TARIFF, None) == costs(until, at, TARIFF, None)


def test_without_prices_of_energy_only_the_peak_is_known() -> None:
    at = datetime(2026, 3, 10, 12, tzinfo=BRUSSELS)
    tariff = Tariff("t", peak=PeakCharge(Decimal(56), floor_kw=2.5))
    found = costs(_month(at), at, tariff, 4.0)
    assert found.peak_part == Decimal("18.67")
    assert (found.per_hour, found.today, found.month, found.energy) == (None,) * 4
    assert costs(_month(at, -500), at, tariff, 4.0).per_hour is None


def test_nothing_is_known_before_the_first_reading() -> None:
    at = datetime(2026, 3, 1, 0, 0, tzinfo=BRUSSELS)
    found = costs([], at, Tariff("t", energy=Rate(Decimal(1))), None)
    assert (found.per_hour, found.today, found.month, found.peak_part) == (None, 0, 0, None)
    assert (found.today_unknown_minutes, found.month_unknown_minutes) == (1, 1)


def test_days_that_are_over_are_computed_once_and_anew_if_they_change() -> None:
    first = datetime(2026, 10, 24, tzinfo=BRUSSELS)
    rows = quarter_hours(minutes(first, first + timedelta(days=10)), _watts)
    accounts = Accounts(TARIFF)
    for index in (3, 120, 121, 400, 700, 705, 959):
        at = rows[index].start + timedelta(minutes=14)
        assert accounts.costs(rows[: index + 1], at, 3.0) == costs(rows, at, TARIFF, 3.0)
    late = [row._replace(import_kwh=1.0) if n == 800 else row for n, row in enumerate(rows)]
    assert accounts.costs(late, at, 3.0) == costs(late, at, TARIFF, 3.0)
    assert accounts.costs(late, at, 3.0) != accounts.costs(rows, at, 3.0)


def test_a_day_whose_prices_come_later_is_computed_anew() -> None:
    first = datetime(2026, 10, 5, tzinfo=UTC)
    at = first + timedelta(days=2)
    rows = quarter_hours(minutes(first, at), lambda _: 1000)
    known: dict[int, Decimal] = {}

    class Market:
        def at(self, minute: int) -> Decimal | None:
            return known.get(minute)

    accounts = Accounts(Tariff("t", zone=UTC, energy=Rate(market=Market())))
    assert accounts.costs(rows, at, None).month_unpriced_minutes == 2 * 1440
    known |= {int(row.start.timestamp()) // 60: Decimal(1) for row in rows}
    found = accounts.costs(rows, at, None)
    assert (found.energy, found.month_unpriced_minutes) == (48, 0)


@pytest.mark.parametrize(
    ("minute", "price"), [(-1, None), (0, 1), (59, 1), (60, 2), (75, 3), (90, None), (600, 4)]
)
def test_prices_hold_as_long_as_their_market_has_intervals(minute: int, price: int | None) -> None:
    rows = [(60, None, 2), (0, None, 1), (75, None, 3), (600, 720, 4)]
    prices = Prices.of((start, end, Decimal(value)) for start, end, value in rows)
    assert prices.at(minute) == price
    assert prices.at(719) == 4
    assert prices.at(720) is None


def test_two_prices_for_one_instant_are_an_error() -> None:
    with pytest.raises(TwoPricesError, match="15"):
        Prices.of([(15, None, Decimal(1)), (15, None, Decimal(2))])
