"""Tests of the choice of horizons."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.display.horizons import CHOICES, SHOWN, horizons_text, parse_horizons


def test_the_default_can_be_chosen() -> None:
    assert parse_horizons(horizons_text(SHOWN)) == SHOWN


@given(st.lists(st.sampled_from(CHOICES), min_size=1))
def test_horizons_are_in_rising_order_and_each_once(minutes: list[int]) -> None:
    assert parse_horizons(" , ".join(map(str, minutes))) == tuple(sorted(set(minutes)))


@given(st.sets(st.sampled_from(CHOICES)))
def test_horizons_survive_being_written(minutes: set[int]) -> None:
    assert parse_horizons(horizons_text(sorted(minutes))) == tuple(sorted(minutes))


@pytest.mark.parametrize(
    "text",
    ["", "0", "16", "60,", "5;15", "5.0", "+5", "05", "none,5", "\N{ARABIC-INDIC DIGIT FIVE}"],
)
def test_what_is_no_horizon_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a horizon; give minutes from 1 to 15"):
        parse_horizons(text)


@given(st.text())
def test_any_text_is_horizons_or_one_printable_line_of_error(text: str) -> None:
    try:
        found = set(parse_horizons(text))
    except ValueError as error:
        found = set() if str(error).isprintable() else {text}
    assert found <= set(CHOICES)
