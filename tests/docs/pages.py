"""The Markdown files of the repository: their blocks of code, tables, headings and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
RUN_PAGES = [README, ROOT / "CONTRIBUTING.md", *DOCS]
"""Pages whose blocks of code are run."""
CHANGELOG = ROOT / "CHANGELOG.md"
PAGES = [*RUN_PAGES, CHANGELOG, ROOT / "replay_data" / "README.md"]

_FENCE = re.compile(r"(?:<!-- (.+?) -->\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NOT_RUN = "not run: "
_BY_CI = "tests"
"""The marker of the block that `.ci/run` takes from the README."""


@dataclass(frozen=True)
class Block:
    """A fenced block of code.

    Attributes:
        page: the file it is in.
        line: number of the line where the fence opens.
        language: as given at the fence.
        text: the code.
        marker: the comment on the line before the fence; empty if there is none.
    """

    page: Path
    line: int
    language: str
    text: str
    marker: str

    @property
    def reason(self) -> str | None:
        """Why it is not run; None if it is."""
        if self.marker == _BY_CI:
            return "CI runs it, word for word"
        return self.marker.removeprefix(_NOT_RUN) if self.marker.startswith(_NOT_RUN) else None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@cache
def read(page: Path) -> str:
    """The text of a page."""
    return page.read_text(encoding="utf-8")


@cache
def prose(page: Path) -> str:
    """The text of a page without its blocks of code."""
    return _FENCE.sub("", read(page))


def blocks(language: str, pages: list[Path] = RUN_PAGES) -> list[Block]:
    """The blocks in a language, in order."""
    return [
        Block(
            page, read(page)[: found.start(2)].count("\n") + 1, found[2], found[3], found[1] or ""
        )
        for page in pages
        for found in _FENCE.finditer(read(page))
        if found[2] == language
    ]


def block(language: str, containing: str) -> Block:
    """The first block in a language that contains a text."""
    return next(block for block in blocks(language) if containing in block.text)


def spans(text: str) -> list[str]:
    """The inline code of some Markdown."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text)]


def sections(page: Path, level: int = 2) -> dict[str, str]:
    """Text of each section by the anchor of its heading; its subsections are part of it."""
    parts = re.split(rf"^{'#' * level} (.+)$", prose(page), flags=re.MULTILINE)
    return {anchor(title): text for title, text in zip(parts[1::2], parts[2::2], strict=True)}


def tables(text: str) -> Iterator[list[list[str]]]:
    """The tables in some Markdown as rows of cells, the heading first."""
    for found in re.finditer(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE):
        rows = [
            [cell.strip() for cell in line.strip("|").split("|")] for line in found[0].splitlines()
        ]
        yield [rows[0], *rows[2:]]


def column(text: str, heading: str) -> list[list[str]]:
    """The rows of all tables whose first column has a heading."""
    return [row for table in tables(text) if table[0][0] == heading for row in table[1:]]


def anchor(title: str) -> str:
    """The anchor of a heading, as the site and repository hosts make it.

    >>> anchor("What is *new*, and why?"), anchor("`streamer` on Spark")
    ('what-is-new-and-why', 'streamer-on-spark')
    """
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", title).strip().lower())


def anchors(page: Path) -> set[str]:
    """The anchors of a page."""
    return {anchor(title) for title in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)}


def links(page: Path) -> list[str]:
    """The targets of links and pictures, code left out."""
    text = re.sub(r"`[^`]+`", "code", prose(page))
    return re.findall(r"\]\(([^)\s]+)\)", text)


def references(page: Path) -> list[str]:
    """The Python names that a page links to in the API reference."""
    return re.findall(r"\]\[([\w.]+)\]", prose(page))
