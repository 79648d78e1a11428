"""Tests of tariff files: what they mean, and what is wrong with them."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from streamer.energy import tarifffile
from streamer.energy.tariff import Tariff
from streamer.energy.tarifffile import presets, read_tariff
from streamer.errors import ConfigError

BRUSSELS = ZoneInfo("Europe/Brussels")
ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "tariffs.md"
ENERGY_CODE = ROOT / "streamer" / "energy"
WHOLE = """\
currency = "CHF"
zone = "Europe/Zurich"
vat_percent = 8.1

[energy]
price = 0.20
plus = 0.10
[[energy.periods]]
days = "mon-fri, sun"
from = "07:00"
to = 21:00:00
price = 0.30
[[energy.periods]]
days = ["sat"]
from = "22:00"
to = "06:00"
price = 0.10

[feed_in]
less = 0.25

[peak]
price_per_kw_month = 5
floor_kw = 1.5
minutes = 60
net = true

[fixed]
per_month = 10
per_year = 36.5
"""


def _read(tmp_path: Path, text: str, prices: str | None = None) -> Tariff:
    path = tmp_path / "tariff.toml"
    path.write_text(text, encoding="utf-8")
    if prices is not None:
        (tmp_path / "prices.csv").write_text(prices, encoding="utf-8")
    return read_tariff(str(path))


@pytest.mark.parametrize(
    ("at", "price"),
    [
        ("2026-06-15T06:45", "0.20"),  # a Monday
        ("2026-06-15T07:00", "0.30"),
        ("2026-06-15T20:45", "0.30"),
        ("2026-06-15T21:00", "0.20"),
        ("2026-06-20T05:45", "0.10"),  # a Saturday, from midnight on
        ("2026-06-20T06:00", "0.20"),
        ("2026-06-20T22:00", "0.10"),
        ("2026-06-21T05:45", "0.20"),  # a Sunday
        ("2026-06-21T07:00", "0.30"),
    ],
)
def test_every_key_has_its_meaning(at: str, price: str, tmp_path: Path) -> None:
    tariff = _read(tmp_path, WHOLE)
    start = datetime.fromisoformat(at)
    found = tariff.import_price(start)
    assert found == (Decimal(price) + Decimal("0.10")) * Decimal("1.081")
    assert tariff.feed_in_price(start) == Decimal(price) - Decimal("0.25")
    assert (tariff.currency, tariff.zone) == ("CHF", ZoneInfo("Europe/Zurich"))
    assert tariff.peak is not None
    assert tariff.peak.price_per_kw_year == 60 * Decimal("1.081")
    assert (tariff.peak.floor_kw, tariff.peak.minutes, tariff.peak.net) == (1.5, 60, True)
    assert (tariff.per_month, tariff.per_year) == (Decimal("10.81"), Decimal("39.4565"))


def test_tax_may_differ_from_table_to_table(tmp_path: Path) -> None:
    text = "vat_percent = 21\n[energy]\nprice = 1\nvat_percent = 0\n"
    text += "[feed_in]\nprice = 1\nvat_percent = 6\n[fixed]\nper_year = 100\n"
    tariff = _read(tmp_path, text)
    at = datetime(2026, 6, 15)
    assert tariff.import_price(at) == 1
    assert tariff.feed_in_price(at) == Decimal("1.06")
    assert tariff.per_year == 121


def test_prices_of_the_market_lie_beside_the_tariff(tmp_path: Path) -> None:
    text = 'zone = "Europe/Brussels"\n[energy]\nfile = "prices.csv"\nunit = "MWh"\ntimes = 1.02\n'
    text += "plus = 0.01\n[feed_in]\nless = 0.03\n"
    tariff = _read(tmp_path, text, "2026-06-15 00:00,100\n2026-06-15 01:00,-20\n")
    start = datetime(2026, 6, 15, 0, 45)
    assert tariff.import_price(start) == Decimal("0.112")
    assert tariff.feed_in_price(start) == Decimal("0.07")
    assert tariff.import_price(start.replace(hour=1)) == Decimal("-0.0104")
    assert tariff.import_price(start.replace(hour=3)) is None
    assert tariff.feed_in_price(start.replace(hour=3)) is None


def test_a_file_of_ones_own_adds_to_a_preset(tmp_path: Path) -> None:
    shipped = read_tariff("vlaanderen")
    assert shipped.name == "vlaanderen"
    assert shipped.peak is not None
    own = _read(tmp_path, 'base = "vlaanderen"\n[energy]\nprice = 0.3\n')
    assert (own.peak, own.zone, own.currency) == (shipped.peak, BRUSSELS, "€")
    assert own.energy is not None
    month = _read(tmp_path, 'base = "vlaanderen"\n[peak]\nprice_per_kw_month = 5\n')
    assert month.peak is not None
    assert (month.peak.price_per_kw_year, month.peak.floor_kw) == (60, 2.5)


@pytest.mark.parametrize("name", presets())
def test_a_preset_says_when_its_prices_were_true_and_where_they_are_from(name: str) -> None:
    text = (ENERGY_CODE / "presets" / f"{name}.toml").read_text("utf-8")
    assert "Source: " in text
    assert "2026" in text
    assert read_tariff(name).peak is not None


ENERGY = "[energy]\n"
PERIOD = "[energy]\nprice = 1\n[[energy.periods]]\nprice = 2\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "x: unknown key; known keys: currency, zone, vat_percent, energy"),
        ("", "no prices in it; add a table [energy] or [peak]"),
        ("x", "not valid TOML"),
        ("a = " + 5000 * "9", "Exceeds the limit"),
        ("curency = 1", "curency: unknown key; did you mean currency?"),
        ("currency = 3", "currency = 3: give a text in quotes"),
        ('zone = "../etc"', 'zone = "../etc": give the name of a time zone'),
        ('zone = "Europe"', "give the name of a time zone"),
        ("vat_percent = -1", "vat_percent = -1: give a number from 0 to 1,000,000"),
        ("energy = 5", "energy = 5: begin a table with a line [energy]"),
        (ENERGY, "[energy]: no price; add price = 0.25"),
        (ENERGY + 'price = "0.3"', 'price = "0.3": give a number without quotes'),
        (ENERGY + "price = true", "price = true: give a number"),
        (ENERGY + "price = nan", "give a number from"),
        (ENERGY + "price = 1e999999", "price = …: give a number from"),
        (ENERGY + "price = 0.1234567891", "give at most 9 decimals"),
        (ENERGY + "price = 1\nfile = 'x'", "time zone; add a line"),
        (ENERGY + "price = 1\nunit = 'MWh'", "[energy]: no file of prices"),
        (ENERGY + "price = 1\nunit = 'GWh'", 'unit = "GWh": give "kWh" or "MWh"'),
        (ENERGY + "price = 1\npirce = 2", "[energy] pirce: unknown key; did you mean price?"),
        (ENERGY + "periods = 3", "begin each with a line [[energy.periods]]"),
        (PERIOD + "days = 'today'", 'days = "today": give "weekdays", "weekend"'),
        (PERIOD + "days = [1]", 'days = 1: give "weekdays"'),
        (PERIOD + "days = 5", 'days = 5: give "weekdays"'),
        (PERIOD + "from = '7:10'", 'from = "7:10": give a full quarter-hour'),
        (PERIOD + "from = '25:00'", "give a full quarter-hour"),
        (PERIOD + "to = 24:15:00", "not valid TOML"),
        (PERIOD + "to = '24:15'", "give a full quarter-hour"),
        (PERIOD + "from = '24:00'", 'give "00:00" for midnight'),
        (PERIOD + "from = '07:00'\nto = '07:00'", "give a time other than that of from"),
        ("[energy]\n[[energy.periods]]\ndays = 'sat'", "period 1: no price; add price"),
        (
            "[energy]\n[[energy.periods]]\ndays = 'weekend'\nprice = 1",
            "[energy]: no price on mon at 00:00; add price",
        ),
        ("[feed_in]\n", "[feed_in]: no price; add less = 0.02"),
        ("[feed_in]\nless = 1\nplus = 1", "[feed_in] plus: does not go with less"),
        ("[feed_in]\nless = 1", "needs the price of energy"),
        ("[peak]\nfloor_kw = 2.5", "give either price_per_kw_year or price_per_kw_month"),
        ("[peak]\nprice_per_kw_year = 5\nminutes = 30", "minutes = 30: give 15 or 60"),
        ("[peak]\nprice_per_kw_year = 5\nnet = 1", "net = 1: give false or true"),
        ("[peak]\nprice_per_kw_year = -5", "price_per_kw_year = -5: give a number from 0"),
        ("[fixed]\nper_day = 5", "per_day: unknown key; did you mean per_year?"),
        ('base = "x"', "unknown preset; presets: vlaanderen"),
        ("base = []", "unknown preset; presets: vlaanderen"),
        ('zone = "Europe/Brussels"\n[energy]\nfile = "none.csv"', "none.csv: No such file"),
        ("a = " + 2000 * "[", "nested too deeply"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_place(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        _read(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path))
    assert message in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    (tmp_path / "large.toml").write_bytes(b"#" * (1 << 20) + b"\n")
    for name, message in (
        (str(tmp_path), "Is a directory"),
        (f"{tmp_path}/none.toml", "file not found; give a TOML file, or one of: vlaanderen"),
        (f"{tmp_path}/latin.toml", "not UTF-8"),
        (f"{tmp_path}/large.toml", "too large for a tariff"),
        ("~nobody-of-that-name/t.toml", "home directory"),
        ("a\0b", "null"),
    ):
        with pytest.raises(ConfigError, match=message):
            read_tariff(name)


_NAMES = """
base currency zone vat_percent energy feed_in peak fixed price periods file unit times plus less
from to days price_per_kw_year minutes net floor_kw per_month
"""
_KEYS = st.sampled_from(_NAMES.split())
_VALUES = st.one_of(
    st.sampled_from(
        ['"vlaanderen"', '"Europe/Brussels"', '"22:00"', '"mon-fri"', "7:00", "07:00:00", "true"]
    ),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["[]", "{}", "[{price = 1}]", "1e400", '"\\u001b[2J"', "1979-05-27"]),
)
_LINES = st.one_of(
    st.sampled_from(["[energy]", "[feed_in]", "[peak]", "[fixed]", "[[energy.periods]]"]),
    st.builds("{} = {}".format, _KEYS, _VALUES),
)


def test_a_system_without_time_zones_is_said_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tarifffile, "available_timezones", set)
    with pytest.raises(ConfigError, match="install tzdata"):
        _read(tmp_path, 'zone = "Europe/Nowhere"')


@given(lines=st.lists(_LINES, max_size=8))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(lines=['zone = ""'])
@example(lines=['zone = "\\u0000"'])
@example(lines=["zone = 1", "[energy]", "price = inf"])
def test_any_text_gives_a_tariff_or_one_line(lines: list[str], tmp_path: Path) -> None:
    problem, tariff = "", None
    try:
        tariff = _read(tmp_path, "\n".join(lines))
    except ConfigError as error:
        problem = str(error)
    assert problem.isprintable()
    if tariff is None:
        assert problem.startswith(str(tmp_path))
    else:
        start = datetime(2026, 6, 15, tzinfo=BRUSSELS)
        price = tariff.import_price(start)
        assert (price is not None) == (tariff.energy is not None)
        assert price is None or price.is_finite()


def test_every_tariff_in_the_documentation_can_be_read(tmp_path: Path) -> None:
    blocks = re.findall(r"^```toml\n(.*?)^```$", DOCS.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 3
    prices = "MTU (UTC),Price (EUR/MWh)\n15/06/2026 00:00,100\n"
    for block in blocks:
        tariff = _read(tmp_path, block, prices)
        assert tariff.import_price(datetime(2026, 6, 15, 2, tzinfo=BRUSSELS)) is not None


def test_every_key_is_documented() -> None:
    text = DOCS.read_text("utf-8")
    code = "".join(path.read_text("utf-8") for path in sorted(ENERGY_CODE.glob("tariff*.py")))
    keys = set(re.findall(r"\.(?:text|number|choice|take|percent)\(\s*\"(\w+)\"", code))
    assert {"price", "periods", "price_per_kw_year", "net", "per_month"} <= keys
    assert not [key for key in keys if f"`{key}`" not in text]
