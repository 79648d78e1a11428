"""Tests of output in encodings that lack some of our characters."""

from __future__ import annotations

import ast
import io
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import streamer
from streamer.display.encoding import ascii_form, can_draw, encodable
from tests.cli.running import Ended, run

ENCODINGS = pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "koi8-r"])


def _stream(encoding: str, errors: str = "strict") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors=errors)


def _shown_texts(source: str) -> Iterator[str]:
    """The string constants of a module, except docstrings."""
    tree = ast.parse(source)
    documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield "" if id(node) in documented else node.value


def test_every_character_of_our_own_texts_has_a_form() -> None:
    modules = (
        path.read_text(encoding="utf-8") for path in Path(streamer.__file__).parent.rglob("*.py")
    )
    texts = (text for source in modules if not source.isascii() for text in _shown_texts(source))
    shown = {char for text in texts for char in text if not char.isascii() and char.isprintable()}
    assert "…" in shown
    assert {char for char in shown if ascii_form(char) == "?"} == {"\N{REPLACEMENT CHARACTER}"}


@given(st.text())
def test_every_text_has_a_form(text: str) -> None:
    form = ascii_form(text)
    assert form.isascii()
    assert form.count("\n") == text.count("\n")
    if text.isascii():
        assert form == text


@ENCODINGS
@pytest.mark.parametrize("errors", ["strict", "surrogateescape", "backslashreplace"])
def test_a_stream_takes_any_text_and_is_put_back(encoding: str, errors: str) -> None:
    stream = _stream(encoding, errors)
    with encodable(stream, None, io.StringIO()):
        stream.write("0.05 kW² – 電 \udcff −1\n")
        stream.flush()
    text = stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    assert text.replace("²", "2").replace("–", "-") == "0.05 kW2 - ? ? -1\n"
    assert stream.errors == errors


def test_what_a_stream_can_encode_is_unchanged() -> None:
    stream = _stream("latin-1")
    with encodable(stream):
        stream.write("Süd, µ, ²")
        stream.flush()
    assert stream.buffer.getvalue() == "Süd, µ, ²".encode("latin-1")  # type: ignore[attr-defined]


def test_a_closed_stream_is_left_alone() -> None:
    stream = _stream("ascii")
    with encodable(stream):
        stream.close()


@pytest.mark.parametrize(
    ("encoding", "drawn"),
    [("utf-8", True), ("utf-16", True), ("ascii", False), ("latin-1", False), ("cp1252", False)],
)
def test_the_dashboard_is_ascii_where_the_encoding_is(encoding: str, drawn: bool) -> None:
    assert can_draw(_stream(encoding)) == drawn


def test_a_stream_without_an_encoding_draws_in_ascii() -> None:
    assert not can_draw(io.StringIO())


COMMANDS = {
    "lines": ["replay", "--limit", "52"],
    "summary": ["replay", "--limit", "60", "-qv"],
    "models": ["models", "list"],
    "card": ["models", "show", "sceaux"],
    "settings": ["config", "--config", "nowhere–.toml"],
    "sources": ["sources"],
    "options": ["sources", "mqtt"],
    "help": ["watch", "--help"],
    "error": ["replay", "Süd–電.csv"],
    "rejected": ["replay", "--start", "Süd–電"],
}


@cache
def _in_utf8(command: str) -> Ended:
    return run(*COMMANDS[command])


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_prints_in_any_encoding(command: str, encoding: str) -> None:
    expected = _in_utf8(command)
    ended = run(*COMMANDS[command], encoding=encoding)
    assert ended.code == expected.code
    for text, plain in ((ended.out, expected.out), (ended.err, expected.err)):
        # Boxes of tables have other corners.
        assert re.findall(r"\w+", ascii_form(text)) == re.findall(r"\w+", ascii_form(plain))


@pytest.mark.parametrize(("encoding", "drawn"), [("utf-8", "false"), ("ascii", "true")])
def test_ascii_is_chosen_by_the_encoding(encoding: str, drawn: str) -> None:
    settings = run("config", "--config", os.devnull, encoding=encoding)
    (row,) = (line.split() for line in settings.out.splitlines() if line.startswith("ascii "))
    assert row == ["ascii", drawn, "default"]
