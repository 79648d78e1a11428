from __future__ import annotations

import asyncio
import json
import math
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from ssl import SSLContext
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import LinkError, RefusedError, UsageError
from streamer.feeds import Feed, FeedItem, Pace, hass
from streamer.feeds.address import Address, Credentials, Secret
from streamer.feeds.advice import Advice
from streamer.feeds.hass import KIND, open_hass
from streamer.feeds.hass.states import Entity, entities_in
from streamer.feeds.values import UNITS, MalformedError
from streamer.readings import CounterSample, Link, Notice, Sample
from streamer.testing import check_source, read_feed
from tests.feeds.serving import WebServer, fails, self_signed

TOKEN = "swordfish"  # noqa: S105 - the server below takes it


class HomeAssistant(WebServer):
    """A server with the part of Home Assistant's websocket API that concerns states."""

    def __init__(self, ssl: SSLContext | None = None) -> None:
        super().__init__(self._speak, ssl)
        self.states: dict[str, dict[str, Any]] = {
            "sensor.power": {"s": "250", "a": {"unit_of_measurement": "W"}, "lc": 1774745940.5},
            "sensor.power_kitchen": {"s": "1.5", "a": {"unit_of_measurement": "kW"}},
            "sensor.energy": {"s": "1234.5", "a": {"unit_of_measurement": "kWh"}},
            "light.hall": {"s": "on", "a": {}},
        }
        self.commands: list[str] = []
        self.core = "RUNNING"
        self.old = False
        self.silent = False
        self._sockets: dict[web.WebSocketResponse, tuple[int, list[str]]] = {}

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        if request.path != "/api/websocket":
            raise web.HTTPNotFound
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "auth_required", "ha_version": "2026.4.0"})
        try:
            if await self._admits(socket):
                async for message in socket:
                    if message.type is WSMsgType.TEXT and not self.silent:
                        await self._execute(socket, json.loads(message.data))
        finally:
            self._sockets.pop(socket, None)
        return socket

    async def _admits(self, socket: web.WebSocketResponse) -> bool:
        login = await socket.receive_json()
        if login != {"type": "auth", "access_token": TOKEN}:
            await socket.send_json({"type": "auth_invalid", "message": "Invalid access token"})
            await socket.close()
            return False
        await socket.send_json({"type": "auth_ok", "ha_version": "2026.4.0"})
        return True

    async def _execute(self, socket: web.WebSocketResponse, command: dict[str, Any]) -> None:
        number, kind = command["id"], command["type"]
        self.commands.append(kind)
        result: dict[str, Any] = {"id": number, "type": "result", "success": True, "result": None}
        if kind == "ping":
            await socket.send_json({"id": number, "type": "pong"})
        elif kind == "get_states":
            result["result"] = [
                {"entity_id": name, "state": state["s"], "attributes": state["a"]}
                for name, state in self.states.items()
            ]
            await socket.send_json(result)
        elif kind == "get_config":
            result["result"] = {"state": self.core, "version": "2026.4.0"}
            await socket.send_json(result)
        elif kind == "subscribe_entities" and not self.old:
            names = command["entity_ids"]
            self._sockets[socket] = number, names
            await socket.send_json(result)
            states = {name: self.states[name] for name in names if name in self.states}
            await socket.send_json({"id": number, "type": "event", "event": {"a": states}})
        else:
            result |= {"success": False, "error": {"code": "unknown_command", "message": "?"}}
            await socket.send_json(result)

    def send(self, event: Any) -> None:
        """Send an event to all subscribers."""

        async def send() -> None:
            for socket, (number, _) in self._sockets.items():
                await socket.send_json({"id": number, "type": "event", "event": event})

        self.call(send())

    def change(self, **plus: Any) -> None:
        self.send({"c": {"sensor.power": {"+": plus}}})

    def send_raw(self, text: str) -> None:
        async def send() -> None:
            for socket in self._sockets:
                await socket.send_str(text)

        self.call(send())


@pytest.fixture
def house() -> Iterator[HomeAssistant]:
    with HomeAssistant() as house:
        yield house


def open_entity(
    house: WebServer,
    rest: str = "sensor.power",
    *,
    token: str = TOKEN,
    ping_s: float = 25.0,
    appear_s: float = 0.0,
) -> Feed:
    address = Address.parse(f"hass://{house.host}/{rest}", Credentials(token=Secret(token)))
    address.check_options(KIND.options)
    return open_hass(address, ping_s=ping_s, appear_s=appear_s)


def next_items(feed: Feed) -> list[FeedItem]:
    return [item for item in feed.read() if not isinstance(item, Link)]


def two_items(feed: Feed) -> list[FeedItem]:
    """Two items, which arrive together or one after the other."""
    items = next_items(feed)
    return items if len(items) > 1 else [*items, *next_items(feed)]


# With a websocket


def test_conforms_to_the_feed_protocol(house: HomeAssistant) -> None:
    assert check_source(open_entity(house), samples=1) == [Sample(0.25)]


def test_the_current_state_and_each_change_are_samples(house: HomeAssistant) -> None:
    feed = open_entity(house)
    assert feed.name == f"hass://{house.host}/sensor.power"
    assert read_feed(feed, 1) == [Link(Link.UP, "Home Assistant"), Sample(0.25)]
    house.change(s="300", lc=1774745950.5)
    assert next_items(feed) == [Sample(0.3)]
    house.change(lu=1774745951.5, a={"friendly_name": "Power"})
    assert next_items(feed) == [Sample(0.3)]
    house.change(s="-1.5", a={"unit_of_measurement": "kW"})
    assert next_items(feed) == [Sample(-1.5)]
    house.send({"c": {"sensor.other": {"+": {"s": "1"}}}})
    house.change(s="2")
    assert next_items(feed) == [Sample(2.0)]
    feed.close()


def test_a_positive_value_can_be_export(house: HomeAssistant) -> None:
    feed = open_entity(house, "sensor.power_kitchen?sign=export")
    assert read_feed(feed, 1)[-1] == Sample(-1.5)
    feed.close()


@pytest.mark.parametrize("state", ["unavailable", "unknown", "", "None", "nan"])
def test_an_unknown_state_is_nan(house: HomeAssistant, state: str) -> None:
    house.states["sensor.power"] = {"s": state, "a": {"restored": True}}
    feed = open_entity(house)
    (sample,) = [item for item in read_feed(feed, 1) if isinstance(item, Sample)]
    assert math.isnan(sample.kw)
    house.change(s="400", a={"unit_of_measurement": "W"})
    assert next_items(feed) == [Sample(0.4)]
    house.change(s=state)
    (gone,) = next_items(feed)
    assert isinstance(gone, Sample)
    assert math.isnan(gone.kw)
    feed.close()


def test_an_entity_may_be_removed_and_added_again(house: HomeAssistant) -> None:
    feed = open_entity(house)
    read_feed(feed, 1)
    house.send({"r": ["sensor.power"]})
    (gone,) = next_items(feed)
    assert isinstance(gone, Sample)
    assert math.isnan(gone.kw)
    house.send({"a": {"sensor.power": {"s": "7", "a": {"unit_of_measurement": "kW"}}}})
    assert next_items(feed) == [Sample(7.0)]
    feed.close()


def test_malformed_messages_are_reported_and_skipped(house: HomeAssistant) -> None:
    feed = open_entity(house)
    read_feed(feed, 1)
    for state in ("a lot", [1], "1e999", True):
        house.change(s=state)
        unknown, notice = two_items(feed)
        assert isinstance(unknown, Sample)
        assert math.isnan(unknown.kw)
        assert isinstance(notice, Notice)
        assert notice.kind == Notice.MALFORMED
    nonsense = [
        lambda: house.send(None),
        lambda: house.send({"c": {"sensor.power": 5}}),
        lambda: house.send({"a": []}),
        lambda: house.send_raw("{"),
        lambda: house.send_raw("[1]"),
    ]
    for speak in nonsense:
        speak()
        (notice,) = next_items(feed)
        assert isinstance(notice, Notice)
        assert notice.kind == Notice.MALFORMED
        assert notice.text.startswith(f"{feed.name}: ")
    house.change(s="500")
    assert next_items(feed) == [Sample(0.5)]
    feed.close()


def test_a_wrong_token_is_refused(house: HomeAssistant) -> None:
    text = fails(open_entity(house, token=TOKEN[::-1]))
    assert "Home Assistant rejects the token; create a new one" in text
    assert TOKEN[::-1] not in text


def test_a_self_signed_certificate_needs_insecure(tmp_path: Path) -> None:
    with HomeAssistant(self_signed(tmp_path)) as house:
        text = fails(open_entity(house, "sensor.power?tls=1"))
        assert "its certificate is not trusted" in text
        feed = open_entity(house, "sensor.power?tls=1&insecure=1")
        assert read_feed(feed, 1)[-1] == Sample(0.25)
        feed.close()


def test_a_token_is_required() -> None:
    with pytest.raises(UsageError, match="make a long-lived access token"):
        KIND.open(Address.parse("hass://host/sensor.power"))


def test_an_unknown_entity_is_refused_with_similar_names(
    house: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hass, "_LOOK_S", 0.05)
    text = fails(open_entity(house, "sensor.powr"))
    assert text.endswith(
        "sensor.powr does not exist, or the token's user may not read it; "
        "is it sensor.power or sensor.power_kitchen?"
    )
    assert "get_states" in house.commands
    house.states.clear()
    assert fails(open_entity(house, "sensor.powr")).endswith("may not read it")


def add(house: HomeAssistant, name: str, state: str, **attributes: str) -> None:
    house.states[name] = {"s": state, "a": {"unit_of_measurement": "W", **attributes}}
    house.send({"a": {name: house.states[name]}})


def until_warned(feed: Feed, text: str) -> None:
    """Read until a warning with a text has come."""
    items: list[FeedItem] = []
    while not any(isinstance(item, Notice) and text in item.text for item in items):
        items = list(feed.read())
        assert items


@pytest.mark.parametrize("core", ["NOT_RUNNING", "STARTING"])
def test_an_entity_is_awaited_while_home_assistant_starts(house: HomeAssistant, core: str) -> None:
    del house.states["sensor.power"]
    house.core = core
    feed = open_entity(house)
    until_warned(feed, "Home Assistant is starting; waiting for sensor.power")
    add(house, "sensor.power", "250")
    assert read_feed(feed, 1) == [Link(Link.UP, "Home Assistant"), Sample(0.25)]
    feed.close()


def test_an_entity_is_awaited_for_a_while_after_the_start(house: HomeAssistant) -> None:
    del house.states["sensor.power"]
    feed = open_entity(house, appear_s=20.0)
    until_warned(feed, "sensor.power does not exist, or the token's user may not read it; is it ")
    add(house, "sensor.other", "1")
    add(house, "sensor.power", "250")
    assert read_feed(feed, 1) == [Link(Link.UP, "Home Assistant"), Sample(0.25)]
    feed.close()


def test_an_entity_that_is_missing_after_a_restart_is_unknown_and_awaited(
    house: HomeAssistant,
) -> None:
    feed = open_entity(house)
    read_feed(feed, 1)
    house.stop()
    with pytest.raises(LinkError):
        feed.read()
    del house.states["sensor.power"]
    house.start()
    up, unknown = read_feed(feed, 1)[:2]
    assert up == Link(Link.UP, "Home Assistant")
    assert isinstance(unknown, Sample)
    assert math.isnan(unknown.kw)
    until_warned(feed, "sensor.power does not exist")
    add(house, "sensor.power", "250")
    assert read_feed(feed, 1)[-1] == Sample(0.25)
    feed.close()


def test_another_quantity_is_refused(house: HomeAssistant) -> None:
    what = "give one in mW, W, kW, MW, GW, or a counter in mWh, Wh, kWh, MWh, GWh"
    assert f"sensor.energy is in kWh, but its state_class is not total_increasing; {what}" in fails(
        open_entity(house, "sensor.energy")
    )
    assert f"light.hall has no unit; {what}" in fails(open_entity(house, "light.hall"))
    for unit in ("VA", "var", "A", "°C", "€/kWh", "l", "BTU/h", "kvarh"):
        house.states["sensor.power"]["a"]["unit_of_measurement"] = unit
        assert f"sensor.power is in {unit}; {what}" in fails(open_entity(house))


@pytest.mark.parametrize(
    ("state_class", "attributes", "net"),
    [
        ("total_increasing", {}, False),
        ("total", {}, True),
        ("total", {"last_reset": "2026-01-01T00:00:00+00:00"}, False),
    ],
)
def test_a_counter_is_an_energy_register(
    house: HomeAssistant, state_class: str, attributes: dict[str, str], net: bool
) -> None:
    house.states["sensor.energy"]["a"] |= {"state_class": state_class, **attributes}
    feed = open_entity(house, "sensor.energy")
    assert read_feed(feed, 1)[-1] == CounterSample(1234.5, net=net)
    house.send({"c": {"sensor.energy": {"+": {"s": "1.25", "a": {"unit_of_measurement": "MWh"}}}}})
    assert next_items(feed) == [CounterSample(1250.0, net=net)]
    feed.close()


def test_another_quantity_later_ends_the_value_and_is_refused(house: HomeAssistant) -> None:
    house.states["sensor.power"]["a"]["state_class"] = "total_increasing"
    for unit in ("°C", "kWh"):
        feed = open_entity(house)
        read_feed(feed, 1)
        house.change(a={"unit_of_measurement": unit})
        (unknown,) = next_items(feed)
        assert isinstance(unknown, Sample)
        assert math.isnan(unknown.kw)
        with pytest.raises(RefusedError, match=f"sensor.power is in .*{unit}"):
            feed.read()
        feed.close()


def test_its_pace_is_that_of_changes(house: HomeAssistant) -> None:
    feed = open_hass(Address.parse(KIND.example, Credentials(token=Secret(TOKEN))))
    assert feed.pace == Pace(on_change=True)
    feed.close()


def test_advice_names_no_option_that_it_does_not_take() -> None:
    address = Address.parse(KIND.example, Credentials(token=Secret(TOKEN)))
    assert "unit" not in KIND.options
    assert Advice.of(KIND, address).unit == (
        "correct the entity's unit_of_measurement in Home Assistant"
    )


def test_an_old_version_is_refused(house: HomeAssistant) -> None:
    house.old = True
    assert "Home Assistant is too old; 2022.4 or newer is required" in fails(open_entity(house))


def test_reconnects_after_a_restart(house: HomeAssistant) -> None:
    feed = open_entity(house)
    read_feed(feed, 1)
    house.stop()
    with pytest.raises(LinkError, match="Home Assistant closed the connection"):
        feed.read()
    with pytest.raises(LinkError, match="cannot connect: Connection refused"):
        feed.read()
    house.states["sensor.power"]["s"] = "260"
    house.start()
    assert read_feed(feed, 1) == [Link(Link.UP, "Home Assistant"), Sample(0.26)]
    feed.close()


def test_a_silent_connection_is_pinged(house: HomeAssistant) -> None:
    feed = open_entity(house, ping_s=0.05)
    read_feed(feed, 1)
    found: list[FeedItem] = []
    reading = threading.Thread(target=lambda: found.extend(feed.read()))
    reading.start()
    deadline = time.monotonic() + 60.0
    while house.commands.count("ping") < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert reading.is_alive()
    house.change(s="300")
    reading.join(60.0)
    assert found == [Sample(0.3)]
    feed.close()


def test_a_ping_without_an_answer_is_a_lost_connection(house: HomeAssistant) -> None:
    feed = open_entity(house, "sensor.power?timeout=1", ping_s=0.05)
    read_feed(feed, 1)
    house.silent = True
    with pytest.raises(LinkError, match="no answer within 1 s"):
        read_feed(feed, 1)
    house.silent = False
    assert read_feed(feed, 1)[-1] == Sample(0.25)
    feed.close()


@pytest.mark.parametrize("after", ["the login", "the subscription", "the first state"])
def test_pings_of_the_other_end_are_no_answer(house: HomeAssistant, after: str) -> None:
    """A websocket that pings for ever and never answers counts as lost all the same."""

    async def ping(socket: web.WebSocketResponse) -> web.StreamResponse:
        while not socket.closed:
            await socket.ping()
            await asyncio.sleep(0.05)
        return socket

    async def answer(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if after == "the login":
            return await ping(socket)
        await socket.send_json({"type": "auth_required"})
        await house._admits(socket)
        if after == "the first state":
            number = (await socket.receive_json())["id"]
            event = {"a": {"sensor.power": house.states["sensor.power"]}}
            await socket.send_json({"id": number, "type": "event", "event": event})
        return await ping(socket)

    house.handler = answer
    feed = open_entity(house, "sensor.power?timeout=0.5", ping_s=0.3)
    started = time.monotonic()
    with pytest.raises(LinkError, match=r"no answer within 0\.5 s"):
        read_feed(feed, 2)
    assert time.monotonic() - started < 60.0  # on a busy machine; if pings counted, for ever
    feed.close()


@pytest.mark.parametrize("answered", ["subscribe_entities", "get_config"])
def test_other_messages_are_no_answer(house: HomeAssistant, answered: str) -> None:
    async def chatter(socket: web.WebSocketResponse, command: dict[str, Any]) -> None:
        if command["type"] != answered and command["type"] != "ping":
            event = {"id": command["id"], "type": "event", "event": {"a": {}}}
            return await socket.send_json(event)
        while not socket.closed:
            await socket.send_json({"id": 99, "type": "pong"})
            await asyncio.sleep(0.02)
        return None

    house._execute = chatter  # type: ignore[method-assign]
    feed = open_entity(house, "sensor.power?timeout=0.5")
    with pytest.raises(LinkError, match=r"no answer within 0\.5 s"):
        read_feed(feed, 1)
    feed.close()


@pytest.mark.parametrize(
    ("status", "error", "text"),
    [
        (200, RefusedError, "this is not Home Assistant (HTTP 200)"),
        (404, RefusedError, "this is not Home Assistant (HTTP 404)"),
        (403, RefusedError, "Home Assistant has banned this machine"),
        (502, LinkError, "Home Assistant has not started yet (HTTP 502)"),
    ],
)
def test_other_http_responses_are_explained(
    house: HomeAssistant, status: int, error: type[LinkError], text: str
) -> None:
    async def page(request: web.Request) -> web.StreamResponse:
        return web.Response(text="hello", status=status)

    house.handler = page
    assert text in fails(open_entity(house), error)


@pytest.mark.parametrize("text", ["hello", "[]", '{"type": "welcome"}'])
def test_other_websockets_are_a_link_error(house: HomeAssistant, text: str) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(text)
        await socket.receive()
        return socket

    house.handler = answer
    assert "is it Home Assistant?" in fails(open_entity(house), LinkError)


# Without a connection

NAMES = st.sampled_from(["sensor.power", "a", "c", "r", "s", "+", "-", "unit_of_measurement", "x"])
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["W", "kW", "MW", "12.5", "1e308", "unavailable", "sensor.power"])
)
MESSAGES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(events=st.lists(MESSAGES, max_size=5))
def test_any_event_is_applied_or_a_malformed_error(events: list[Any]) -> None:
    entity = Entity("sensor.power")
    for event in events:
        try:
            entity.apply(event)
            sample = entity.sample()
        except (MalformedError, RefusedError):
            continue
        assert not math.isinf(sample.kw if isinstance(sample, Sample) else sample.kwh)


@given(states=MESSAGES)
def test_any_list_of_states_is_searched(states: Any) -> None:
    assert entities_in(states, UNITS) == []
    state = {"entity_id": "sensor.p", "attributes": {"unit_of_measurement": "W"}}
    assert entities_in([states, state], UNITS) == ["sensor.p"]


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5))
def test_changes_give_the_same_states_as_new_ones(values: list[float]) -> None:
    entity = Entity("sensor.power")
    attributes = {"unit_of_measurement": "W"}
    assert entity.apply({"a": {"sensor.power": {"s": str(values[0]), "a": attributes}}})
    for value in values:
        assert entity.apply({"c": {"sensor.power": {"+": {"s": str(value)}}}})
        assert entity.sample() == Sample(value * 1e-3)


def test_a_dropped_unit_is_missing() -> None:
    entity = Entity("sensor.power")
    entity.apply({"a": {"sensor.power": {"s": "1", "a": {"unit_of_measurement": "W"}}}})
    entity.apply({"c": {"sensor.power": {"-": {"a": ["unit_of_measurement"]}}}})
    with pytest.raises(RefusedError, match=r"sensor\.power has no unit"):
        entity.sample()


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("hass://host", "the entity's id is missing"),
        ("hass://host/power", "the entity's id is missing"),
        ("hass:///sensor.power", "the host is missing"),
        ("hass://host/sensor.power?sign=both", "option sign='both': give import or export"),
        ("hass://host/sensor.power?tls=yes", "option tls='yes': give 0 or 1"),
    ],
)
def test_wrong_addresses_are_usage_errors(url: str, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        KIND.open(Address.parse(url, Credentials(token=Secret(TOKEN))))
    assert text in str(caught.value)


def test_the_example_can_be_opened() -> None:
    address = Address.parse(KIND.example, Credentials(token=Secret(TOKEN)))
    KIND.open(address).close()


# A real Home Assistant


@pytest.mark.homeassistant
@pytest.mark.skipif(
    "STREAMER_TEST_HASS_URL" not in os.environ,
    reason="needs a Home Assistant: STREAMER_TEST_HASS_URL=hass://host/sensor.power and "
    "STREAMER_TEST_HASS_TOKEN",
)
def test_a_real_home_assistant() -> None:
    token = Secret(os.environ["STREAMER_TEST_HASS_TOKEN"])
    url = os.environ["STREAMER_TEST_HASS_URL"]
    assert len(check_source(KIND.open(Address.parse(url, Credentials(token=token))), samples=1)) > 0
