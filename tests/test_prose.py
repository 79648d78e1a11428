"""The package's prose keeps to plain English, by the counts of `tests.prose`."""

from __future__ import annotations

import pytest

from tests.prose import LIMITS, PACKAGE, QUESTION, questions, rates


def test_module_docstrings_name_their_subject() -> None:
    assert questions() == []
    assert QUESTION.match("What a module does.")
    assert not QUESTION.match("Whatever")


@pytest.mark.parametrize("name", LIMITS)
def test_idioms_are_as_rare_as_elsewhere(name: str) -> None:
    words, found = rates()
    assert words > 10_000
    assert found[name] <= LIMITS[name][1], f"`python -m tests.prose {PACKAGE.name}` lists them"
