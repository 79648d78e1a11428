"""Tests of files of market prices, in the shapes that are found."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from streamer.energy import pricefile
from streamer.energy.pricefile import PriceFile, PriceLayout, read_prices
from streamer.energy.prices import Prices
from streamer.errors import ConfigError

BRUSSELS = ZoneInfo("Europe/Brussels")

ENTSOE = """\
"MTU (CET/CEST)","Area","Sequence","Day-ahead Price (EUR/MWh)","Intraday Price (EUR/MWh)"
"25/10/2025 23:00:00 - 26/10/2025 00:00:00","BZN|BE","Sequence 1","91.50","80"
"26/10/2025 02:00:00 (CEST) - 26/10/2025 03:00:00 (CEST)","BZN|BE","Sequence 1","70","80"
"26/10/2025 02:00:00 (CEST) - 26/10/2025 02:15:00 (CEST)","BZN|BE","Sequence 2","1",""
"26/10/2025 02:00:00 (CET) - 26/10/2025 03:00:00 (CET)","BZN|BE","Sequence 1","-10.25","80"
"26/10/2025 03:00:00 - 26/10/2025 04:00:00","BZN|BE","Sequence 1","n/e","80"
"""
ENTSOE_FORMER = """\
"MTU (CET/CEST)","Day-ahead Price [EUR/MWh]","Currency","BZN|BE"
"30.03.2025 01:00 - 30.03.2025 02:00","91.50","EUR",""
"30.03.2025 02:00 - 30.03.2025 03:00","","EUR",""
"30.03.2025 03:00 - 30.03.2025 04:00","70.00","EUR",""
"""
ELERING = """\
"Ajatempel (UTC)";"Kuupäev (Eesti aeg)";"NPS Eesti"
"1761436800";"26.10.2025 03:00";"70,00"
"1761440400";"26.10.2025 03:00";"-10,25"
"""
ELERING_JSON = {
    "success": True,
    "data": {"ee": [{"timestamp": 1761436800, "price": 70.0}], "fi": []},
}
NORD_POOL = {
    "deliveryDateCET": "2025-10-26",
    "currency": "EUR",
    "multiAreaEntries": [
        {
            "deliveryStart": "2025-10-26T00:00:00Z",
            "deliveryEnd": "2025-10-26T00:15:00Z",
            "entryPerArea": {"BE": 70.0},
        },
        {
            "deliveryStart": "2025-10-26T01:00:00Z",
            "deliveryEnd": "2025-10-26T01:15:00Z",
            "entryPerArea": {"BE": -10.25},
        },
    ],
}
AWATTAR = {
    "object": "list",
    "data": [
        {
            "start_timestamp": 1761436800000,
            "end_timestamp": 1761440400000,
            "marketprice": 70.0,
            "unit": "Eur/MWh",
        },
        {
            "start_timestamp": 1761440400000,
            "end_timestamp": 1761444000000,
            "marketprice": -10.25,
            "unit": "Eur/MWh",
        },
    ],
}
ENERGYZERO = {
    "Prices": [
        {"price": 0.07, "readingDate": "2025-10-26T00:00:00Z"},
        {"price": -0.01025, "readingDate": "2025-10-26T01:00:00Z"},
    ]
}
HASS_NORD_POOL = {
    "BE": [
        {"start": "2025-10-26T00:00:00+00:00", "end": "2025-10-26T01:00:00+00:00", "price": 70.0},
        {"start": "2025-10-26T01:00:00+00:00", "end": "2025-10-26T02:00:00+00:00", "price": -10.25},
    ]
}
HASS_ATTRIBUTES = {
    "raw_today": [{"start": "2025-10-26T02:00:00+02:00", "end": "", "value": 0.07}],
    "raw_tomorrow": [{"start": "2025-10-26T02:00:00+01:00", "end": "", "value": -0.01025}],
    "unit": "kWh",
}
TIBBER = {
    "today": [
        {"total": 0.07, "energy": 0.03, "tax": 0.04, "startsAt": "2025-10-26T02:00:00.000+02:00"}
    ],
    "tomorrow": [
        {"total": -0.01025, "energy": 0, "tax": 0, "startsAt": "2025-10-26T02:00:00.000+01:00"}
    ],
}
ENERGY_CHARTS = {
    "license_info": "",
    "unix_seconds": [1761436800, 1761440400],
    "price": [70.0, -10.25],
    "unit": "EUR / MWh",
}
OCTOPUS = {
    "count": 2,
    "next": None,
    "results": [
        {
            "value_exc_vat": -0.976,
            "value_inc_vat": -1.025,
            "valid_from": "2025-10-26T01:00:00Z",
            "valid_to": "2025-10-26T01:30:00Z",
        },
        {
            "value_exc_vat": 6.667,
            "value_inc_vat": 7.0,
            "valid_from": "2025-10-26T00:00:00Z",
            "valid_to": "2025-10-26T00:30:00Z",
        },
    ],
}
PLAIN = """\
2025-10-26T02:00+02:00,0.07
2025-10-26T02:00+01:00,-0.01025
"""
BARE_LOCAL = """\
start;price per kWh
2025-10-26 01:00;0,09
2025-10-26 02:00;0,07
2025-10-26 02:00;-0,01025
2025-10-26 03:00;0,08
"""
BARE_FALLING = "start;price per kWh\n" + "\n".join(BARE_LOCAL.splitlines()[:0:-1])

SUMMER, WINTER = (int(datetime(2025, 10, 26, n, tzinfo=UTC).timestamp()) // 60 for n in (0, 1))


def _read(tmp_path: Path, content: object, **layout: str | None) -> Prices:
    text = content if isinstance(content, str) else json.dumps(content, indent=1)
    path = tmp_path / "prices"
    path.write_text(text, encoding="utf-8")
    return read_prices(path, PriceLayout(BRUSSELS, **layout))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "layout"),
    [
        (ENTSOE, {}),
        ("\ufeff" + ENTSOE, {}),
        (ELERING, {"unit": "MWh"}),
        (NORD_POOL, {}),
        (AWATTAR, {}),
        (ENERGYZERO, {"unit": "kWh"}),
        (HASS_NORD_POOL, {"unit": "MWh"}),
        (HASS_ATTRIBUTES, {}),
        (TIBBER, {"unit": "kWh"}),
        (ENERGY_CHARTS, {}),
        (PLAIN, {"unit": "kWh"}),
        (BARE_LOCAL, {}),
        (BARE_FALLING, {}),
    ],
    ids=[
        "entsoe", "entsoe-bom", "elering", "nord-pool", "awattar", "energyzero", "hass-nord-pool",
        "hass-attributes", "tibber", "energy-charts", "plain", "local", "local-falling",
    ],
)  # fmt: skip
def test_an_hour_that_comes_twice_has_the_prices_of_both(
    content: object, layout: dict[str, str], tmp_path: Path
) -> None:
    prices = _read(tmp_path, content, **layout)
    assert prices.at(SUMMER) == Decimal("0.07")
    assert prices.at(WINTER) == Decimal("-0.01025")


def test_prices_are_exact_and_an_unknown_one_is_a_gap(tmp_path: Path) -> None:
    prices = _read(tmp_path, ENTSOE)
    assert prices.at(SUMMER - 180) == Decimal("0.0915")
    assert prices.at(SUMMER - 120) is None
    assert prices.at(WINTER + 59) == Decimal("-0.01025")
    assert prices.at(WINTER + 60) is None


def test_prices_of_an_hour_that_does_not_exist_are_left_out(tmp_path: Path) -> None:
    prices = _read(tmp_path, ENTSOE_FORMER)
    first = int(datetime(2025, 3, 30, tzinfo=UTC).timestamp()) // 60
    assert [prices.at(first), prices.at(first + 60)] == [Decimal("0.0915"), Decimal("0.07")]
    assert prices.at(first + 120) is None


def test_quarter_hours_of_nord_pool_end_where_they_end(tmp_path: Path) -> None:
    prices = _read(tmp_path, NORD_POOL)
    assert (prices.at(SUMMER + 14), prices.at(SUMMER + 15)) == (Decimal("0.07"), None)


def test_half_hours_of_octopus_are_in_pence(tmp_path: Path) -> None:
    prices = _read(tmp_path, OCTOPUS, price="value_inc_vat", unit="kWh")
    assert (prices.at(SUMMER), prices.at(SUMMER + 29), prices.at(SUMMER + 30)) == (7, 7, None)
    assert prices.at(WINTER) == Decimal("-1.025")


def test_an_area_is_chosen_by_name(tmp_path: Path) -> None:
    two = dict.fromkeys(("SE3", "SE4"), HASS_NORD_POOL["BE"][:1])
    assert _read(tmp_path, two, unit="MWh", area="SE4").at(SUMMER) == Decimal("0.07")
    entry = {"deliveryStart": "2025-10-26T00:00:00Z", "entryPerArea": {"NL": 1.0, "BE": 70.0}}
    assert _read(tmp_path, {"multiAreaEntries": [entry]}, area="BE").at(SUMMER) == Decimal("0.07")
    areas = ENTSOE.replace('"BZN|BE","Sequence 1","-10.25"', '"BZN|NL","Sequence 1","-10.25"')
    assert _read(tmp_path, areas, area="BE").at(WINTER) is None
    assert _read(tmp_path, ELERING_JSON, unit="MWh", area="ee").at(SUMMER) == Decimal("0.07")


def test_columns_and_keys_are_chosen_by_name(tmp_path: Path) -> None:
    table = "a,when,b\n1,2025-10-26T00:00Z,2\n"
    named = {"time": "when", "price": "b", "unit": "kWh"}
    assert _read(tmp_path, table, **named).at(SUMMER) == 2
    entry = [{"HourUTC": "2025-10-26T00:00:00", "SpotPriceDKK": 500.5, "SpotPriceEUR": 67}]
    found = _read(tmp_path, entry, price="SpotPriceDKK", unit="MWh")
    assert found.at(SUMMER) == Decimal("0.5005")


@pytest.mark.parametrize(
    ("content", "layout", "message"),
    [
        ("", {}, "no prices in it"),
        ("start,price per kWh\n", {}, "no prices in it"),
        ("a,b\n1,2\n", {}, ":2: no start time in this line"),
        ("2025-10-26T02:00Z,1\n2025-10-26T03:00Z\n", {"unit": "kWh"}, ":2: 1 columns, 2 expected"),
        ("2025-10-26T02:00Z,1\n", {}, 'unit = "MWh" or unit = "kWh"'),
        ("2025-10-26T02:00Z,1\nx,2\n", {"unit": "kWh"}, ":2: 'x' is not a time"),
        ("2025-10-26T02:00Z,1\n2025-10-26T03:00Z,x\n", {"unit": "kWh"}, ":2: 'x' is not a price"),
        ("2025-10-26T02:05Z,1\n", {"unit": "kWh"}, "not the start of a quarter-hour"),
        ("2025-10-26T02:00Z,99999\n", {"unit": "kWh"}, "check the unit"),
        ("2025-10-26T02:00Z,1e99999\n", {"unit": "kWh"}, "is not a price"),
        (
            "2025-10-26T02:00Z,1\n2025-10-26T02:00Z,2\n",
            {"unit": "kWh"},
            "two prices for 2025-10-26",
        ),
        ("2025-03-30 02:30,1\n", {"unit": "kWh"}, "does not exist in Europe/Brussels"),
        ("0001-01-01T00:00,1\n", {"unit": "kWh"}, "out of bounds"),
        ("start,x,y\n2025-10-26T02:00Z,1,2\n", {"unit": "kWh"}, "name one with price_column: x, y"),
        ("start,x\n2025-10-26T02:00Z,a\n", {"unit": "kWh"}, "no column of prices"),
        ("start,x\n2025-10-26T02:00Z,1\n", {"time": "at"}, "no column 'at'; columns: start, x"),
        ("[", {}, ":1: not valid JSON"),
        pytest.param("[" * 100_000, {}, "nested too deeply", id="nested"),
        ('[{"price": 1}]', {}, "entry 1: no start time; name its key with time_column: price"),
        (
            '[{"time": "2025-10-26T02:00Z"}]',
            {},
            "entry 1: no price; name its key with price_column",
        ),
        ('[{"time": "x", "price": 1}]', {"unit": "kWh"}, "entry 1: 'x' is not a time"),
        ({"a": [{}], "b": [{}]}, {}, "several lists of prices; choose one with area: a, b"),
        (
            {"multiAreaEntries": [{"deliveryStart": "", "entryPerArea": {"NL": 1, "BE": 2}}]},
            {},
            "several price areas; choose one with area: BE, NL",
        ),
        ("{}", {}, "no prices in it"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_place(
    content: object, layout: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        _read(tmp_path, content, **layout)
    assert str(caught.value).startswith(str(tmp_path / "prices"))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    layout = PriceLayout(BRUSSELS)
    for path, message in (
        (tmp_path / "none.csv", "No such file"),
        (tmp_path, "Is a directory"),
        (Path("a\0b"), "null"),
    ):
        with pytest.raises(ConfigError, match=message):
            read_prices(path, layout)
    (tmp_path / "latin.csv").write_bytes(b"\xe9,1\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_prices(tmp_path / "latin.csv", layout)


def test_a_file_that_grows_is_read_again_when_a_later_price_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("2025-10-26T00:00Z,1\n", encoding="utf-8")
    now_s = 1000.0
    monkeypatch.setattr(pricefile.time, "monotonic", lambda: now_s)
    prices = PriceFile(path, PriceLayout(BRUSSELS, "kWh"))
    assert (prices.at(SUMMER), prices.at(WINTER)) == (1, None)
    path.write_text("2025-10-26T00:00Z,1\n2025-10-26T01:00Z,x", encoding="utf-8")
    now_s += 60.0
    assert (prices.at(SUMMER), prices.at(WINTER)) == (1, None)  # it is not whole yet
    path.write_text("2025-10-26T00:00Z,1\n2025-10-26T01:00Z,2\n", encoding="utf-8")
    os.utime(path, ns=(1, 1))
    assert prices.at(WINTER) is None  # looked at a moment ago
    now_s += 60.0
    assert prices.at(WINTER) == 2
    path.unlink()
    now_s += 60.0
    assert (prices.at(SUMMER), prices.at(WINTER + 60)) == (1, None)


_CELLS = st.sampled_from(
    [
        "2025-10-26T02:00",
        "26/10/2025 02:00:00 (CET)",
        "1761436800",
        "0.1",
        "-5,5",
        "price",
        "MWh",
        "",
    ]
)
_LINES = st.lists(st.lists(_CELLS, max_size=4).map(",".join), max_size=6).map("\n".join)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _CELLS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["start", "price", "unit", "end", "entryPerArea", "unix_seconds"]),
            inner,
        )
    ),
    max_leaves=5,
)


@given(text=_LINES | _VALUES.map(json.dumps))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(text='[{"start": "99999999999999", "price": "1"}]')
@example(text='"')
@example(text="[{}, 5]")
def test_any_text_gives_prices_or_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "any"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    problem, prices = "", Prices((), (), ())
    try:
        prices = read_prices(path, PriceLayout(BRUSSELS, "MWh"))
    except ConfigError as error:
        problem = str(error)
    assert bool(problem) == (not prices.starts)
    assert problem.isprintable()
    assert list(prices.starts) == sorted(set(prices.starts))
    assert all(a < b for a, b in zip(prices.starts, prices.ends, strict=True))
