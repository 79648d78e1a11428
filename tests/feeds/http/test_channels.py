"""Solar and battery power in the answers of polled devices."""

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
from streamer.feeds.http.presets import PRESETS
from streamer.feeds.registry import open_feed
from streamer.readings import Notice, Sample
from streamer.testing import check_source, read_feed
from tests.feeds.serving import WebServer


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer(_answer({})) as server:
        yield server


def _answer(document: Any) -> Any:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response(document)

    return handler


def powers(url: str, count: int) -> dict[str, float]:
    """The first `count` powers of a feed, by channel."""
    feed = open_feed(Address.parse(url))
    found = [item for item in read_feed(feed, count) if isinstance(item, Sample)]
    feed.close()
    return {each.channel: each.kw for each in found[:count]}


# As in the manufacturers' documentation.
FRONIUS = {"P_Akku": -250.0, "P_Grid": -1500.5, "P_Load": -849.5, "P_PV": 2600.0}


@pytest.mark.parametrize(
    ("rest", "document", "kws"),
    [
        (
            "/live#unit=W&path=grid&solar=pv[*].w&battery=b&battery_sign=discharge",
            {"grid": -50, "pv": [{"w": 100}, {"w": 200}], "b": 150},
            [-0.05, 0.3, -0.15],
        ),
        (
            "/live#unit=kW&sign=export&scale=2&path=g&solar=p&solar_unit=W&solar_scale=10"
            "&solar_sign=consumption",
            {"g": 1, "p": -25},
            [-2.0, 0.25],
        ),
        (
            "#preset=fronius&solar=yes&battery=yes",
            {"Body": {"Data": {"Site": FRONIUS}}},
            [-1.5005, 2.6, 0.25],
        ),
        (
            "#preset=sonnen&solar=yes&battery=yes",
            {"GridFeedIn_W": 77, "Pac_total_W": -344, "Production_W": 669},
            [-0.077, 0.669, 0.344],
        ),
        (
            "#preset=powerwall&solar=yes&battery=yes",
            {
                name: {"instant_power": watts}
                for name, watts in (("site", -21.5), ("solar", 3500), ("battery", -2350))
            },
            [-0.0215, 3.5, 2.35],
        ),
        (
            "#preset=evcc&solar=yes&battery=yes",
            {"grid": {"power": 120}, "pvPower": 2000, "battery": {"power": -500}},
            [0.12, 2.0, 0.5],
        ),
        (
            "#preset=fronius&solar=Body.x&solar_unit=kW",
            {"Body": {"x": 2.5, "Data": {"Site": FRONIUS}}},
            [-1.5005, 2.5],
        ),
    ],
)
def test_powers_of_one_answer(
    server: WebServer, rest: str, document: Any, kws: list[float]
) -> None:
    server.handler = _answer(document)
    found = powers(f"http://{server.host}{rest}", len(kws))
    assert list(found.values()) == pytest.approx(kws)
    assert list(found) == ["", "solar", "battery"][: len(kws)]


@pytest.mark.parametrize(("clamps", "kw"), [(1, 2.5), (0, math.nan)])
def test_the_envoy_knows_its_panels_if_it_has_clamps_there(clamps: int, kw: float) -> None:
    panels = {"measurementType": "production", "wNow": 2500.0, "activeCount": clamps}
    grid = {"measurementType": "net-consumption", "wNow": -1500.0, "activeCount": 1}
    document = {"production": [{"type": "inverters", "wNow": 2400}, panels], "consumption": [grid]}
    address = Address.parse("https://h#preset=envoy&solar=yes&insecure=1")
    request = preset_request(address, PRESETS["envoy"], "https")
    found = [part.read(json.dumps(document).encode()) for part in request.parts]
    assert all(isinstance(each, Sample) for each in found)
    assert [getattr(each, "kw", None) for each in found] == pytest.approx([-1.5, kw], nan_ok=True)


def test_a_solar_power_that_is_unknown_or_missing_leaves_the_grid_alone(
    server: WebServer,
) -> None:
    url = f"http://{server.host}/#unit=W&path=g&solar=p&every=0.5"
    server.handler = _answer({"g": 250, "p": None})
    found = powers(url, 2)
    assert found[""] == 0.25
    assert math.isnan(found["solar"])
    server.handler = _answer({"g": 250})
    feed = open_feed(Address.parse(url))
    items = read_feed(feed, 2)
    feed.close()
    (notice,) = [item for item in items if isinstance(item, Notice)]
    assert notice.text.endswith(": solar power: p is missing; it contains g; the value is unknown")
    assert [item.kw for item in items if isinstance(item, Sample) and not item.channel] == [0.25]


def test_values_of_one_time_are_delivered_once(server: WebServer) -> None:
    server.handler = _answer({"g": 250, "p": 100, "t": 1774745940})
    feed = open_feed(Address.parse(f"http://{server.host}/#unit=W&path=g&time=t&solar=p&every=0.5"))
    found = check_source(feed, samples=2)
    assert [(each.kw, each.channel) for each in found if isinstance(each, Sample)] == [
        (0.25, ""),
        (0.1, "solar"),
    ]
    assert found[0].at == found[1].at is not None


@pytest.mark.parametrize("component", ["em1", "pm1", "switch"])
def test_components_of_a_shelly(server: WebServer, component: str) -> None:
    field = "act_power" if component == "em1" else "apower"
    server.handler = _answer({f"{component}:{number}": {field: 100 * number} for number in (1, 2)})
    url = f"shelly://{server.host}?component={component}&id=1&solar=2"
    assert powers(url, 2) == {"": 0.1, "solar": 0.2}
    assert server.asked[0].path == "/rpc/Shelly.GetStatus"


def test_components_of_a_shelly_of_the_first_generation(server: WebServer) -> None:
    emeters = [{"power": -75.5, "is_valid": True}, {"power": -1250, "is_valid": True}]
    server.handler = _answer({"emeters": emeters})
    url = f"shelly://{server.host}?gen=1&component=em1&solar=1&solar_sign=consumption"
    assert powers(url, 2) == {"": -0.0755, "solar": 1.25}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://h#preset=youless&solar=yes", "no preset knows it; give its place in the JSON"),
        ("http://h#preset=tibber&solar=p", "the answer is not JSON; leave it out"),
        ("http://h#preset=fronius&solar=p", "option solar_unit is missing"),
        ("http://h#unit=kWh&path=e&solar=p", "cannot be an energy register"),
        ("http://h#unit=W&solar=p[", "is not a path"),
        ("http://h#unit=W&solar=p&solar_sign=export", "give production or consumption"),
        ("http://h#unit=W&solar=p&battery=b&battery_sign=import", "give charge or discharge"),
        ("http://h#unit=W&solar=p&solar_scale=0", "give a number other than 0"),
        ("http://h#unit=W&solar=", "it is empty"),
        ("shelly://h?solar=1", "component=em adds all phases; give component=em1, pm1 or switch"),
        ("shelly://h?component=em1&solar=1.5", "give a whole number"),
        ("homewizard://h?solar=1", "this feed has the power at the grid connection alone"),
    ],
)
def test_wrong_options_are_explained(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_feed(Address.parse(url))
