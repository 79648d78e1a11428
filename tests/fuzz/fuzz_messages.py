"""Fuzzing of messages: MQTT, Home Assistant, JSON over HTTP and Modbus registers.

By hand: ``python -m tests.fuzz.fuzz_messages -runs=1000000``
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress

from streamer.errors import RefusedError
from streamer.feeds.address import Address
from streamer.feeds.hass.states import Entity, entities_in
from streamer.feeds.http.presets import PRESETS as HTTP_PRESETS
from streamer.feeds.http.request import json_reader
from streamer.feeds.mqtt.layout import MessageLayout
from streamer.feeds.mqtt.messages import MessageReader
from streamer.feeds.mqtt.presets import PRESETS
from streamer.feeds.values import (
    UNITS,
    JsonLayout,
    JsonPath,
    MalformedError,
    PathSum,
    Quantity,
    parse_json,
)
from streamer.feeds.values.direction import Direction
from streamer.readings import CounterSample, Sample
from tests.fuzz import run

_LAYOUTS = [
    MessageLayout.of(Address.parse(f"mqtt://host/meter?{options}"))
    for options in (
        *(f"preset={name}&unit=W" for name in PRESETS),
        "unit=W",
        "unit=kW&minus_topic=back",
        "unit=W&path=a[0].b&minus=c&time=t",
        "unit=kWh&path=a[*].b,c&minus=d?",
        "unit=imp&per_kwh=1000&plus_topic=b,c&decimal=comma",
        "unit=mW&path=a.*.b|c&sign_path=d&scale=2&partial=yes&availability=x",
    )
]
_LAYOUTS.append(
    MessageLayout.of(Address.parse("mqtt://host/N/x/+/Power?unit=W&path=value&parts=3"))
)
_RESPONSES = [
    json_reader(
        JsonLayout(
            Quantity(unit, comma=comma),
            PathSum.parse(path),
            PathSum.parse("c?"),
            JsonPath.parse("t") if comma else None,
            Direction(PathSum.parse("d|t")) if path != "a[0].b" else None,
        )
    )
    for unit, path in (("W", "a[0].b"), ("kWh", "a[*].b"), ("MW", ""))
    for comma in (False, True)
]
_PRESETS = [
    json_reader(
        JsonLayout(
            Quantity(preset.unit),
            PathSum.parse(preset.path.replace("{id}", "0")),
            PathSum.parse(preset.minus or "zz?"),
            valid=PathSum.parse((preset.valid or "zz?").replace("{id}", "0")),
        )
    )
    for preset in HTTP_PRESETS.values()
]


def _mqtt(data: bytes) -> None:
    layout = _LAYOUTS[data[0] % len(_LAYOUTS)] if data else _LAYOUTS[0]
    reader = MessageReader(layout)
    topics = layout.topics
    for number, topic in enumerate((*topics.values, *topics.others, *topics.values)):
        for name in (topic, topic.replace("+", "L1"), topic.replace("+", "L2")):
            with suppress(MalformedError):
                _check(reader.take(name, data[1:], retained=len(data) % 5 == 0, now_s=number))
    _check(reader.check(1e4))
    reader.take(layout.topic.replace("+", "L3"), data[1:])


def _hass(data: bytes) -> None:
    entity = Entity("sensor.power")
    document = parse_json(data)
    entities_in(document, UNITS)
    if entity.apply(document):
        with suppress(RefusedError):
            _check(entity.sample())


def _page(data: bytes) -> None:
    read = _RESPONSES[data[0] % len(_RESPONSES)] if data else _RESPONSES[0]
    _check(read(data[1:]))


def _answer(data: bytes) -> None:
    read = _PRESETS[data[0] % len(_PRESETS)] if data else _PRESETS[0]
    _check(read(data[1:]))


def _path(data: bytes) -> None:
    text, _, document = data.decode("utf-8", "replace").partition("\n")
    try:
        paths = PathSum.parse(text)
    except ValueError:
        return
    _check(JsonLayout(Quantity("W"), paths).read(parse_json(document)))


_PARSERS: list[Callable[[bytes], None]] = [_mqtt, _hass, _page, _answer, _path]


def one_input(data: bytes) -> None:
    """Parse the bytes with the parser that the first byte selects."""
    parse = _PARSERS[data[0] % len(_PARSERS)] if data else _PARSERS[0]
    text = ""
    try:
        parse(data[1:])
    except MalformedError as error:
        text = str(error)
    assert text.isprintable(), repr(text)


def _check(item: Sample | CounterSample | None) -> None:
    if item is None:
        return
    assert isinstance(item, Sample | CounterSample)
    assert not math.isinf(item.kw if isinstance(item, Sample) else item.kwh)
    assert item.at is None or item.at.utcoffset() is not None


if __name__ == "__main__":
    run(
        one_input,
        [
            bytes([parser, 0]) + seed
            for parser in range(len(_PARSERS))
            for seed in (
                b'{"a": [{"b": 1.5}], "c": 2, "t": 1774745940, "ENERGY": {"Power": 3}}',
                b'{"a": [{"b": "1,5 kW"}, {"b": null}], "d": "export", "unit": "W", "value": 3}',
                b'{"emeters": [{"power": 2, "is_valid": true}], "result": {"grid": {"power": 1}}}',
                b'a[*].b,c|["x.y"]?,d[e=f].g\n{"a": {"b": {"b": "12 W"}}, "d": [{"e": "f"}]}',
                b'{"a": {"sensor.power": {"s": "2", "a": {"unit_of_measurement": "W"}}}, "r": []}',
            )
        ],
    )
