from __future__ import annotations

import math
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import UsageError
from streamer.feeds.address import Address
from streamer.feeds.values import (
    JsonPath,
    MalformedError,
    Power,
    parse_json,
    to_moment,
    to_number,
)

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("unit", "sign", "value", "kw"),
    [("W", "import", 1500.0, 1.5), ("kW", "import", -0.5, -0.5), ("W", "export", 700.0, -0.7)],
)
def test_power_is_kw_and_import_is_positive(unit: str, sign: str, value: float, kw: float) -> None:
    assert Power(unit, sign).kw(value) == pytest.approx(kw, abs=1e-15)


def test_the_unit_is_never_guessed() -> None:
    with pytest.raises(UsageError, match="option unit is missing: give unit=W or unit=kW"):
        Power.of(Address.parse("mqtt://h/t"))
    with pytest.raises(UsageError, match="unit='w': give mW or W or kW"):
        Power.of(Address.parse("mqtt://h/t?unit=w"))
    assert Power.of(Address.parse("mqtt://h/t"), unit="kW") == Power("kW")
    assert Power.of(Address.parse("mqtt://h/t?unit=W&sign=export"), unit="kW") == Power(
        "W", "export"
    )


class TestJsonPath:
    document: ClassVar[Any] = {"a": [{"b": 1}, {"b.c": 2}], "em:0": {"act power": 3}}

    @pytest.mark.parametrize(
        ("path", "value"),
        [("a[0].b", 1), ('a[1]["b.c"]', 2), ("em:0.act power", 3), ("a[-0]", None)],
    )
    def test_a_path_finds_its_value(self, path: str, value: object) -> None:
        if value is None:
            with pytest.raises((ValueError, MalformedError)):
                JsonPath.parse(path).find(self.document)
        else:
            assert JsonPath.parse(path).find(self.document) == value

    def test_the_empty_path_is_the_document(self) -> None:
        assert JsonPath.parse("").find(7) == 7

    @pytest.mark.parametrize("path", ["a..b", "a[", "[]", "a]", "."])
    def test_a_malformed_path_is_a_value_error(self, path: str) -> None:
        with pytest.raises(ValueError, match="is not a path"):
            JsonPath.parse(path)

    @pytest.mark.parametrize("path", ["a[2]", "b", "a.b", "em:0.act power.x", "a[0].b[0]"])
    def test_a_missing_place_is_named(self, path: str) -> None:
        with pytest.raises(MalformedError) as raised:
            JsonPath.parse(path).find(self.document)
        assert str(raised.value) == f"{path} is missing"

    @given(DOCUMENTS, st.text(alphabet='ab.[]0"1', max_size=10))
    def test_any_path_in_any_document_gives_a_value_or_a_malformed_error(
        self, document: Any, text: str
    ) -> None:
        try:
            path = JsonPath.parse(text)
        except ValueError:
            return
        with suppress(MalformedError):
            path.find(document)


def test_invalid_json_is_a_malformed_error() -> None:
    for text in ("", "{", b"\xff\xfe", "[" * 100_000):
        with pytest.raises(MalformedError, match="not JSON"):
            parse_json(text)


class TestNumbers:
    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_numbers_are_read_also_as_text(self, value: float) -> None:
        assert (
            to_number(value) == to_number(repr(value)) == to_number(repr(value).encode()) == value
        )

    @pytest.mark.parametrize(
        "value",
        ["", "x", "1,5", "nan", "inf", math.nan, None, True, [], 10**400, "9" * 400, b"\xff"],
    )
    def test_other_values_are_not_numbers(self, value: object) -> None:
        with pytest.raises(MalformedError, match="is not a number"):
            to_number(value)

    def test_long_values_are_shortened_in_messages(self) -> None:
        with pytest.raises(MalformedError) as caught:
            to_number("x" * 10_000)
        assert len(str(caught.value)) < 100


class TestMoments:
    def test_the_unit_of_an_epoch_follows_from_its_size(self) -> None:
        moment = datetime(2026, 3, 29, 0, 59, 0, tzinfo=UTC)
        seconds = int(moment.timestamp())
        for value in (seconds, seconds * 10**3, seconds * 10**6, seconds * 10**9):
            assert to_moment(value) == to_moment(str(value)) == moment

    @given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)), st.integers(-840, 840))
    def test_iso_8601_with_a_zone_is_converted_to_utc(self, naive: datetime, minutes: int) -> None:
        moment = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
        assert to_moment(moment.isoformat()) == moment

    def test_a_time_without_a_zone_is_local(self) -> None:
        naive = datetime(2026, 6, 1, 12, 0)
        assert to_moment(naive.isoformat()) == naive.astimezone()

    @pytest.mark.parametrize("value", ["", "soon", None, [], "1e400", 1e300, "2026-13-01", -1e18])
    def test_other_values_are_not_times(self, value: object) -> None:
        try:
            moment = to_moment(value)
        except MalformedError:
            return
        assert value == -1e18
        assert moment.tzinfo is UTC

    @given(DOCUMENTS)
    def test_any_value_is_a_moment_or_a_malformed_error(self, value: Any) -> None:
        with suppress(MalformedError):
            assert to_moment(value).tzinfo is UTC
