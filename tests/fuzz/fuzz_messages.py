"""Fuzzing of messages: MQTT, Home Assistant, JSON over HTTP and Modbus registers.

By hand: ``python -m tests.fuzz.fuzz_messages -runs=1000000``
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from streamer.errors import RefusedError
from streamer.feeds.address import Address
from streamer.feeds.hass.states import Entity, power_entities
from streamer.feeds.http.poll import JsonLayout
from streamer.feeds.mqtt.messages import MessageLayout, MessageReader
from streamer.feeds.mqtt.presets import PRESETS
from streamer.feeds.values import JsonPath, MalformedError, Power, parse_json
from streamer.readings import Sample
from tests.fuzz import run

_LAYOUTS = [
    MessageLayout.of(Address.parse(f"mqtt://host/meter?{options}"))
    for options in (
        *(f"preset={name}&unit=W" for name in PRESETS),
        "unit=W",
        "unit=kW&minus_topic=back",
        "unit=W&path=a[0].b&minus=c&time=t",
    )
]
_RESPONSE = JsonLayout(
    Power("W"), JsonPath.parse("a[0].b"), JsonPath.parse("c"), JsonPath.parse("t")
)


def _mqtt(data: bytes) -> None:
    layout = _LAYOUTS[data[0] % len(_LAYOUTS)] if data else _LAYOUTS[0]
    reader = MessageReader(layout)
    for topic in layout.topics:
        sample = reader.take(topic, data[1:], retained=len(data) % 5 == 0)
        if sample is not None:
            _check(sample.kw, sample.at)


def _hass(data: bytes) -> None:
    entity = Entity("sensor.power")
    document = parse_json(data)
    power_entities(document)
    if entity.apply(document):
        with suppress(RefusedError):
            sample = entity.sample()
            _check(sample.kw if isinstance(sample, Sample) else sample.kwh, None)


def _page(data: bytes) -> None:
    _check(*_RESPONSE.read(parse_json(data)))


_PARSERS: list[Callable[[bytes], None]] = [_mqtt, _hass, _page]


def one_input(data: bytes) -> None:
    """Parse the bytes with the parser that the first byte selects."""
    parse = _PARSERS[data[0] % len(_PARSERS)] if data else _PARSERS[0]
    text = ""
    try:
        parse(data[1:])
    except MalformedError as error:
        text = str(error)
    assert text.isprintable(), repr(text)


def _check(kw: float, at: datetime | None) -> None:
    assert isinstance(Sample(kw, at).kw, float)
    assert not math.isinf(kw)
    assert at is None or at.utcoffset() is not None


if __name__ == "__main__":
    run(
        one_input,
        [
            bytes([parser, 0]) + seed
            for parser in range(len(_PARSERS))
            for seed in (
                b'{"a": [{"b": 1.5}], "c": 2, "t": 1774745940, "ENERGY": {"Power": 3}}',
                b'{"a": {"sensor.power": {"s": "2", "a": {"unit_of_measurement": "W"}}}, "r": []}',
            )
        ],
    )
