"""Formulas of derived meters: sums of the powers of others, each with a factor."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from streamer.errors import UsageError

MAX_LENGTH = 500
"""Most characters of a formula."""

_MAX_DEPTH = 20
_MAX_FACTOR = 1e6
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?|\.\d+)|(?P<name>[^\W\d]\w*)|(?P<sign>[-+*()]))"
)
_SPACE = re.compile(r"\s*")

_Sum: TypeAlias = dict[str, float]
"""Factor of each name; that of the name "" is a number by itself."""


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


@dataclass(frozen=True)
class Formula:
    """A sum of powers, each with a factor.

    Attributes:
        terms: name and factor of each power, in the order of the text.

    >>> formula = Formula.parse("grid + solar - 0.5*(tenant + flat_2)")
    >>> formula.names
    ('grid', 'solar', 'tenant', 'flat_2')
    >>> str(formula)
    'grid + solar - 0.5*tenant - 0.5*flat_2'
    >>> formula.value({"grid": 1.0, "solar": 2.0, "tenant": 0.5, "flat_2": 0.25})
    2.625
    """

    terms: tuple[tuple[str, float], ...]

    @classmethod
    def parse(cls, text: str) -> Formula:
        """Parse names, numbers, ``+``, ``-``, ``*`` and parentheses.

        Raises:
            UsageError: the text is not a formula; the message gives the character.
        """
        if len(text) > MAX_LENGTH:
            raise UsageError(f"the formula has {len(text)} characters; {MAX_LENGTH} are allowed")
        found = _Parser(text).parse()
        if "" in found:
            raise UsageError(f"{found['']:g} is added as a number; add the power of a meter")
        for name, factor in found.items():
            if not factor:
                raise UsageError(f"{name} has no effect: its factors add up to 0")
            if not abs(factor) <= _MAX_FACTOR:
                raise UsageError(f"the factor of {name} is above {_MAX_FACTOR:.0f}")
        return cls(tuple(found.items()))

    @property
    def names(self) -> tuple[str, ...]:
        """The names in it, in order, each once."""
        return tuple(name for name, _ in self.terms)

    def value(self, powers: Mapping[str, float]) -> float:
        """The sum, rounded once, so that it does not depend on the order of the terms.

        Args:
            powers: the power of each name in kW.
        """
        return math.fsum(factor * powers[name] for name, factor in self.terms)

    def renamed(self, names: Mapping[str, str]) -> Formula:
        """The formula with other names.

        Args:
            names: the new name of each name; two may not become one.
        """
        return Formula(tuple((names[name], factor) for name, factor in self.terms))

    def sorted(self) -> Formula:
        """The same sum with its terms in the order of their names."""
        return Formula(tuple(sorted(self.terms)))

    def __str__(self) -> str:
        text = ""
        for name, factor in self.terms:
            sign = ("-" if factor < 0 else "") if not text else (" - " if factor < 0 else " + ")
            size = abs(factor)
            text += f"{sign}{name}" if size == 1 else f"{sign}{_shown(size)}*{name}"
        return text


class _Parser:
    """Recursive descent, over sums of names.

    Args:
        text: the formula.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._place = 0
        self._depth = 0

    def parse(self) -> _Sum:
        found = self._sum()
        if self._next.kind != "end":
            raise self._error("an operator is missing before")
        return found

    @property
    def _next(self) -> _Token:
        return self._tokens[self._place]

    def _accept(self, *signs: str) -> str:
        """Take one of some signs if it is next; returns it, or an empty text."""
        token = self._next
        if token.kind != "sign" or token.text not in signs:
            return ""
        self._place += 1
        return token.text

    def _sum(self) -> _Sum:
        found = self._product()
        while sign := self._accept("+", "-"):
            found = _added(found, self._product(), -1.0 if sign == "-" else 1.0)
        return found

    def _product(self) -> _Sum:
        found = self._factor()
        while True:
            star = self._next
            if not self._accept("*"):
                return found
            other = self._factor()
            if set(found) != {""} and set(other) != {""}:
                raise self._error("power is multiplied by power at", star)
            if set(found) != {""}:
                found, other = other, found
            found = {name: found[""] * factor for name, factor in other.items()}

    def _factor(self) -> _Sum:
        token = self._next
        if token.kind in ("number", "name"):
            self._place += 1
            return {"": float(token.text)} if token.kind == "number" else {token.text: 1.0}
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._error("it is nested too deeply at")
        if self._accept("-"):
            found = {name: -factor for name, factor in self._factor().items()}
        elif self._accept("("):
            found = self._sum()
            if not self._accept(")"):
                raise self._error("a closing parenthesis is missing before")
        else:
            raise self._error("a name or a number is missing before")
        self._depth -= 1
        return found

    def _error(self, what: str, token: _Token | None = None) -> UsageError:
        token = token or self._next
        if token.kind == "end":
            return UsageError(f"{self._text!r}: {what} the end")
        return UsageError(f"{self._text!r}: {what} {token.text!r}, character {token.at + 1}")


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while found := _TOKEN.match(text, at):
        kind = str(found.lastgroup)
        yield _Token(kind, found[kind], found.start(kind))
        at = found.end()
    space = _SPACE.match(text, at)
    at = at if space is None else space.end()
    if at < len(text):
        raise UsageError(
            f"{text!r}: unexpected {text[at]!r}, character {at + 1}; give names, numbers, +, -, *, "
            "( and )"
        )
    yield _Token("end", "", at)


def _added(found: _Sum, other: _Sum, sign: float) -> _Sum:
    names = {**found, **other}
    return {name: found.get(name, 0.0) + sign * other.get(name, 0.0) for name in names}


def _shown(factor: float) -> str:
    return f"{factor:g}" if float(f"{factor:g}") == factor else repr(factor)
