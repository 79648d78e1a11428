"""Tests of the formulas of derived meters."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import UsageError
from streamer.sources.derived import Formula

NAMES = ("grid", "solar", "Küche", "l_1")
KW = {"grid": 0.1, "solar": 2.3, "Küche": -0.7, "l_1": 1e-3}

_NUMBERS = st.sampled_from(("2", "0.5", "3.", ".25", "10"))
_SUMS = st.recursive(
    st.sampled_from(NAMES),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from((" + ", "-", " - ")), inner).map(
            lambda parts: f"({''.join(parts)})"
        ),
        st.tuples(_NUMBERS, st.sampled_from(("*", " * ")), inner).map("".join),
        st.tuples(inner, _NUMBERS).map(lambda parts: f"{parts[0]} *{parts[1]}"),
        inner.map(lambda text: f"-{text}"),
    ),
    max_leaves=8,
)


def _exact(text: str) -> dict[str, Fraction]:
    """Factor of each name, by Python's own parser and exact arithmetic."""
    found = {}
    for name in NAMES:
        others = dict.fromkeys(NAMES, Fraction(0))
        found[name] = eval(text, {}, {**others, name: Fraction(1)})  # noqa: S307
    return {name: Fraction(factor) for name, factor in found.items() if factor}


def _parsed(text: str) -> Formula | str:
    """The formula, or the error about it."""
    try:
        return Formula.parse(text)
    except UsageError as error:
        return str(error)


@given(_SUMS)
def test_formulas_have_the_factors_of_python_expressions(text: str) -> None:
    wanted, formula = _exact(text), _parsed(text)
    if isinstance(formula, str):
        used = {name for name in NAMES if name in text}
        assert "has no effect" in formula or "nested" in formula
        assert len(wanted) < len(used) or text.count("(") + text.count("-") > 10
        return
    assert {name: Fraction(factor) for name, factor in formula.terms} == wanted
    exact = sum((factor * Fraction(KW[name]) for name, factor in wanted.items()), Fraction(0))
    assert math.isclose(formula.value(KW), float(exact), rel_tol=1e-12, abs_tol=1e-12)


@given(_SUMS)
def test_a_shown_formula_is_the_same_formula(text: str) -> None:
    formula = _parsed(text)
    assert isinstance(formula, str) or Formula.parse(str(formula)) == formula


@given(st.text(max_size=40) | st.text(alphabet="ab_ 1.+-*()", max_size=40))
def test_any_text_is_a_formula_or_an_error_on_one_line(text: str) -> None:
    formula = _parsed(text)
    if not isinstance(formula, str):
        assert formula.terms
        assert all(math.isfinite(factor) and factor for _, factor in formula.terms)


def test_the_value_does_not_depend_on_the_order_of_the_terms() -> None:
    kws = {"a": 1e9, "b": 0.1, "c": -1e9}
    orders = ("a + b + c", "c + a + b", "b + c + a")
    assert {Formula.parse(text).value(kws) for text in orders} == {0.1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'': a name or a number is missing before the end"),
        ("grid +", "'grid +': a name or a number is missing before the end"),
        ("grid solar", "'grid solar': an operator is missing before 'solar', character 6"),
        ("grid + + solar", "missing before '+', character 8"),
        ("(grid", "'(grid': a closing parenthesis is missing before the end"),
        ("grid)", "'grid)': an operator is missing before ')', character 5"),
        ("grid / 2", "'grid / 2': unexpected '/', character 6; give names, numbers, +, -, *"),
        ("grid * solar", "'grid * solar': power is multiplied by power at '*', character 6"),
        ("grid + 0.5", "0.5 is added as a number; add the power of a meter"),
        ("5", "5 is added as a number; add the power of a meter"),
        ("grid + solar - grid", "grid has no effect: its factors add up to 0"),
        ("0 * grid", "grid has no effect"),
        ("2000000 * grid", "the factor of grid is above 1000000"),
        ("9" * 400 + " * grid", "the factor of grid is above 1000000"),
        ("(" * 30 + "a" + ")" * 30, "nested too deeply at '(', character 21"),
        ("-" * 30 + "a", "nested too deeply at '-', character 21"),
        ("a" * 501, "the formula has 501 characters; 500 are allowed"),
        ("2grid", "'2grid': an operator is missing before 'grid', character 2"),
        ("grid\x00", "unexpected '\\x00', character 5"),
    ],
)
def test_errors_give_the_place(text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        Formula.parse(text)
    assert message in str(error.value)
