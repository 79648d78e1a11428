"""Tests of plug-ins by name."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer import plugins
from streamer.errors import PluginError, UsageError
from streamer.plugins import PluginGroup, parse_call

GROUP = PluginGroup("streamer.things", "thing", {"ours": "own_things:Made"})

CODE = """
class Made:
    def __init__(self, argument="nothing"):
        self.argument = argument
class Nested:
    inner = Made("inner")
def failing():
    raise RuntimeError("not\\ntoday")
def made_by_function():
    return Made("function")
one = Made("one")
"""


@pytest.fixture(autouse=True)
def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "own_things.py").write_text(CODE)
    (tmp_path / "broken_things.py").write_text("import no_such_library_at_all\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    points = [EntryPoint("theirs", "own_things:Made", "streamer.things")]
    points.append(EntryPoint("ours", "own_things:one", "streamer.things"))
    monkeypatch.setattr(plugins, "entry_points", lambda group: points)
    yield
    sys.modules.pop("own_things", None)


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        ("own_things:Made", "nothing"),
        ("own_things:one", "one"),
        ("own_things:made_by_function", "function"),
        ("own_things:Nested.inner", "inner"),
        ("theirs", "nothing"),
        ("theirs:a file.txt", "a file.txt"),
        ("theirs:", ""),
        ("ours:x", "x"),
    ],
)
def test_a_plug_in_is_made(text: str, argument: str) -> None:
    assert GROUP.has(text)
    assert GROUP.make(text).argument == argument


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("own_things:Nothing", "no thing 'own_things:Nothing': own_things has no Nothing"),
        ("no_such_things:Made", "there is no module no_such_things here or among the installed"),
        ("nonsense", "no thing 'nonsense': give module:object, or one of: ours, theirs"),
    ],
)
def test_a_plug_in_that_does_not_exist_is_named(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        GROUP.make(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("own_things:failing", "cannot be made: RuntimeError: not today"),
        ("broken_things:x", "cannot be made: ModuleNotFoundError: .*no_such_library_at_all"),
    ],
)
def test_errors_of_its_code_are_named(text: str, said: str) -> None:
    with pytest.raises(PluginError, match=f"the thing '{text}' {said}"):
        GROUP.make(text)


def test_other_texts_name_no_plug_in() -> None:
    assert not any(map(GROUP.has, ("", "sceaux", "my_house", "./house.keras", "a b:c", "1:2")))


@pytest.mark.parametrize(
    "text",
    ["", "f(1)", "f(**x)", "f(a=g())", "f(a=b)", "(x", "lambda: 0", "f()()", "1", "f[0]", "a;b"],
)
def test_calls_with_anything_but_plain_values_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="give a name"):
        parse_call(text)


_VALUES = st.one_of(
    st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(), st.booleans()
)


@given(st.dictionaries(st.sampled_from(["p", "d", "alpha", "l2_"]), _VALUES))
def test_calls_are_parsed(values: dict[str, Any]) -> None:
    text = ", ".join(f"{name}={value!r}" for name, value in values.items())
    assert parse_call(f"time_series.HoltWinters({text})") == ("time_series.HoltWinters", values)


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        name, _ = parse_call(text)
    except UsageError:
        return
    assert all(part.isidentifier() for part in name.split("."))
