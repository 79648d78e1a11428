"""What a checkpoint was begun with is what it goes on with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamer.errors import StateError, UsageError
from streamer.fleet.spark.checkpoint import NAME, Choices, Fixed, check_said, read_fixed

FIXED = Fixed(Choices(shards=10, confidence=0.8), weights="ab12", partitions=2)


class FakeFolder:
    def __init__(self, **files: str) -> None:
        self.files = files

    def exists(self, name: str) -> bool:
        return name in self.files

    def read(self, name: str) -> str:
        return self.files[name]


def folder(text: str) -> Any:
    made = FakeFolder()
    made.files[NAME] = text
    return made


def test_it_is_read_as_it_was_written() -> None:
    assert read_fixed(folder(FIXED.to_text()), "ck") == FIXED


def test_a_new_one() -> None:
    assert read_fixed(FakeFolder(), "ck") is None


def test_one_that_is_not_ours() -> None:
    with pytest.raises(StateError, match=rf"^ck is .* without {NAME}"):
        read_fixed(FakeFolder(offsets=""), "ck")


@pytest.mark.parametrize("cut", [0, 1, 20, 100, len(FIXED.to_text()) - 3])
def test_one_that_is_cut_short(cut: int) -> None:
    with pytest.raises(StateError, match=r"^ck/streamer-fleet\.json is damaged"):
        read_fixed(folder(FIXED.to_text()[:cut]), "ck")


@pytest.mark.parametrize(
    "change",
    [
        {"partitions": "two"},
        {"weights": None},
        {"choices": {"shards": True}},
        {"choices": {"shard": 4}},
        {"choices": []},
        {"more": 1},
    ],
)
def test_one_that_somebody_has_edited(change: dict[str, Any]) -> None:
    text = json.dumps(json.loads(FIXED.to_text()) | change)
    with pytest.raises(StateError, match="damaged"):
        read_fixed(folder(text), "ck")


def test_one_of_a_later_version() -> None:
    text = json.dumps(json.loads(FIXED.to_text()) | {"version": 2})
    with pytest.raises(StateError, match="version 2 is not one that is known"):
        read_fixed(folder(text), "ck")


def test_the_same_may_be_said_again() -> None:
    check_said(FIXED, {"shards": 10, "confidence": 0.8, "adapt": True}, "ab12", "ck")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"shards": 12}, "ck has 10 shards, and --shards says 12"),
        ({"adapt": False}, "begun with --adapt, not --no-adapt"),
        ({"confidence": 0.9}, "begun with --confidence 0.8, not --confidence 0.9"),
        ({"silent_after": 0}, "begun with --silent-after 15, not --silent-after 0"),
        ({"unit": "W"}, "begun with --unit kW, not --unit W"),
    ],
)
def test_nothing_else_may_be_said(said: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match="another --checkpoint") as error:
        check_said(FIXED, said, "ab12", "ck")
    assert told in str(error.value)


def test_other_weights_are_refused_and_the_same_by_another_name_are_not() -> None:
    check_said(FIXED, {"model": "copy"}, "ab12", "ck")
    with pytest.raises(UsageError, match="other weights than the model 'sceaux' has"):
        check_said(FIXED, {}, "cd34", "ck")
