"""Sums of values in a JSON document: ``path=a,b,c``, ``emeters[*].power``, ``in|power?``."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from streamer.feeds.address import Address
from streamer.feeds.values.malformed import MissingError
from streamer.feeds.values.paths import JsonPath, Place, not_a_path

_MAX_TERMS: Final = 100


@dataclass(frozen=True)
class Term:
    """One term of a sum.

    Attributes:
        paths: alternatives; the first that the document has counts.
        optional: whether the term is zero where it is missing.
    """

    paths: tuple[JsonPath, ...]
    optional: bool = False

    def places(self, document: Any) -> list[Place]:
        """Return the values of the term; none if it is optional and missing.

        Raises:
            MissingError: the document has none of the paths.
        """
        for path in self.paths:
            with suppress(MissingError):
                return path.places(document)
        if self.optional:
            return []
        raise MissingError(f"{' or '.join(path.text for path in self.paths)} is missing")


@dataclass(frozen=True)
class PathSum:
    """Places of values to be added: terms separated by commas.

    ``|`` separates alternatives within a term, of which the first that is present counts, and
    a ``?`` at its end marks a term that counts as 0 where it is missing.

    Attributes:
        text: the paths as they were given; empty for the document itself.
        terms: the terms.

    >>> paths = PathSum.parse("a|b,c[*].w,d?")
    >>> [place.value for place in paths.places({"b": 1, "c": [{"w": 2}, {"w": 3}]})]
    [1, 2, 3]
    """

    text: str
    terms: tuple[Term, ...]

    @classmethod
    def parse(cls, text: str) -> PathSum:
        """Read the paths.

        Raises:
            ValueError: the text is not a list of paths.
        """
        terms: list[Term] = []
        paths: list[JsonPath] = []
        position = 0
        while True:
            path, position = JsonPath.parse_at(text, position)
            if not path.steps and text:
                raise not_a_path(text)
            paths.append(path)
            mark = text[position : position + 1]
            position += 1
            if mark == "|":
                continue
            optional = mark == "?"
            if optional:
                mark = text[position : position + 1]
                position += 1
            terms.append(Term(tuple(paths), optional))
            paths = []
            if not mark and len(terms) <= _MAX_TERMS:
                return cls(text, tuple(terms))
            if mark != ",":
                raise not_a_path(text)

    @classmethod
    def of(cls, address: Address, option: str, default: str | None = None) -> PathSum | None:
        """Read the paths in an option of an address, or in the default; None without either.

        Raises:
            UsageError: the text is not a list of paths.
        """
        text = address.options.get(option, default)
        try:
            return None if text is None else cls.parse(text)
        except ValueError as error:
            raise address.wrong(option, str(error)) from None

    def places(self, document: Any) -> list[Place]:
        """Return the values to be added, possibly none if all terms are optional.

        Raises:
            MissingError: the document lacks a term that is not optional.
        """
        return [place for term in self.terms for place in term.places(document)]

    @property
    def last_name(self) -> str:
        """The last name of the first path; empty if it ends otherwise."""
        steps = self.terms[0].paths[0].steps
        return steps[-1] if steps and isinstance(steps[-1], str) else ""
