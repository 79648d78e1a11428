"""Formats of written numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.sources.files.numbers import NumberFormat, recognise_numbers

GROUPS = {".": (",", " ", "'", "\u00a0", "\u202f", ""), ",": (".", " ", "'", "\u2019", "")}


def written(number, decimals, decimal, group):
    text = f"{number:,.{decimals}f}"
    return text.replace(",", "\0").replace(".", decimal).replace("\0", group)


@given(
    number=st.floats(-1e7, 1e7),
    decimals=st.integers(0, 6),
    decimal=st.sampled_from([".", ","]),
    place=st.integers(0, 4),
    unit=st.sampled_from(["", "W", " kW", " kWh"]),
)
def test_numbers_are_read_as_written(number, decimals, decimal, place, unit):
    group = GROUPS[decimal][place]
    text = written(number, decimals, decimal, group) + unit
    assert NumberFormat(decimal).parse(text) == (round(number, decimals), unit.strip())


@given(
    numbers=st.lists(st.floats(-1e5, 1e5), min_size=1, max_size=20),
    decimals=st.sampled_from([1, 2, 4]),
    decimal=st.sampled_from([".", ","]),
    place=st.integers(0, 4),
)
def test_the_decimal_separator_is_recognised(numbers, decimals, decimal, place):
    texts = [written(number, decimals, decimal, GROUPS[decimal][place]) for number in numbers]
    found = recognise_numbers(texts)
    assert found == NumberFormat(decimal)


@given(st.text(max_size=30), st.sampled_from([".", ","]))
def test_any_text_gives_a_finite_number_or_an_error(text, decimal):
    try:
        number, unit = NumberFormat(decimal).parse(text)
    except ValueError:
        return
    assert math.isfinite(number)
    assert any(char.isdigit() for char in text)
    assert unit == unit.strip()


@pytest.mark.parametrize(
    "text", ["", ".", "-", "1.2.3", "1,23.4", "12,3456.7", "1 23", "1__0", "1e999", "1 2 3"]
)
def test_other_texts_are_no_numbers(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the text is the message
        NumberFormat(".").parse(text)


def test_a_column_with_few_numbers_is_not_numeric():
    assert recognise_numbers(["1", "x", "y"]) is None
    assert recognise_numbers(["?", "", "nan"]) is None
    assert recognise_numbers([*"123456789", "x"]) == NumberFormat(".")
