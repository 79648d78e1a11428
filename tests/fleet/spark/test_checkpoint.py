"""Tests of the configuration stored in a checkpoint."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from streamer.errors import StateError, UsageError
from streamer.fleet.settings import FleetSettings
from streamer.fleet.spark.checkpoint import (
    NAME,
    CheckpointConfig,
    CheckpointOptions,
    FormerModel,
    changes,
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


def test_former_models_are_read_as_written() -> None:
    config = CONFIG.continued(replace(CONFIG.choices, model="other"), "cd34", 7)
    assert config.former == (FormerModel("homes", "ab12", 7),)
    assert config.first_weights == CONFIG.first_weights == "ab12"
    assert read_config(folder(config.to_text()), "ck") == config
    again = config.continued(config.choices, "cd34", 9)
    assert again == config


def test_a_configuration_from_before_models_could_change_is_read() -> None:
    kept = json.loads(CONFIG.to_text())
    del kept["former"], kept["resharding"]
    assert read_config(folder(json.dumps(kept)), "ck") == CONFIG


def test_changes_are_described_in_one_line_each() -> None:
    choices = replace(CONFIG.choices, model="other", silent_after=30)
    assert list(changes(CONFIG, CONFIG.continued(choices, "cd34", 7))) == [
        "the model was homes before, and is other from batch 7 on: each meter's corrections begin "
        "anew, which its next row reports",
        "--silent-after 30 from here, 15 before",
    ]
    moved = replace(CONFIG.choices, model="copy")
    assert list(changes(CONFIG, CONFIG.continued(moved, "ab12", 7))) == []


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
        {"former": [{"model": "sceaux"}]},
        {"former": [{"model": "sceaux", "weights": "ab12", "until": "1"}]},
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
    check_given(CONFIG, {"shards": 10, "confidence": 0.8, "adapt": True}, "ck")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"adapt": False}, "created with --adapt, not --no-adapt"),
        ({"confidence": 0.9}, "created with --confidence 0.8, not --confidence 0.9"),
        ({"unit": "W"}, "created with --unit kW, not --unit W"),
    ],
)
def test_options_that_differ_from_the_stored_ones_are_rejected(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match="another --checkpoint") as error:
        check_given(CONFIG, given, "ck")
    assert message in str(error.value)


def test_another_number_of_shards_names_the_command_for_it() -> None:
    with pytest.raises(UsageError, match=r"ck has 10 shards, not 12: .*streamer fleet reshard"):
        check_given(CONFIG, {"shards": 12}, "ck")


def test_options_that_concern_later_readings_alone_may_be_changed() -> None:
    check_given(CONFIG, {"silent_after": 0, "gaps": "reset", "max_gap": 3, "model": "copy"}, "ck")
