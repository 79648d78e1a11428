from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import UsageError
from streamer.feeds.address import Address
from streamer.feeds.values import ENERGY_UNITS, UNITS, MalformedError, Quantity, is_unknown
from streamer.feeds.values.numbers import split_unit
from streamer.readings import CounterSample, Sample

_VALUES = st.floats(-1e9, 1e9, allow_nan=False)


class TestUnknown:
    @pytest.mark.parametrize(
        "value",
        [None, "", " ", "-", "--", "nan", "NaN", b"nan", math.nan, "-nan", "NULL", "null", "None",
         "unavailable", "Unavailable", "unknown", " UNKNOWN\n", "UNDEF", "undefined", "N/A",
         "inval"],
    )  # fmt: skip
    def test_words_that_report_an_unknown_value(self, value: object) -> None:
        assert is_unknown(value)
        assert math.isnan(Quantity("W").number(value))

    @pytest.mark.parametrize(
        "value", [0, 0.0, "0", False, "-0", "x", [], {}, math.inf, "none at all"]
    )
    def test_other_values_do_not(self, value: object) -> None:
        assert not is_unknown(value)


class TestText:
    @pytest.mark.parametrize(
        ("text", "number", "unit"),
        [
            ("250.3 W", 250.3, "W"),
            ("250.3W", 250.3, "W"),
            ("-0.25 kW", -0.25, "kW"),
            ("+5 W", 5.0, "W"),
            ("\u2212250 W", -250.0, "W"),
            ("250\u00a0W", 250.0, "W"),
            ("1.5e3 W", 1500.0, "W"),
            (".5 kW", 0.5, "kW"),
            ("250,3 W", 250.3, "W"),
            ("0,250 kW", 0.25, "kW"),
            ("1250,25 W", 1250.25, "W"),
            ("1,250.5 W", 1250.5, "W"),
            ("1.250,5 W", 1250.5, "W"),
            ("1250 Watt", 1250.0, "Watt"),
            ("12", 12.0, ""),
            (" 12.5\r\n", 12.5, ""),
        ],
    )
    def test_numbers_with_their_unit(self, text: str, number: float, unit: str) -> None:
        assert split_unit(text) == (number, unit)

    @pytest.mark.parametrize(
        "text", ["1,250 W", "250,3", "1,2,3 W", "1.2.3", "1.2,3,4 W", "W", "on", "0x1F", "12:30",
                 "2026-03-01", "1_000", "1e999", "inf", "Infinity W", ",", "1 2 W", "\u0661"],
    )  # fmt: skip
    def test_what_can_be_read_in_two_ways_or_in_none_is_refused(self, text: str) -> None:
        with pytest.raises(MalformedError) as raised:
            Quantity("W").number(text)
        assert str(raised.value).isprintable()

    @pytest.mark.parametrize(
        ("text", "number"),
        [("250,3", 250.3), ("1.250,5", 1250.5), ("1.250", 1250.0), ("1,250 W", 1.25), ("7", 7.0)],
    )
    def test_a_decimal_comma_that_is_given(self, text: str, number: float) -> None:
        assert split_unit(text, comma=True)[0] == number

    def test_a_decimal_point_is_refused_where_a_comma_is_given(self) -> None:
        with pytest.raises(MalformedError, match="has a point, but decimal=comma is given"):
            split_unit("250.3", comma=True)

    @given(_VALUES, st.sampled_from([*UNITS]))
    def test_a_unit_in_the_text_counts_whatever_the_address_gives(
        self, value: float, unit: str
    ) -> None:
        expected = Quantity(unit).number(value)
        for other in UNITS:
            assert Quantity(other).number(f"{value!r} {unit}") == expected
            assert Quantity(other).number(value, unit) == expected

    @given(_VALUES.map(lambda value: round(value, 2)))
    def test_german_numbers_are_read_with_decimal_comma(self, value: float) -> None:
        german = f"{value:,.2f}".translate(str.maketrans(",.", ".,"))
        assert split_unit(f"{german} W", comma=True) == (value, "W")

    @given(st.text() | st.binary())
    def test_any_text_is_a_number_or_a_malformed_error(self, text: str | bytes) -> None:
        for comma in (False, True):
            with suppress(MalformedError):
                number, unit = split_unit(text, comma=comma)
                assert math.isfinite(number)
                assert not any(map(str.isdigit, unit))


class TestQuantity:
    @pytest.mark.parametrize("text", ["230 V", "5 A", "300 VA", "12 var", "7 %", "3 °C"])
    def test_another_quantity_is_refused_in_one_line(self, text: str) -> None:
        with pytest.raises(MalformedError) as raised:
            Quantity("W").number(text)
        assert str(raised.value) == f"{text!r} is not in a unit of power (mW, W, kW, MW, GW)"

    def test_power_is_no_energy(self) -> None:
        with pytest.raises(MalformedError) as raised:
            Quantity("W").number("1.2 kWh")
        assert str(raised.value) == (
            "'1.2 kWh' is not in a unit of power (mW, W, kW, MW, GW); "
            "if it is an energy register, give unit=kWh"
        )
        with pytest.raises(
            MalformedError, match=r"not in a unit of energy \(Wh, kWh, MWh\); give unit=W"
        ):
            Quantity("kWh").number("250 W")
        with pytest.raises(MalformedError, match="the unit is 'W', not a unit of energy"):
            Quantity("kWh").number(250, "W")

    @pytest.mark.parametrize("unit", ENERGY_UNITS)
    def test_energy_gives_counter_samples(self, unit: str) -> None:
        quantity = Quantity(unit, sign="export")
        assert quantity.item(quantity.number("1.5 kWh")) == CounterSample(-1.5)

    def test_pulses_are_counted(self) -> None:
        quantity = Quantity.of(Address.parse("mqtt://h/t?unit=imp&per_kwh=800&scale=2"))
        assert quantity.item(quantity.number(1200)) == CounterSample(3.0)
        assert quantity.number("1200 imp") == 3.0

    @pytest.mark.parametrize(
        ("options", "kw"),
        [("unit=mW", 1.5e-6), ("unit=W", 1.5e-3), ("unit=kW", 1.5), ("unit=MW", 1500.0),
         ("unit=GW", 1.5e6), ("unit=W&scale=20", 0.03), ("unit=W&sign=export&scale=-1", 1.5e-3)],
    )  # fmt: skip
    def test_unit_sign_and_scale(self, options: str, kw: float) -> None:
        quantity = Quantity.of(Address.parse(f"mqtt://h/t?{options}"))
        item = quantity.item(quantity.number(1.5))
        assert isinstance(item, Sample)
        assert item.kw == pytest.approx(kw)

    @pytest.mark.parametrize(
        ("options", "error"),
        [
            ("", "option unit is missing: give unit=W or unit=kW, or unit=kWh for an energy"),
            (
                "unit=A",
                "option unit='A': give mW or W or kW or MW or GW or Wh or kWh or MWh or imp",
            ),
            ("unit=imp", "option per_kwh is missing: give the number of pulses"),
            ("unit=kWh&per_kwh=1000", "option per_kwh='1000': it is for unit=imp"),
            ("unit=imp&per_kwh=0", "option per_kwh='0': give a number at least 1e-06"),
            ("unit=W&scale=0", "option scale='0': give a number other than 0"),
            ("unit=W&decimal=dot", "option decimal='dot': give point or comma"),
        ],
    )
    def test_wrong_options_are_usage_errors(self, options: str, error: str) -> None:
        with pytest.raises(UsageError) as raised:
            Quantity.of(Address.parse(f"mqtt://h/t?{options}"))
        assert error in str(raised.value)
