"""Tests of the configuration stored in a checkpoint."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamer.errors import StateError, UsageError
from streamer.fleet.settings import FleetSettings
from streamer.fleet.spark.checkpoint import (
    NAME,
    CheckpointConfig,
    CheckpointOptions,
    check_given,
    read_config,
)

CONFIG = CheckpointConfig(
    CheckpointOptions(shards=10, confidence=0.8), weights="ab12", partitions=2
)


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


def test_a_configuration_is_read_as_written() -> None:
    assert read_config(folder(CONFIG.to_text()), "ck") == CONFIG


def test_options_are_the_settings_of_a_shard() -> None:
    options = CheckpointOptions(demand="60", peak_floor=2.5, peak_alarms=1.0, zone="Asia/Tokyo")
    assert options.fleet == FleetSettings(
        demand=60, peak_floor_kw=2.5, peak_alarms=1.0, zone="Asia/Tokyo"
    )
    assert CheckpointOptions(demand="none").fleet.demand_rule is None
    assert CheckpointOptions().fleet == FleetSettings()


def test_a_new_checkpoint_has_no_configuration() -> None:
    assert read_config(FakeFolder(), "ck") is None


def test_a_foreign_spark_checkpoint_is_rejected() -> None:
    with pytest.raises(StateError, match=rf"^ck is .* without {NAME}"):
        read_config(FakeFolder(offsets=""), "ck")


@pytest.mark.parametrize("cut", [0, 1, 20, 100, len(CONFIG.to_text()) - 3])
def test_a_truncated_configuration_is_rejected(cut: int) -> None:
    with pytest.raises(StateError, match=r"^ck/streamer-fleet\.json is damaged"):
        read_config(folder(CONFIG.to_text()[:cut]), "ck")


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
def test_an_edited_configuration_is_rejected(change: dict[str, Any]) -> None:
    text = json.dumps(json.loads(CONFIG.to_text()) | change)
    with pytest.raises(StateError, match="damaged"):
        read_config(folder(text), "ck")


def test_a_configuration_of_a_later_version_is_rejected() -> None:
    text = json.dumps(json.loads(CONFIG.to_text()) | {"version": 2})
    with pytest.raises(StateError, match="unknown version 2"):
        read_config(folder(text), "ck")


def test_the_stored_options_may_be_given_again() -> None:
    check_given(CONFIG, {"shards": 10, "confidence": 0.8, "adapt": True}, "ab12", "ck")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"shards": 12}, "ck has 10 shards, not 12"),
        ({"adapt": False}, "created with --adapt, not --no-adapt"),
        ({"confidence": 0.9}, "created with --confidence 0.8, not --confidence 0.9"),
        ({"silent_after": 0}, "created with --silent-after 15, not --silent-after 0"),
        ({"unit": "W"}, "created with --unit kW, not --unit W"),
    ],
)
def test_options_that_differ_from_the_stored_ones_are_rejected(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match="another --checkpoint") as error:
        check_given(CONFIG, given, "ab12", "ck")
    assert message in str(error.value)


def test_other_weights_are_rejected_and_another_name_is_accepted() -> None:
    check_given(CONFIG, {"model": "copy"}, "ab12", "ck")
    with pytest.raises(UsageError, match="other weights than those of model 'homes'"):
        check_given(CONFIG, {}, "cd34", "ck")
