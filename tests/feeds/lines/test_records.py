from __future__ import annotations

import json
import math
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import UsageError
from streamer.feeds.address import Address
from streamer.feeds.lines.records import FORMATS, MAX_RECORDS, RecordParser
from streamer.feeds.lines.sides import Body, Records
from streamer.feeds.values import MalformedError, Quantity
from streamer.feeds.values.quantity import MissingUnitError
from streamer.readings import CounterSample, Sample

AT = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)


def _records(options: str) -> RecordParser:
    return RecordParser.of(Address.parse(f"stdin:?{options}"))


def _read_body(options: str, text: str) -> Body:
    return Records.of(Address.parse(f"stdin:?{options}")).read_body(text)


@pytest.mark.parametrize(
    ("options", "line", "sample"),
    [
        ("unit=W", "250", Sample(0.25)),
        ("unit=kW", " -0.25 \r", Sample(-0.25)),
        ("unit=W&sign=export", "250", Sample(-0.25)),
        ("unit=W", "2026-03-29T01:59:00+01:00 250", Sample(0.25, AT)),
        ("unit=W", "2026-03-29 00:59:00Z\t250", Sample(0.25, AT)),
        ("unit=W", "2026-03-29T00:59:00Z,250", Sample(0.25, AT)),
        ("unit=W", "2026-03-29T00:59:00Z; 250", Sample(0.25, AT)),
        ("unit=W", "1774745940 250", Sample(0.25, AT)),
        ("unit=W", "1774745940.0,250", Sample(0.25, AT)),
        ("unit=W", "1774745940000;250", Sample(0.25, AT)),
        ("", '{"power_w": 250}', Sample(0.25)),
        ("", '{"power_kw": "0.25", "time": "2026-03-29T00:59:00Z"}', Sample(0.25, AT)),
        ("unit=kW", '{"power_w": 250, "at": 1774745940}', Sample(0.25, AT)),
        ("", '{"power": 250, "unit": "W", "timestamp": 1774745940000}', Sample(0.25, AT)),
        ("unit=kW", '{"value": 250, "unit": "W"}', Sample(0.25)),
        ("unit=kW", '{"power_w": 250, "value": 7}', Sample(0.25)),
        ("unit=W", '{"value": 250, "time": null}', Sample(0.25)),
        ("unit=W&path=em[1].p&time=em[0]", '{"em": [1774745940, {"p": 250}]}', Sample(0.25, AT)),
        ("unit=W&path=[1]", "[1774745940, 250]", Sample(0.25)),
        ("path=em.power_w", '{"em": {"power_w": 250}, "unit": "Hz"}', Sample(0.25)),
        ("unit=W&format=json&path=", "250", Sample(0.25)),
        ("sign=export", '{"power_kw": 0.25}', Sample(-0.25)),
        ("", "house power_w=250i", Sample(0.25)),
        ("", "house power_kw=0.25 1774745940000000000", Sample(0.25, AT)),
        ("precision=s", "house power_kw=0.25 1774745940", Sample(0.25, AT)),
        ("", "house,unit=W power=250", Sample(0.25)),
        ("unit=W", "house value=250", Sample(0.25)),
        ("unit=W&field=p", "house,unit=Hz p=250,value=50", Sample(0.25)),
        ("field=power_kw", "house power_w=250,power_kw=0.25", Sample(0.25)),
        ("unit=W&measurement=a&tags=b%3Dc", "a,b=c,d=e value=250", Sample(0.25)),
        ("unit=W", "250.3 W", Sample(0.2503)),
        ("unit=W", "0.25 kW", Sample(0.25)),
        ("unit=mW", "12340", Sample(0.01234)),
        ("unit=W", "2026-03-29T00:59:00Z 0.25 kW", Sample(0.25, AT)),
        ("unit=W&decimal=comma", "250,5", Sample(0.2505)),
        ("unit=W&decimal=comma", "2026-03-29T00:59:00Z;1.250,5", Sample(1.2505, AT)),
        ("unit=W&scale=2", "250", Sample(0.5)),
        ("unit=W&path=a,b[*]&minus=c?", '{"a": 1, "b": [2, 3]}', Sample(0.006)),
        ("unit=W&path=p&sign_path=d", '{"p": 5, "d": "export"}', Sample(-0.005)),
        ("unit=W&minus=out?", '{"value": 5, "out": 7}', Sample(-0.002)),
        ("unit=W&field=l1,l2,l3?", "m l1=100,l2=150", Sample(0.25)),
        ("unit=W&field=in&minus=out", "m in=100,out=350", Sample(-0.25)),
        ("unit=W&field=p", "cpu usage=3.2", None),
        ("unit=kW", '{"value": 250, "unit_of_measurement": "W"}', Sample(0.25)),
        ("unit=kWh", "1000.01", CounterSample(1000.01)),
        ("unit=Wh&sign=export", "2026-03-29T00:59:00Z 500", CounterSample(-0.5, AT)),
        ("unit=imp&per_kwh=1000", '{"value": 250}', CounterSample(0.25)),
        ("unit=kWh", '{"energy_wh": 250}', CounterSample(0.25)),
        ("unit=kWh", "m,unit=Wh value=250", CounterSample(0.25)),
        ("unit=W", "", None),
        ("unit=W", " \t ", None),
        ("unit=W", "# time power", None),
        ("measurement=a", "b power_w=250", None),
        ("tags=b%3Dc", "a,b=d power_w=250", None),
        ("tags=b%3Dc", "a other=1", None),
    ],
)
def test_records_of_each_format_are_read(
    options: str, line: str, sample: Sample | CounterSample | None
) -> None:
    assert _records(options).read(line) == sample


@pytest.mark.parametrize(
    "line",
    [
        '{"power_w": null}',
        '{"value": null, "unit": "W"}',
        '{"power_w": NaN}',
        '{"value": "unavailable"}',
        '{"value": ""}',
        "nan",
        "NULL",
        "-",
        "unknown",
        "2026-03-29T00:59:00Z nan",
        "2026-03-29T00:59:00Z,",
        'house value="unavailable"',
        "house value=nan",
        "house value=unavailable",
    ],
)
def test_an_unknown_power_is_nan(line: str) -> None:
    sample = _records("unit=W").read(line)
    assert isinstance(sample, Sample)
    assert math.isnan(sample.kw)
    assert sample.at == (AT if line.startswith("2026") else None)


@pytest.mark.parametrize(
    ("options", "line", "error"),
    [
        ("unit=W", "on", "'on' is not a number"),
        ("unit=W", "250 VA", "'250 VA' is not in a unit of power (mW, W, kW, MW, GW)"),
        ("unit=kWh", "250 W", "'250 W' is not in a unit of energy (Wh, kWh, MWh)"),
        ("unit=W", "1,250 W", "'1' is not a time"),
        ("unit=W", "inf", "'inf' is not a number"),
        ("unit=W", "time,power", "'time' is not a time"),
        ("unit=W", "2026-03-29 01:59:00", "'01:59:00' is not a number"),
        # Read as a time with a decimal comma, this would be 5 W in the year 1970.
        ("unit=W", "230,5", "'230' is not a time; decimals need a point, or give decimal=comma"),
        ("unit=W", "1.234,5", "'1.234' is not a time; decimals need a point, or give decimal="),
        ("unit=W", "2026-03-29T00:59:00Z;250,5 W", ";250' is not a time; decimals need a point"),
        ("unit=W", "noon 5", "'noon' is not a time"),
        ("", '{"power_w": "on"}', "'on' is not a number"),
        ("", '{"power_w": true}', "True is not a number"),
        ("", '{"power_w": [250]}', "[250] is not a number"),
        ("", '{"power_w": 1, "time": "noon"}', "'noon' is not a time"),
        (
            "",
            '{"power_w": 1, "power_kw": 1}',
            "it has both power_kw and power_w; choose one with path=",
        ),
        (
            "unit=W",
            '{"power": 1, "value": 1}',
            "it has both power and value; choose one with path=",
        ),
        ("", '{"power_w": 1, "unit": "kW"}', "it has power_w, but the unit kW"),
        ("", '{"value": 1, "unit": "kw"}', "the unit is 'kw', not a unit of power (mW, W, kW"),
        ("", '{"value": 1, "unit": {}}', "the unit is {}, not a unit of power"),
        ("unit=W", '{"watts": 1}', "power_kw, power_w, power or value is missing"),
        ("unit=W", "[1]", "the record is not a JSON object"),
        ("unit=W", "{", "not JSON: "),
        ("unit=W", "[" * 5000, "not JSON: "),
        ("unit=W&path=a.b", '{"a": 1}', "a.b is missing"),
        ("unit=W&time=t", '{"value": 1}', "t is missing"),
        ("unit=W", "power=1", "a space and fields are missing at the end"),
        ("unit=W", 'house value="on"', "'on' is not a number"),
        ("unit=W", "house value=t", "True is not a number"),
        ("", "house power_w=1 1774745940", "1774745940 is not a time in ns; give precision="),
        ("precision=s", "house power_w=1 1774745940000000000", "is not a time in s"),
        ("unit=W&field=p&minus=q", "house p=1", "q is missing"),
        ("format=influx", "250", "a space and fields are missing at the end"),
        ("unit=W&format=number", '{"power_w":1}', "is not a number"),
        ("format=json", "house power_w=1", "not JSON: "),
    ],
)
def test_malformed_records_give_the_reason(options: str, line: str, error: str) -> None:
    with pytest.raises(MalformedError) as raised:
        _records(options).read(line)
    assert error in str(raised.value)
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("line", ["250", '{"value": 250}', "house value=250"])
def test_the_unit_is_never_guessed(line: str) -> None:
    with pytest.raises(MissingUnitError, match="unit=W or unit=kW"):
        _records("").read(line)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ("unit=w", "option unit='w': give mW or W or kW"),
        ("unit=W&format=xml", "option format='xml': give auto or number or json or influx"),
        ("unit=W&path=a..b", "option path='a..b': 'a..b' is not a path"),
        ("unit=W&time=[x]", "option time='[x]': '[x]' is not a path"),
        (
            "unit=W&tags=host",
            "option tags='host': an equals sign is missing at the end; write it like",
        ),
        ("unit=W&precision=d", "option precision='d': give ns"),
        ("unit=W&sign=up", "option sign='up': give import or export"),
        ("format=number", "option unit is missing"),
        ("path=a.b", "option unit is missing"),
        ("field=p", "option unit is missing"),
        ("unit=W&format=number&path=a", "option path='a': it is for format=json; leave it out"),
        ("format=json&tags=a%3Db", "option tags='a=b': it is for format=influx; leave it out"),
    ],
)
def test_wrong_options_are_usage_errors(options: str, error: str) -> None:
    with pytest.raises(UsageError) as raised:
        _records(options)
    assert error in str(raised.value)


@pytest.mark.parametrize(
    "body",
    [
        '[{"power_w": 1}, {"power_w": 2}]',
        ' \n{"power_w": 1}',
        "house power_w=1\n\n# a comment\nhouse power_w=2\n",
        "1\r\n2\r\n",
    ],
)
def test_a_body_of_several_records_is_read(body: str) -> None:
    found = _read_body("unit=W", body)
    assert found.problems == []
    assert found.items in ([Sample(0.001)], [Sample(0.001), Sample(0.002)])


@pytest.mark.parametrize(
    ("body", "taken", "error"),
    [
        ("on", 0, "'on' is not a number"),
        ("1\non\noff", 1, "record 2: 'on' is not a number"),
        ('[{"power_w": 1}, 2]', 1, "record 2: the record is not a JSON object"),
        ('[{"power_w": 1}, {"power_w": null}, {}]', 2, "record 3: power_kw, power_w, power or"),
        ("cpu usage=3.2 1\nmeter power_w=5", 1, "record 1: power_kw, power_w, power or value"),
    ],
)
def test_malformed_records_do_not_lose_the_others(body: str, taken: int, error: str) -> None:
    found = _read_body("unit=W", body)
    assert len(found.items) == taken
    assert str(found.problems[0]).startswith(error)


def test_points_without_the_field_are_skipped() -> None:
    found = _read_body(
        "unit=W&field=power&precision=s",
        "cpu,host=a usage=3.2 1795908000\nmeter,host=a power=251 1795908000\n",
    )
    assert found.problems == []
    assert [item.kw for item in found.items if isinstance(item, Sample)] == [0.251]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", "the body is empty"),
        (" \n", "the body is empty"),
        ("[", "not JSON"),
        (
            "1\n" * (MAX_RECORDS + 1),
            f"the body has {MAX_RECORDS + 1} records; send at most {MAX_RECORDS}",
        ),
    ],
)
def test_a_body_that_cannot_be_read_is_malformed(body: str, error: str) -> None:
    with pytest.raises(MalformedError) as raised:
        _read_body("unit=W", body)
    assert str(raised.value).startswith(error)


_NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)
_MOMENTS = st.datetimes(datetime(2001, 9, 10), datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)


@given(_NUMBERS, _MOMENTS, st.sampled_from([" ", ",", ";", "\t", " ; "]))
def test_all_formats_give_the_same_sample(watts: float, at: datetime, separator: str) -> None:
    records = RecordParser(quantity=Quantity("W"))
    nanoseconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // (datetime.resolution) * 1000
    lines = [
        f"{at.isoformat()}{separator}{watts!r}",
        json.dumps({"time": at.isoformat(), "power_w": watts}),
        f"house power_w={watts!r} {nanoseconds}",
    ]
    wanted = Sample(watts / 1000, at)
    for line, kind in zip(lines, FORMATS[1:], strict=True):
        strict = RecordParser(format=kind, quantity=Quantity("W"))
        for sample in (records.read(line), strict.read(line)):
            assert sample is not None
            assert sample.at == wanted.at
            assert math.isclose(sample.kw, wanted.kw, rel_tol=1e-12)


_PIECES = st.sampled_from(
    [*'{}[]:,"= ;\t\n#\\.-', "power_w", "value", "unit", "W", "time", "1774745940", "0", "e9"]
)


@given(
    st.text() | st.lists(_PIECES, max_size=30).map("".join),
    st.sampled_from(["", "unit=W", "unit=W&path=a[0]", "unit=W&field=p", "tags=a%3Db", "time=t"]),
)
def test_any_line_is_a_sample_or_a_malformed_error(line: str, options: str) -> None:
    records = _records(options)
    samples, problems = [], []
    for read in (
        lambda text: [records.read(text)],
        lambda text: Records(records).read_body(text).items,
    ):
        try:
            samples += read(line)
        except MalformedError as error:
            problems.append(str(error))
    assert all(error.isprintable() for error in problems)
    for sample in filter(None, samples):
        assert isinstance(sample, Sample)
        assert not math.isinf(sample.kw)
        assert sample.at is None or sample.at.tzinfo is not None


@pytest.mark.parametrize(
    "line",
    ["," * 65000, "a," * 32000, ", " * 32000 + "x", " ;x" * 20000, 'a b="' + '\\"' * 32000,
     "a b=" + "\\" * 65000, "a" + ",b=c" * 16000 + " d=1", "a " + "b=1," * 16000, "{" * 65000],
)  # fmt: skip
def test_parsing_takes_linear_time(line: str) -> None:
    started = time.thread_time()
    with pytest.raises(MalformedError):
        _records("unit=W").read(line)
    assert time.thread_time() - started < 2.0  # milliseconds; minutes if it were quadratic
