"""The page about Home Assistant names every option and every entity."""

from __future__ import annotations

import re

from streamer.publishing.mqtt.entities import Features, entities_of, values_of
from streamer.publishing.mqtt.settings import OPTIONS
from tests.docs.pages import ROOT, column, read, spans
from tests.publishing.mqtt.made import steps

PAGE = read(ROOT / "docs" / "home-assistant.md")
ALL = Features(horizons=(5, 15, 60), demand=True, solar=True)


def test_the_options_of_the_address_are_documented() -> None:
    assert {name for row in column(PAGE, "publish option") for name in spans(row[0])} == set(
        OPTIONS
    )


def test_the_entities_and_their_attributes_are_documented() -> None:
    entities = entities_of(ALL)
    attributes = values_of(entities, steps(60, solar=True)[-1])["attributes"]
    rows = column(PAGE, "entity")
    named = {name.rpartition("…_")[2] for row in rows for name in spans(row[0])}
    keys = {re.sub(r"^mean_(?!5$)", "", entity.key) for entity in entities}
    assert named == keys
    for row in rows:
        (first, *_) = (name.rpartition("…_")[2] for name in spans(row[0]))
        if first in attributes:
            assert set(spans(row[2])) == set(attributes[first])
