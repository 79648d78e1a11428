"""Further channels in the answers of polled devices."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from streamer.errors import UsageError
from streamer.feeds.address import Address
from streamer.feeds.http.options import preset_request
from streamer.feeds.http.presets import HOMEWIZARD_V1, HOMEWIZARD_V2, PRESETS
from streamer.feeds.registry import open_feed
from streamer.feeds.values import MEASURES
from streamer.readings import Notice, Sample
from streamer.testing import read_feed
from tests.feeds.serving import WebServer


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer(_answer({})) as server:
        yield server


def _answer(document: Any) -> Any:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response(document)

    return handler


def values(url: str, count: int) -> dict[str, float]:
    """The first `count` values of a feed, by channel."""
    feed = open_feed(Address.parse(url))
    found = [item for item in read_feed(feed, count) if isinstance(item, Sample)]
    feed.close()
    return {each.channel: each.kw for each in found[:count]}


def of_preset(name: str, document: Any, channels: str, options: str = "") -> dict[str, float]:
    """Values that a preset reads in an answer."""
    preset = PRESETS[name]
    scheme = "https" if preset.tls else "http"
    address = Address.parse(f"{scheme}://h#preset={name}&channels={channels}{options}")
    body = json.dumps(document).encode()
    found = [part.read(body) for part in preset_request(address, preset, scheme).parts]
    return {each.channel: each.kw for each in found if isinstance(each, Sample)}


def dsmr_logger(**fields: float) -> dict[str, Any]:
    return {"actual": [{"name": name, "value": value} for name, value in fields.items()]}


# As in the manufacturers' documentation, and in recordings of real devices.
PHASES = {
    "active_power_w": 7100.28,
    "active_voltage_l1_v": 230.751,
    "active_voltage_l2_v": 228.391,
    "active_voltage_l3_v": 229.612,
    "active_current_a": 30.999,
    "active_current_l1_a": 0.0,
    "active_current_l2_a": 15.521,
    "active_current_l3_a": 15.477,
    "active_reactive_power_var": -429.025,
}
SOCKET = {
    "active_power_w": 543.312,
    "active_power_l1_w": 543.312,
    "active_voltage_v": 231.539,
    "active_current_a": 2.346,
    "active_reactive_power_var": 123.456,
}
FRONIUS = {
    "Current_AC_Sum": 24.5,
    "PowerReactive_Q_Sum": 2.87,
    "PowerReal_P_Sum": 5592.57,
    "Voltage_AC_Phase_1": 228.6,
    "Voltage_AC_Phase_2": 228.6,
    "Voltage_AC_Phase_3": 231.0,
}


@pytest.mark.parametrize(
    ("preset", "document", "expected"),
    [
        ("homewizard", PHASES, {"voltage": 229.584667, "current": 30.998, "reactive": -0.429025}),
        ("homewizard", SOCKET, {"voltage": 231.539, "current": 2.346, "reactive": 0.123456}),
        (
            "homewizard-v2",
            {name.removeprefix("active_"): value for name, value in PHASES.items()},
            {"voltage": 229.584667, "current": 30.998, "reactive": -0.429025},
        ),
        (
            "tasmota",
            {"StatusSNS": {"ENERGY": {"Power": 12, "Voltage": 231, "Current": 0.2,
                                      "ReactivePower": 40}}},
            {"voltage": 231.0, "current": 0.2, "reactive": 0.04},
        ),
        (
            "tasmota",
            {"StatusSNS": {"ENERGY": {"Power": [52, 5], "ReactivePower": [40, 9], "Voltage": 235,
                                      "Current": [0.278, 0.044]}}},
            {"voltage": 235.0, "current": 0.322, "reactive": 0.049},
        ),
        (
            "shelly1-3em",
            {"emeters": [
                {"power": 197.77, "current": 1.14, "voltage": 236.27, "is_valid": True},
                {"power": 21.34, "current": 0.3, "voltage": 235.44, "is_valid": True},
                {"power": 0, "current": 0, "voltage": 0, "is_valid": True},
            ]},
            {"voltage": 235.855, "current": 1.44},
        ),
        (
            "shelly1-em",
            {"emeters": [{"power": 250, "reactive": -30.5, "voltage": 229.9, "is_valid": True}]},
            {"voltage": 229.9, "reactive": -0.0305},
        ),
        (
            "dsmr-logger",
            dsmr_logger(power_delivered=0.25, voltage_l1=231.0, current_l1=2),
            {"voltage": 231.0, "current": 2.0},
        ),
        (
            "p1-dongle",
            {
                "power_delivered": {"value": 0.25, "unit": "kW"},
                **{f"voltage_l{phase}": {"value": 230 + phase, "unit": "V"} for phase in (1, 2, 3)},
                **{f"current_l{phase}": {"value": phase, "unit": "A"} for phase in (1, 2, 3)},
            },
            {"voltage": 232.0, "current": 6.0},
        ),
        (
            "fronius-meter",
            {"Body": {"Data": {"0": FRONIUS}}},
            {"voltage": 229.4, "current": 24.5, "reactive": 0.00287},
        ),
    ],
)  # fmt: skip
def test_presets_know_the_channels_of_their_devices(
    preset: str, document: Any, expected: dict[str, float]
) -> None:
    found = of_preset(preset, document, ",".join(expected))
    assert {name: value for name, value in found.items() if name} == pytest.approx(expected)


def test_every_channel_of_a_preset_has_a_known_unit_and_every_one_is_tested() -> None:
    known = {name: set(preset.channels) for name, preset in PRESETS.items() if preset.channels}
    assert set().union(*known.values()) <= MEASURES.keys()
    assert known.keys() == {
        *("homewizard", "homewizard-v2", "tasmota", "shelly1-3em", "shelly1-em", "dsmr-logger"),
        *("p1-dongle", "fronius-meter"),
    }
    assert HOMEWIZARD_V1.channels.keys() == HOMEWIZARD_V2.channels.keys() == MEASURES.keys()


def test_a_channel_is_unknown_where_the_device_does_not_measure() -> None:
    emeters = [{"power": 250, "reactive": 30, "voltage": 230, "is_valid": False}]
    found = of_preset("shelly1-em", {"emeters": emeters}, "voltage")
    assert math.isnan(found["voltage"])


def test_places_of_ones_own_beside_those_of_a_preset() -> None:
    found = of_preset(
        "homewizard", {**SOCKET, "b": {"w": 1500}}, "voltage,boiler:b.w", "&channel_units=boiler:W"
    )
    assert found == {"": 0.543312, "voltage": 231.539, "boiler": 1.5}


def test_json_from_any_address(server: WebServer) -> None:
    server.handler = _answer(
        {"g": 250, "u": [230, 232], "q": "0.1 kvar", "i": {"value": 1500, "unit": "mA"}, "t": 1e9}
    )
    rest = "#unit=W&path=g&every=0.5&channels=voltage:u[*],reactive:q,current:i.value"
    found = values(f"http://{server.host}/{rest}", 4)
    assert found == {"": 0.25, "voltage": 231.0, "reactive": 0.1, "current": 1.5}


def test_a_channel_that_is_missing_is_unknown_and_leaves_the_power_alone(
    server: WebServer,
) -> None:
    server.handler = _answer({"g": 250})
    feed = open_feed(
        Address.parse(f"http://{server.host}/#unit=W&path=g&channels=voltage:u&every=0.5")
    )
    items = read_feed(feed, 2)
    feed.close()
    (notice,) = [item for item in items if isinstance(item, Notice)]
    assert notice.text.endswith(": voltage: u is missing; it contains g; the value is unknown")
    grid, volts = [item for item in items if isinstance(item, Sample)]
    assert grid == Sample(0.25)
    assert volts.channel == "voltage"
    assert math.isnan(volts.kw)


EM = {
    "id": 0,
    "a_current": 1.0,
    "a_voltage": 220.0,
    "b_current": 2.0,
    "b_voltage": 230.0,
    "c_current": 10.0,
    "c_voltage": 240.0,
    "n_current": None,
    "total_current": 13.0,
    "total_act_power": 2990.0,
}


@pytest.mark.parametrize(
    ("options", "document", "path", "expected"),
    [
        (
            "channels=voltage,current",
            EM,
            "/rpc/EM.GetStatus",
            {"": 2.99, "voltage": 230.0, "current": 13.0},
        ),
        (
            "component=em1&channels=voltage,current",
            {"id": 0, "current": 2.598, "voltage": 234.9, "act_power": 501.8},
            "/rpc/EM1.GetStatus",
            {"": 0.5018, "voltage": 234.9, "current": 2.598},
        ),
        (
            "component=em1&channels=voltage,boiler:1,current:1&channel_scales=boiler:-1",
            {
                "em1:0": {"current": 0.08, "voltage": 234.9, "act_power": 10},
                "em1:1": {"current": 2.598, "voltage": 234.9, "act_power": -501.8},
            },
            "/rpc/Shelly.GetStatus",
            {"": 0.01, "voltage": 234.9, "boiler": 0.5018, "current": 2.598},
        ),
        (
            "component=em1&channels=voltage_l1,voltage_l2:1",
            {
                "em1:0": {"current": 0.08, "voltage": 234.9, "act_power": 10},
                "em1:1": {"current": 2.598, "voltage": 229.5, "act_power": -501.8},
            },
            "/rpc/Shelly.GetStatus",
            {"": 0.01, "voltage_l1": 234.9, "voltage_l2": 229.5},
        ),
        (
            "component=switch&id=2&channels=voltage",
            {"voltage": 231.0, "apower": 100.0},
            "/rpc/Switch.GetStatus",
            {"": 0.1, "voltage": 231.0},
        ),
        (
            "gen=1&component=em1&channels=voltage,reactive,boiler:1",
            {
                "emeters": [
                    {"power": 250, "reactive": 30, "voltage": 230, "is_valid": True},
                    {"power": 1500, "reactive": 0, "voltage": 230, "is_valid": True},
                ]
            },
            "/status",
            {"": 0.25, "voltage": 230.0, "reactive": 0.03, "boiler": 1.5},
        ),
        (
            "gen=1&channels=voltage,current",
            {"emeters": [{"power": 1, "voltage": 230, "current": 2, "is_valid": True}] * 3},
            "/status",
            {"": 0.003, "voltage": 230.0, "current": 6.0},
        ),
    ],
)
def test_shelly(
    server: WebServer, options: str, document: Any, path: str, expected: dict[str, float]
) -> None:
    server.handler = _answer(document)
    assert values(f"shelly://{server.host}?{options}", len(expected)) == pytest.approx(expected)
    assert server.asked[0].path == path


def test_homewizard(server: WebServer) -> None:
    server.handler = _answer(SOCKET)
    found = values(f"homewizard://{server.host}?channels=voltage,reactive", 3)
    assert found == {"": 0.543312, "voltage": 231.539, "reactive": 0.123456}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "http://h#preset=youless&channels=voltage",
            "voltage is not known; give it, as in voltage",
        ),
        ("http://h#unit=W&path=p&channels=voltage", "voltage is not known; give it, as in voltage"),
        (
            "http://h#preset=shelly1-em&channels=current",
            r"give it, as in current:PLACE \(known without a place: voltage, reactive\)",
        ),
        ("http://h#preset=youless&channels=boiler:b", "give channel_units=boiler:kW"),
        (
            "http://h#preset=tibber&channels=voltage:u",
            "the registers are known; give voltage alone",
        ),
        (
            "http://h#preset=tibber&channels=boiler",
            "the meter has no boiler; give voltage or curren",
        ),
        ("http://h#unit=W&path=p&channels=voltage:u[", "is not a path"),
        ("shelly://h?channels=voltage:1", "component=em adds all phases"),
        ("shelly://h?channels=reactive", r"known without a place: voltage, current\)"),
        ("shelly://h?component=em1&channels=boiler", "the place of boiler is not known"),
        ("shelly://h?component=em1&channels=boiler:x", "give a whole number from 0 to 999"),
        ("shelly://h?component=em1&channels=reactive:1", "this component has no reactive"),
        ("shelly://h?component=em1&channels=boiler:1,boiler:2", "give one component for boiler"),
        ("shelly://h?gen=1&component=switch&channels=voltage", "the place of voltage is not known"),
    ],
)
def test_wrong_options_are_explained(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_feed(Address.parse(url))
