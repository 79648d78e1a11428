"""Demand registers of P1 telegrams: those of real meters, and damaged ones."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.feeds.serial.telegram import Defaults, parse_telegram
from streamer.readings.meterdemand import MeterDemand, MonthPeak
from tests.feeds.telegrams import BELGIUM, CEST, CET, SPECIFICATION_OF_FLANDERS, V5, telegram

YEAR = (
    "0-0:98.1.0(7)(1-0:1.6.0)(1-0:1.6.0)(231101000000W)(632525252525W)(00.000*kW)"
    "(251001000000S)(250913201500S)(02.508*kW)(251101000000W)(251025123000S)(02.567*kW)"
    "(251201000000W)(251106180000W)(02.918*kW)(260101000000W)(251226153000W)(03.743*kW)"
    "(260201000000W)(260111151500W)(04.563*kW)(260301000000W)(260211100000W)(03.271*kW)"
)
"""Of a meter whose first month never had a peak."""


VERSION = "0-0:96.1.4(50217)"


def _demand(*lines: str, sign: float | None = None) -> MeterDemand | None:
    text = telegram(VERSION, "0-0:1.0.0(260330174629S)", "1-0:1.7.0(00.560*kW)", *lines)
    return parse_telegram(text.rstrip(), Defaults(sign=sign)).demand


def test_the_registers_of_a_real_meter() -> None:
    assert parse_telegram(BELGIUM.rstrip()).demand == MeterDemand(
        0.032,
        MonthPeak(datetime(2022, 12, 3, 17, 30, tzinfo=CET), 3.716),
        (),
        datetime(2022, 12, 20, 20, 45, 56, tzinfo=CET),
    )


@pytest.mark.parametrize(
    ("at", "kw", "so_far_kw"),
    [
        ("20:45:56", 0.524, 0.032),
        ("15:50:56", 0.182, 0.078),
        ("16:21:26", 9.258, 4.065),
    ],
)
def test_the_running_average_of_real_meters_is_of_the_whole_quarter_hour(
    at: str, kw: float, so_far_kw: float
) -> None:
    past = timedelta(minutes=int(at[3:5]) % 15, seconds=int(at[6:]))
    # By the time that has passed, it would be the power itself.
    assert so_far_kw == pytest.approx(kw * (past / timedelta(minutes=15)), rel=0.1)


def test_the_peaks_of_a_year_without_a_month_that_had_none() -> None:
    found = _demand("1-0:1.4.0(00.160*kW)", "1-0:1.6.0(260324190000W)(03.506*kW)", YEAR)
    assert found is not None
    assert found.so_far_kw == 0.16
    assert found.peak == MonthPeak(datetime(2026, 3, 24, 18, 45, tzinfo=CET), 3.506)
    assert [peak.kw for peak in found.months] == [2.508, 2.567, 2.918, 3.743, 4.563, 3.271]
    assert found.months[0].start == datetime(2025, 9, 13, 20, 0, tzinfo=CEST)


def test_the_example_of_the_specification_is_read_as_by_dsmr_parser() -> None:
    parsers = pytest.importorskip("dsmr_parser.parsers")
    specifications = pytest.importorskip("dsmr_parser.telegram_specifications")
    text = SPECIFICATION_OF_FLANDERS
    parser = parsers.TelegramParser(specifications.BELGIUM_FLUVIUS)
    expected = parser.parse(text.decode("ascii"))
    found = parse_telegram(text.rstrip()).demand
    assert found is not None
    assert found.so_far_kw == float(expected.BELGIUM_CURRENT_AVERAGE_DEMAND.value)
    month = expected.BELGIUM_MAXIMUM_DEMAND_MONTH
    past = expected.BELGIUM_MAXIMUM_DEMAND_13_MONTHS
    peaks = [(month.datetime, float(month.value))]
    peaks += [(each.occurred, float(each.value)) for each in past]
    assert found.peak is not None
    assert len(peaks) == 4
    # The times are those at which the quarter-hours had just ended.
    for (ended, kw), peak in zip(sorted(peaks), (*found.months, found.peak), strict=True):
        assert peak.kw == kw
        assert timedelta(minutes=15) <= ended - peak.start < timedelta(minutes=30)
        assert (peak.start.minute % 15, peak.start.second) == (0, 0)


def test_a_meter_without_the_registers_has_none() -> None:
    assert parse_telegram(V5.rstrip()).demand is None


def test_registers_of_another_kind_of_meter_may_be_of_other_periods() -> None:
    text = telegram("1-3:0.2.8(50)", "1-0:1.7.0(00.560*kW)", "1-0:1.4.0(00.160*kW)")
    assert parse_telegram(text.rstrip()).demand is None


def test_powers_in_watts_are_read() -> None:
    found = _demand("1-0:1.4.0(160*W)", "1-0:1.6.0(260324190000W)(3506*W)")
    assert found is not None
    assert found.peak is not None
    assert (found.so_far_kw, found.peak.kw) == (0.16, 3.506)


def test_a_meter_of_the_feed_in_alone_has_no_demand() -> None:
    assert _demand("1-0:1.4.0(00.160*kW)", sign=1.0) is not None
    assert _demand("1-0:1.4.0(00.160*kW)", sign=-1.0) is None


@pytest.mark.parametrize(
    "line",
    [
        "1-0:1.4.0(**.***)",
        "1-0:1.4.0(00.160)",
        "1-0:1.4.0(-0.160*kW)",
        "1-0:1.4.0(00.160*kWh)",
        "1-0:1.6.0(632525252525W)(00.000*kW)",
        "1-0:1.6.0(260324190000W)()",
        "1-0:1.6.0(03.506*kW)",
    ],
)
def test_a_register_that_cannot_be_read_is_missing(line: str) -> None:
    assert _demand(line) is None
    assert _demand(line, "1-0:1.7.0(00.560*kW)") is None


BYTES = st.one_of(st.sampled_from(YEAR), st.sampled_from("()*kWS09.-:\n"))


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 400), BYTES), max_size=10))
def test_damaged_registers_never_stop_the_power(damage: list[tuple[int, str]]) -> None:
    line = f"1-0:1.4.0(00.160*kW)\r\n1-0:1.6.0(260324190000W)(03.506*kW)\r\n{YEAR}"
    for place, character in damage:
        line = line[:place] + character + line[place + 1 :]
    found = _demand(line)
    if found is not None and found.so_far_kw is not None:
        assert found.so_far_kw >= 0.0
    assert found is None or len(found.months) <= 7
