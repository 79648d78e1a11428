"""Links between pages, to headings, and to names of the API reference."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.docs.pages import CHANGELOG, PAGES, RUN_PAGES, anchors, links, prose, read, references

API = next(page for page in PAGES if page.name == "api.md")


def _id(page: Path) -> str:
    return f"{page.parent.name}-{page.stem}"


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_relative_links_and_their_anchors_resolve(page: Path) -> None:
    for target in links(page):
        if re.match(r"https?://", target):
            continue
        path, _, name = target.partition("#")
        found = page.parent / path if path else page
        assert found.exists(), target
        if name:
            assert name in anchors(found), target


# Every version in the changelog has the same headings, to which nothing links.
@pytest.mark.parametrize("page", [page for page in PAGES if page != CHANGELOG], ids=_id)
def test_headings_have_anchors_of_their_own(page: Path) -> None:
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    assert len(anchors(page)) == len(titles)


def test_names_linked_to_are_in_the_api_reference() -> None:
    named = {name for page in RUN_PAGES for name in references(page)}
    documented = set(re.findall(r"^::: ([\w.]+)$", read(API), re.MULTILINE))
    assert len(named) >= 5
    assert named <= documented
    for name in named:
        module, _, attribute = name.rpartition(".")
        assert hasattr(import_module(module), attribute)


def test_there_are_links_to_check() -> None:
    assert sum(len(links(page)) for page in PAGES) > 60
    assert {page.name for page in PAGES if links(page)} >= {"README.md", "index.md", "feeds.md"}
