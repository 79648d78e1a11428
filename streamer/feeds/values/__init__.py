"""Numbers, units, signs, JSON paths and times in the messages of meters."""

from __future__ import annotations

from streamer.feeds.values.channels import (
    FROM_PRESET,
    channel_options,
    channel_paces,
    channel_quantity,
    channel_sign,
    chosen_channels,
)
from streamer.feeds.values.further import (
    further_options,
    further_paces,
    further_path,
    further_places,
    further_quantity,
    has_unit,
    no_place,
)
from streamer.feeds.values.layout import LAYOUT_OPTIONS, JsonLayout
from streamer.feeds.values.malformed import MalformedError, MissingError
from streamer.feeds.values.measures import MEASURES, kind_of, measure_of, words_for
from streamer.feeds.values.numbers import is_unknown, to_number
from streamer.feeds.values.paths import JsonPath, Place, parse_json
from streamer.feeds.values.pathsum import PathSum
from streamer.feeds.values.quantity import QUANTITY_OPTIONS, Quantity
from streamer.feeds.values.times import to_moment
from streamer.feeds.values.units import ENERGY_UNITS, POWER_OPTIONS, SIGNS, UNITS, Power

__all__ = [
    "ENERGY_UNITS",
    "FROM_PRESET",
    "LAYOUT_OPTIONS",
    "MEASURES",
    "POWER_OPTIONS",
    "QUANTITY_OPTIONS",
    "SIGNS",
    "UNITS",
    "JsonLayout",
    "JsonPath",
    "MalformedError",
    "MissingError",
    "PathSum",
    "Place",
    "Power",
    "Quantity",
    "channel_options",
    "channel_paces",
    "channel_quantity",
    "channel_sign",
    "chosen_channels",
    "further_options",
    "further_paces",
    "further_path",
    "further_places",
    "further_quantity",
    "has_unit",
    "is_unknown",
    "kind_of",
    "measure_of",
    "no_place",
    "parse_json",
    "to_moment",
    "to_number",
    "words_for",
]
