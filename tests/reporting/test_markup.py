from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from streamer.reporting.markup import Markup, join, tag


@given(st.text(), st.text())
def test_any_text_comes_back_as_it_was(text: str, attribute: str) -> None:
    found = ET.fromstring(tag("p", text, title=attribute))  # noqa: S314 - our own
    for given_text, got in ((text, found.text or ""), (attribute, found.get("title") or "")):
        assert len(got) == len(given_text)
        for before, after in zip(given_text, got, strict=True):
            # A line break is a space in an attribute.
            assert after in (before, "\ufffd") or (before, after) == ("\n", " ")
    assert not list(found)


def test_markup_is_put_in_as_it_is_and_nothing_else() -> None:
    assert tag("p", "<b>", tag("b", "x"), None) == "<p>&lt;b&gt;<b>x</b></p>"
    assert join("<", Markup("<br/>")) == "&lt;<br/>"


def test_attributes() -> None:
    assert tag("path", d="M0 0", class_="a", stroke_width=1.5, id=None) == (
        '<path d="M0 0" class="a" stroke-width="1.5"/>'
    )


def test_what_would_turn_the_text_round_is_not_shown() -> None:
    assert tag("p", "a\u202eb\x00\x1b[1m") == "<p>a\ufffdb\ufffd\ufffd[1m</p>"
