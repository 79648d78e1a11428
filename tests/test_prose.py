"""The package's prose keeps to plain English, by the counts of `tests.prose`."""

from __future__ import annotations

from tests.prose import LIMITS, PACKAGE, QUESTION, questions, rates


def test_module_docstrings_name_their_subject() -> None:
    assert questions() == []
    assert QUESTION.match("What a module does.")
    assert not QUESTION.match("Whatever")


def test_idioms_are_as_rare_as_elsewhere() -> None:
    words, found = rates()
    assert words > 10_000
    common = {name: rate for name, rate in found.items() if rate > LIMITS[name][1]}
    assert not common, f"`python -m tests.prose {PACKAGE.name}` lists them"
    assert found.keys() == LIMITS.keys()
