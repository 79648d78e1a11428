"""Everything that can be typed is documented, and nothing else is."""

from __future__ import annotations

import re
from dataclasses import fields
from importlib import import_module
from importlib.metadata import EntryPoint

import pytest

import streamer
from streamer.errors import DISTRIBUTION
from streamer.feeds import FeedKind
from streamer.feeds.registry import schemes
from streamer.models.cardhorizons import CardHorizons
from streamer.models.features import FEATURES
from tests.docs.commands import options, problem, root_options, used
from tests.docs.pages import DOCS, README, ROOT, column, prose, read, sections, spans

COMMANDS = ROOT / "docs" / "commands.md"
FEEDS = ROOT / "docs" / "feeds.md"
TRAINING = ROOT / "docs" / "training.md"
API = ROOT / "docs" / "api.md"

_OURS = [point for point in schemes().values() if point.dist and point.dist.name == DISTRIBUTION]


def _options_in(text: str) -> set[str]:
    """The options in the tables of a section."""
    return {
        span.split()[0]
        for row in column(text, "option")
        for span in spans(row[0])
        if span.startswith("-")
    }


def _documented(command: str) -> set[str]:
    """The options in the section of a command, and in the shared tables that it links to."""
    text = sections(COMMANDS)[command.replace(" ", "-")]
    shared = sections(COMMANDS, level=3)
    found = _options_in(text)
    for name in re.findall(r"\]\(#([\w-]+)\)", text):
        found |= _options_in(shared[name].split("\n## ")[0])
    return found


def test_the_walk_finds_all_commands() -> None:
    assert len(options()) >= 14
    assert {"streamer replay", "streamer models show", "streamer fleet run"} <= set(options())


@pytest.mark.parametrize("command", options())
def test_a_command_is_documented_with_exactly_its_options(command: str) -> None:
    assert _documented(command) == options()[command]


def test_each_documented_command_exists() -> None:
    documented = {
        name.replace("-", " ") for name in sections(COMMANDS) if name.startswith("streamer")
    }
    assert documented == set(options())


def test_options_named_in_the_documentation_exist() -> None:
    known = frozenset().union(*options().values()) | root_options()
    named = {
        (page.name, span.split()[0].split("=")[0])
        for page in (README, *DOCS)
        for span in spans(prose(page))
        if re.match(r"--\w", span)
    }
    assert len(named) > 50
    assert not {(page, option) for page, option in named if option not in known}


def test_calls_named_in_the_documentation_are_right() -> None:
    calls = [
        (page.name, call)
        for page in (README, *DOCS)
        for span in spans(prose(page))
        if span.startswith("streamer ")
        for call in used(span)
        if "…" not in call and "COMMAND" not in call
    ]
    groups = {"streamer fleet", "streamer models"}
    wrong = {(page, call): problem(call) for page, call in calls if call not in groups}
    assert len(wrong) > 20
    assert not {call: why for call, why in wrong.items() if why}


def test_the_registry_has_our_feeds() -> None:
    assert len(_OURS) >= 13


@pytest.mark.parametrize("point", _OURS, ids=lambda point: point.name)
def test_a_feed_is_documented_with_exactly_its_options(point: EntryPoint) -> None:
    kind: FeedKind = point.load()
    intro = read(FEEDS).split("\n## ", maxsplit=1)[0]
    row = next(row for row in column(intro, "scheme") if point.name in spans(row[0]))
    found = re.search(r"\(#([\w-]+)\)", row[0])
    assert found is not None
    assert row[3] == f"{kind.stale_after_s:g} s"
    assert kind.extra is None or kind.extra in spans(row[2])
    section = sections(FEEDS)[found[1]]
    rows = column(section, "option")
    documented = {name: row[1] for row in rows for name in spans(row[0])}
    if point.name == "stdin":
        assert documented.pop("from").startswith("`tail` only")
    assert set(documented) == set(kind.options)


@pytest.mark.parametrize(("scheme", "section"), [("mqtt", "mqtt"), ("http", "json-over-http")])
def test_the_presets_are_documented(scheme: str, section: str) -> None:
    kind: FeedKind = schemes()[scheme].load()
    presets = set(re.findall(r"^([\w-]+): ", kind.options["preset"], re.MULTILINE))
    assert len(presets) >= 20
    rows = column(sections(FEEDS)[section], "preset")
    assert {name for row in rows for name in spans(row[0])} == presets


def test_the_readme_names_each_scheme() -> None:
    named = set(re.findall(r"`(\w+):", read(README)))
    assert not {point.name for point in _OURS} - named - {"https", "mqtts"}


def test_each_feature_of_a_head_is_documented() -> None:
    rows = column(read(TRAINING), "features")
    assert [name for row in rows for name in spans(row[0])] == list(FEATURES)


def test_each_field_of_a_card_about_horizons_is_documented() -> None:
    names = [name for row in column(read(TRAINING), "field") for name in spans(row[0])]
    assert names == [each.name for each in fields(CardHorizons)]


def test_public_names_are_in_the_api_reference() -> None:
    documented = set(re.findall(r"^::: ([\w.]+)$", read(API), re.MULTILINE))
    assert {f"streamer.{name}" for name in streamer.__all__} <= documented
    fleet = import_module("streamer.fleet")
    assert {f"streamer.fleet.{name}" for name in fleet.__all__ if name != "COLUMNS"} <= documented
    for name in documented:
        module, _, attribute = name.rpartition(".")
        assert hasattr(import_module(module), attribute), name
