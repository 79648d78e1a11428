from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import UsageError
from streamer.feeds.address import Address
from streamer.feeds.values import (
    JsonLayout,
    JsonPath,
    MalformedError,
    MissingError,
    PathSum,
    Quantity,
)
from streamer.feeds.values.direction import Direction
from streamer.feeds.values.paths import with_contents
from streamer.readings import Sample

DOCUMENT: Any = {
    "a": 1,
    "b": [{"p": 2}, {"p": 3, "type": "net"}, {"p": 4, "type": "total"}],
    "": {"x": 5},
    "c.d": {"e,f": 6, "g]": 7, 'h"i': 8, "*": 9, "j k": 10},
    "phases": {"l1": {"w": 11}, "l2": {"w": 12}},
}


def layout(**parts: str | None) -> JsonLayout:
    paths = {name: PathSum.parse(text) for name, text in parts.items() if text is not None}
    direction = paths.pop("sign_path", None)
    return JsonLayout(
        Quantity("kW"), direction=None if direction is None else Direction(direction), **paths
    )


class TestPlaces:
    @pytest.mark.parametrize(
        ("text", "values"),
        [
            ("a", [1]),
            ("a,b[0].p", [1, 2]),
            ("b[*].p", [2, 3, 4]),
            ("b.*.p", [2, 3, 4]),
            ("b[type=net].p", [3]),
            ("b[type=TOTAL].p,b[type=net].p", [4, 3]),
            ("b[p=4].type", ["total"]),
            ("phases[*].w", [11, 12]),
            ("phases.*.w", [11, 12]),
            ('[""].x', [5]),
            ("[''].x", [5]),
            ('["c.d"]["e,f"]', [6]),
            ('["c.d"]["g]"]', [7]),
            (r'["c.d"]["h\"i"]', [8]),
            ("""['c.d']['h"i']""", [8]),
            ('["c.d"]["*"]', [9]),
            ('["c.d"].j k', [10]),
            ("zz|a", [1]),
            ("zz|b[*].p,a", [2, 3, 4, 1]),
            ("a,zz?", [1]),
            ("zz|yy?,a", [1]),
        ],
    )
    def test_places_of_a_sum(self, text: str, values: list[object]) -> None:
        assert [place.value for place in PathSum.parse(text).places(DOCUMENT)] == values

    @pytest.mark.parametrize(
        ("text", "missing"),
        [
            ("zz", "zz is missing"),
            ("a,zz", "zz is missing"),
            ("zz|yy", "zz or yy is missing"),
            ("b[3].p", "b[3].p is missing"),
            ("b[*].type", "b[*].type is missing"),
            ("b[type=solar].p", "b[type=solar].p is missing"),
            ("a[*]", "a[*] is missing"),
            ("a[0]", "a[0] is missing"),
            ("b.0", "b.0 is missing"),
        ],
    )
    def test_a_missing_place_is_named(self, text: str, missing: str) -> None:
        with pytest.raises(MissingError) as raised:
            PathSum.parse(text).places(DOCUMENT)
        assert str(raised.value) == missing

    @pytest.mark.parametrize(
        "text", [",", "a,", ",a", "a|", "|a", "?", "a??", "a?b", "a[", 'a["b]', "a[=x]", "a,,b",
                 "a[-1]", "a" + ",a" * 200],
    )  # fmt: skip
    def test_other_texts_are_no_paths(self, text: str) -> None:
        with pytest.raises(ValueError, match="is not a path"):
            PathSum.parse(text)

    def test_an_address_with_such_a_text_is_a_usage_error(self) -> None:
        with pytest.raises(UsageError, match="option minus='a,': 'a,' is not a path"):
            PathSum.of(Address.parse("mqtt://h/t?minus=a,"), "minus")

    def test_too_many_places_are_refused(self) -> None:
        with pytest.raises(MalformedError, match="more than 1000 places"):
            PathSum.parse("[*][*]").places([[1] * 100] * 100)

    def test_a_time_is_in_one_place(self) -> None:
        with pytest.raises(MalformedError, match="in several places"):
            JsonPath.parse("[*]").find([1, 2])

    @given(
        st.lists(st.sampled_from(["a", "[0]", "[*]", '["."]', "|", ",", "?", ".", "*", "[k=v]"])),
        st.recursive(
            st.none() | st.floats() | st.text(max_size=3),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["a", ".", "k"]), inner)
            ),
            max_leaves=10,
        ),
    )
    def test_any_path_in_any_document_gives_a_value_or_a_malformed_error(
        self, pieces: list[str], document: Any
    ) -> None:
        try:
            paths = PathSum.parse("".join(pieces))
        except ValueError:
            return
        with suppress(MalformedError):
            number = JsonLayout(Quantity("W"), paths, minus=paths).number(document)
            assert math.isnan(number) or number == 0


def test_a_missing_place_is_reported_with_those_of_numbers() -> None:
    document = {"t": "on", "state": "250 W", "a b": [{"c.d": 5}], "\x1b": 6, "x": True, "y": None}
    text = with_contents(MissingError("p is missing"), document)
    assert text == 'p is missing; it contains state, a b[0]["c.d"]'
    assert with_contents(MissingError("p is missing"), {"t": "on"}) == "p is missing"


class TestSums:
    def test_wildcards_and_lists_are_added(self) -> None:
        assert layout(path="b[*].p,a").number(DOCUMENT) == 10
        assert layout(path="b[*].p", minus="a,[''].x").number(DOCUMENT) == 3

    def test_an_absent_minus_is_zero_only_where_it_is_optional(self) -> None:
        assert layout(path="a", minus="out?").number({"a": 1}) == 1
        with pytest.raises(MissingError, match="out is missing"):
            layout(path="a", minus="out").number({"a": 1})

    def test_a_sum_of_optional_places_needs_one_of_them(self) -> None:
        assert layout(path="a?,z?").number(DOCUMENT) == 1
        with pytest.raises(MissingError):
            layout(path="y?,z?").number(DOCUMENT)

    @pytest.mark.parametrize("unknown", [None, "unavailable", math.nan, ""])
    def test_an_unknown_part_makes_the_sum_unknown(self, unknown: object) -> None:
        for parts in ({"path": "a,b"}, {"path": "a", "minus": "b"}, {"path": "a", "minus": "b?"}):
            assert math.isnan(layout(**parts).number({"a": 1, "b": unknown}))

    def test_a_part_that_is_malformed_is_named(self) -> None:
        with pytest.raises(MalformedError, match="'x' is not a number"):
            layout(path="a,b").number({"a": 1, "b": "x"})

    @given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9))
    def test_a_sum_is_that_of_its_parts(self, values: list[float]) -> None:
        document = json.loads(json.dumps({"p": values}))
        found = layout(path="p[*]").number(document)
        assert found == pytest.approx(math.fsum(values), abs=1e-6)

    def test_marks_of_validity_end_the_value(self) -> None:
        both = layout(path="e[*].p", valid="e[*].ok")
        assert both.number({"e": [{"p": 1, "ok": True}, {"p": 2, "ok": True}]}) == 3
        for bad in (False, 0, None, "no"):
            found = both.number({"e": [{"p": 1, "ok": True}, {"p": 2, "ok": bad}]})
            assert math.isnan(found)


class TestUnitBeside:
    @pytest.mark.parametrize(
        ("document", "path", "kw"),
        [
            ({"value": 250, "unit": "W"}, "value", 0.25),
            ({"state": "250", "attributes": {"unit_of_measurement": "W"}}, "state", 0.25),
            ({"v": 250, "u": "Watts"}, "v", 0.25),
            ({"power": 250, "unit": "W"}, "power", 0.25),
            # The unit may be that of another value.
            ({"power": 0.25, "unit": "°C"}, "power", 0.25),
            ({"value": "250 W", "unit": "kW"}, "value", 0.25),
        ],
    )
    def test_it_counts_before_that_of_the_address(
        self, document: Any, path: str, kw: float
    ) -> None:
        assert layout(path=path).read(document) == Sample(kw)

    @pytest.mark.parametrize("unit", ["A", "kWh", "VA", "°C", "w"])
    def test_another_quantity_is_refused(self, unit: str) -> None:
        with pytest.raises(MalformedError, match=f"the unit is '{unit}', not a unit of power"):
            layout(path="value").read({"value": 5, "unit": unit})


class TestDirection:
    @pytest.mark.parametrize(
        ("word", "sign"),
        [("producing", -1), ("consuming", 1), ("EXPORT", -1), ("import", 1), ("reverse", -1),
         ("forward", 1), ("out", -1), ("in", 1), ("-", -1), ("+", 1), (-1, -1)],
    )  # fmt: skip
    def test_usual_words(self, word: object, sign: float) -> None:
        found = layout(path="p", sign_path="f").number({"p": 5, "f": word})
        assert found == 5 * sign
        # Some firmware sends the sign as well.
        assert layout(path="p", sign_path="f").number({"p": -5, "f": word}) == 5 * sign

    @pytest.mark.parametrize("word", [True, False, 0, 1, 2, "sideways", [], {}])
    def test_anything_else_is_never_guessed(self, word: object) -> None:
        with pytest.raises(MalformedError, match=r"f is .*; give export_if= with"):
            layout(path="p", sign_path="f").number({"p": 5, "f": word})

    @pytest.mark.parametrize(
        ("meaning", "word", "sign"),
        [("true", True, -1), ("true", False, 1), ("false", False, -1), ("1", 1, -1), ("1", 0, 1),
         ("2,3", 3, -1), ("2,3", 1, 1), ("<0", -0.5, -1), ("<0", 0.5, 1), ("up", "UP", -1),
         ("up", "down", 1)],
    )  # fmt: skip
    def test_values_that_are_given(self, meaning: str, word: object, sign: float) -> None:
        address = Address.parse(f"mqtt://h/t?sign_path=f&export_if={meaning}")
        direction = Direction.of(address)
        assert direction is not None
        assert direction.signs({"f": word}, 1) == [sign]

    def test_one_direction_for_all_powers_or_one_for_each(self) -> None:
        document = {"a": 5, "b": 3, "x": "export", "y": "import"}
        assert layout(path="a,b", sign_path="x").number(document) == -8
        assert layout(path="a,b", sign_path="x,y").number(document) == -2
        with pytest.raises(MalformedError, match="has 2 directions for 1 values"):
            layout(path="a", sign_path="x,y").number(document)

    def test_an_unknown_or_missing_direction_ends_the_value(self) -> None:
        assert math.isnan(layout(path="p", sign_path="f").number({"p": 5, "f": "unknown"}))
        with pytest.raises(MissingError, match="f is missing"):
            layout(path="p", sign_path="f").number({"p": 5})

    @pytest.mark.parametrize("options", ["export_if=true", "sign_path=f&export_if=,"])
    def test_wrong_options_are_usage_errors(self, options: str) -> None:
        with pytest.raises(UsageError, match="option export_if="):
            Direction.of(Address.parse(f"mqtt://h/t?{options}"))
