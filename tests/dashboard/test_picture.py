"""Tests of pictures of the screen, read as the XML that they are."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from streamer.dashboard import render, render_svg
from streamer.dashboard.picture import save_svg
from streamer.sinks.items import About
from tests.dashboard.samples import house, make_steps, snapshot, usual

DOCS = Path(__file__).parents[2] / "docs"
SIZES = [(80, 24), (200, 60)]
SPACE = "{http://www.w3.org/XML/1998/namespace}space"
SVG = "{http://www.w3.org/2000/svg}"
ADVANCE, LINE = 20 * 0.602, 24.4
"""Size of a cell in the picture."""


def _texts(svg: str) -> list[ET.Element]:
    return ET.fromstring(svg).findall(f".//{SVG}text")  # noqa: S314 - our own picture


def _lines(svg: str, width: int) -> list[str]:
    """The lines of a picture, put together from the places of its texts."""
    rows: dict[int, list[str]] = {}
    for text in _texts(svg):
        if "clip-path" in text.attrib:
            row = rows.setdefault(round((float(text.attrib["y"]) - 20) / LINE), [" "] * width)
            column, exact = divmod(float(text.attrib["x"]) / ADVANCE + 0.01, 1)
            assert exact < 0.02
            content = (text.text or "").replace("\xa0", " ")
            row[int(column) : int(column) + len(content)] = content
    return ["".join(rows.get(row, [])).rstrip() for row in range(max(rows) + 1)]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_picture_has_the_text_of_the_screen_in_its_place(width: int, height: int) -> None:
    svg = render_svg(usual(), width, height, speed="600×")
    lines = str(render(usual(), width, height, speed="600×")).split("\n")
    assert _lines(svg, width) == lines


@pytest.mark.parametrize(
    "svg",
    [
        pytest.param(render_svg(usual(), 80, 24), id="80x24"),
        pytest.param(render_svg(usual(), 200, 60), id="200x60"),
        *(pytest.param(path.read_text("utf-8"), id=path.name) for path in DOCS.glob("*.svg")),
    ],
)
def test_spaces_are_kept_by_every_viewer(svg: str) -> None:
    texts = _texts(svg)
    assert len(texts) > 20
    assert all(text.get(SPACE) == "preserve" for text in texts)


@pytest.mark.parametrize(
    "svg",
    [
        pytest.param(render_svg(usual(), 100, 30, title="streamer replay"), id="new"),
        *(pytest.param(path.read_text("utf-8"), id=path.name) for path in DOCS.glob("*.svg")),
    ],
)
def test_a_picture_loads_nothing_from_the_network(svg: str) -> None:
    assert svg.startswith("<svg")
    assert not re.search(r"url\(\"?http", svg)


def test_text_from_outside_is_text_in_the_picture() -> None:
    source = "</text><script>alert(1)</script>&amp;\x1b[2J"
    shown = snapshot(make_steps(house(3)), about=About(source, "<text>"))
    svg = render_svg(shown, 120, 30, title="<b>")
    root = ET.fromstring(svg)  # noqa: S314 - our own picture
    assert not root.findall(f".//{SVG}script")
    line = _lines(svg, 120)[0]
    assert "</text><script>alert(1)</script>&amp;?[2J · <text>" in line
    assert root.findall(f".//{SVG}text")[0].text == "<b>"


def test_a_saved_picture_has_the_time_in_its_name(tmp_path: Path) -> None:
    message = save_svg(render_svg(usual(), 80, 24), tmp_path)
    (path,) = tmp_path.glob("streamer-*.svg")
    assert message == f"saved {path}"
    assert _texts(path.read_text("utf-8"))


def test_the_reason_is_given_if_a_picture_cannot_be_saved(tmp_path: Path) -> None:
    message = save_svg("<svg/>", tmp_path / "missing")
    assert message.startswith("not saved: ")
    assert message.endswith("No such file or directory")
