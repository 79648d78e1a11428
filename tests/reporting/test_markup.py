"""Tests of HTML and SVG elements."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from streamer.reporting.markup import Markup, join, tag


@given(st.text(), st.text())
def test_any_text_is_escaped_without_loss(text: str, attribute: str) -> None:
    found = ET.fromstring(tag("p", text, title=attribute))  # noqa: S314 - made by this test
    for given_text, got in ((text, found.text or ""), (attribute, found.get("title") or "")):
        assert len(got) == len(given_text)
        for before, after in zip(given_text, got, strict=True):
            # A line break is a space in an attribute.
            assert after in (before, "\ufffd") or (before, after) == ("\n", " ")
    assert not list(found)


def test_markup_is_inserted_unescaped_and_strings_are_escaped() -> None:
    assert tag("p", "<b>", tag("b", "x"), None) == "<p>&lt;b&gt;<b>x</b></p>"
    assert join("<", Markup("<br/>")) == "&lt;<br/>"


def test_attribute_names_and_values_are_converted() -> None:
    assert tag("path", d="M0 0", class_="a", stroke_width=1.5, id=None) == (
        '<path d="M0 0" class="a" stroke-width="1.5"/>'
    )


def test_control_and_direction_characters_are_replaced() -> None:
    assert tag("p", "a\u202eb\x00\x1b[1m") == "<p>a\ufffdb\ufffd\ufffd[1m</p>"
