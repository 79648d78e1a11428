"""The name of the distribution: one in the package, its metadata and the documentation."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import streamer
from streamer.errors import DISTRIBUTION, MissingExtraError, install_hint
from tests.docs.pages import PAGES, ROOT, read

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
PACKAGE = sorted(Path(streamer.__file__).parent.rglob("*.py"))

_SPELLED = re.compile(r"\bpip3? install\b|\bstreamer(?:-forecaster)?\[|streamer-forecaster")


def test_no_text_of_the_package_spells_an_install_command() -> None:
    assert len(PACKAGE) > 100
    spelled = {
        str(path.relative_to(ROOT))
        for path in PACKAGE
        if _SPELLED.search(path.read_text(encoding="utf-8"))
    }
    assert spelled == {"streamer/errors.py"}


def test_the_install_command_names_this_distribution() -> None:
    assert PROJECT["name"] == DISTRIBUTION
    assert install_hint("mqtt") == f"pip install '{PROJECT['name']}[mqtt]'"
    assert str(MissingExtraError("it", "mqtt")).endswith(install_hint("mqtt"))


def test_extras_that_the_package_names_exist() -> None:
    named = {
        name
        for path in PACKAGE
        for name in re.findall(
            r"(?:install_hint|requirement)\(['\"](\w+)['\"]\)|extra=\"(\w+)\"",
            path.read_text(encoding="utf-8"),
        )
        for name in name
        if name
    }
    assert {"fetch", "http", "mqtt", "train"} <= named
    assert named <= set(EXTRAS)


def test_extras_refer_to_this_distribution() -> None:
    inner = re.findall(r"\b([\w-]+)\[([\w,]+)\]", str(EXTRAS))
    assert len(inner) >= 3
    assert {name for name, _ in inner} == {DISTRIBUTION}
    assert {extra for _, extras in inner for extra in extras.split(",")} <= set(EXTRAS)


def test_install_commands_in_the_documentation_are_right() -> None:
    found = [
        (page.name, target)
        for page in PAGES
        for target in re.findall(r"pip install [^\n`]*?(?:'([^']+)'|\s(\.)\s)", read(page))
        for target in target
        if target
    ]
    assert len(found) > 10
    for page, target in found:
        name, _, extras = target.removesuffix("]").partition("[")
        assert name in (".", DISTRIBUTION), page
        assert set(filter(None, extras.split(","))) <= set(EXTRAS), page


def test_every_extra_is_documented() -> None:
    page = read(ROOT / "docs" / "getting-started.md")
    assert not {extra for extra in EXTRAS if f"`{extra}`" not in page}


def test_the_changelog_has_this_version_with_a_date() -> None:
    headings = re.findall(r"^## (.+)$", read(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(streamer.__version__)} – \d{{4}}-\d\d-\d\d", headings[1])
