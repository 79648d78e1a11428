from __future__ import annotations

import asyncio
import json
import math
import socket
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.client_middleware_digest_auth import parse_header_pairs
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import LinkError, RefusedError, UsageError
from streamer.feeds import Feed, FeedItem, Pace
from streamer.feeds.address import Address, Credentials, Secret
from streamer.feeds.http.poll import HOMEWIZARD, KIND, SHELLY
from streamer.feeds.values import (
    JsonLayout,
    JsonPath,
    MalformedError,
    PathSum,
    Quantity,
    parse_json,
)
from streamer.readings import CounterSample, Link, Notice, Sample
from streamer.testing import check_source, read_feed
from tests.feeds.serving import Handler, WebServer, fails, self_signed

# As documented by the manufacturers.
HOMEWIZARD_DATA = {
    "wifi_ssid": "My Wi-Fi",
    "wifi_strength": 100,
    "smr_version": 50,
    "meter_model": "ISKRA  2M550T-101",
    "total_power_import_kwh": 13779.338,
    "active_power_w": -543,
    "active_power_l1_w": -676,
    "active_power_l2_w": 133,
    "active_power_l3_w": 0,
}
HOMEWIZARD_OFF = {"error": {"id": 202, "description": "API not enabled"}}
SHELLY_EM = {
    "id": 0,
    "a_current": 4.029,
    "a_voltage": 236.1,
    "a_act_power": 951.2,
    "total_current": 11.116,
    "total_act_power": 2484.782,
    "total_aprt_power": 2486.7,
}
SHELLY_EM1 = {"id": 1, "voltage": 234.9, "current": 2.598, "act_power": 501.8, "freq": 50}

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


def answer_json(document: Any, status: int = 200) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response(document, status=status)

    return handler


def answer_text(text: str | bytes) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(body=text if isinstance(text, bytes) else text.encode())

    return handler


def one_after_another(*handlers: Handler) -> Handler:
    left = list(handlers)

    async def handler(request: web.Request) -> web.StreamResponse:
        return await (left.pop(0) if len(left) > 1 else left[0])(request)

    return handler


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer(answer_json({"power": 250})) as server:
        yield server


def open_json(server: WebServer, rest: str, credentials: Credentials | None = None) -> Feed:
    return KIND.open(Address.parse(f"http://{server.host}{rest}", credentials))


def first_kw(feed: Feed) -> float:
    """Power of a feed's first sample; closes the feed."""
    try:
        return samples(read_feed(feed, 1))[0].kw
    finally:
        feed.close()


def samples(items: list[FeedItem]) -> list[Sample]:
    return [item for item in items if isinstance(item, Sample)]


# Responses


def test_conforms_to_the_feed_protocol(server: WebServer) -> None:
    found = check_source(open_json(server, "/status#path=power&unit=W&every=0.5"), samples=2)
    assert [sample.kw for sample in found] == [0.25, 0.25]


def test_the_connection_is_reported_before_the_first_sample(server: WebServer) -> None:
    feed = open_json(server, "/#path=power&unit=W")
    items = read_feed(feed, 1)
    feed.close()
    assert items == [Link(Link.UP, "meter"), Sample(0.25)]
    assert feed.name == f"http://{server.host}/"


def test_requests_match_the_address_and_share_a_connection(server: WebServer) -> None:
    server.handler = answer_json({"StatusSNS": {"E": {"P": [1, "2.5"]}}})
    feed = open_json(server, "/cm?cmnd=Status%208#path=StatusSNS.E.P[1]&unit=kW&every=0.5")
    assert [item.kw for item in samples(read_feed(feed, 2))] == [2.5, 2.5]
    feed.close()
    assert [request.path_qs for request in server.asked] == ["/cm?cmnd=Status%208"] * 2
    assert len(set(server.peers)) == 1


@pytest.mark.parametrize(
    ("body", "options", "kw"),
    [
        ("312.5", "unit=W", 0.3125),
        ("250.3 W", "unit=kW", 0.2503),
        ('{"in": 100, "out": "400"}', "path=in&minus=out&unit=W", -0.3),
        ('{"in": 100}', "path=in&minus=out?&unit=W", 0.1),
        ('{"p": 3}', "path=p&unit=kW&sign=export", -3.0),
        ('{"power": 12340}', "path=power&unit=mW", 0.01234),
        ('{"p": 2}', "path=p&unit=MW", 2000.0),
        ('{"p": 7}', "path=p&unit=W&scale=20", 0.14),
        ('{"state": "250.3 W", "type": "Number:Power"}', "path=state&unit=W", 0.2503),
        ('{"state": "0.25 kW"}', "path=state&unit=W", 0.25),
        ('{"value": 2, "unit": "kW"}', "path=value&unit=W", 2.0),
        ('{"a": 1, "b": [{"w": 2}, {"w": 3}]}', "path=a,b[*].w&unit=W", 0.006),
        ('{"": {"Power_curr": -136.39}}', 'path=[""].Power_curr&unit=W', -0.13639),
        ('{"p": 5, "flow": "producing"}', "path=p&sign_path=flow&unit=W", -0.005),
        ('{"p": null}', "path=p&unit=W", math.nan),
        ('{"p": 1, "q": null}', "path=p&minus=q&unit=W", math.nan),
        ('{"p": 1, "q": "unavailable"}', "path=p,q&unit=W", math.nan),
        ('{"p": NaN}', "path=p&unit=W", math.nan),
        ("NULL", "unit=W", math.nan),
        ("", "unit=W", math.nan),
        ("\ufeff7", "unit=kW", 7.0),
    ],
)
def test_responses_give_a_power(server: WebServer, body: str, options: str, kw: float) -> None:
    server.handler = answer_text(body)
    assert first_kw(open_json(server, f"/#{options}")) == pytest.approx(kw, nan_ok=True)


@pytest.mark.parametrize(
    ("body", "options", "why"),
    [
        ("<html>", "unit=W", "'<html>' is not a number"),
        ("<html>", "path=p&unit=W", "not JSON"),
        ('{"q": 1}', "path=p&unit=W", "p is missing; it contains q"),
        ('{"p": true}', "path=p&unit=W", "True is not a number"),
        ('{"p": 1.7e308, "q": -1.7e308}', "path=p&minus=q&scale=1e9&unit=kW", "infinite"),
        ('{"p": "1.2 kWh"}', "path=p&unit=W", "'1.2 kWh' is not in a unit of power (mW, W, kW"),
        ('{"p": "1,250 W"}', "path=p&unit=W", "in two ways; give decimal=comma"),
        ('{"value": 5, "unit": "A"}', "path=value&unit=W", "the unit is 'A', not a unit of power"),
        ('{"p": 5, "flow": true}', "path=p&sign_path=flow&unit=W", "give export_if="),
        ("[" * 100_000, "unit=W", "is not a number"),
        (b"\xff\xfe\x00", "unit=W", "is not a number"),
    ],
)
def test_a_response_without_a_power_ends_the_last_value(
    server: WebServer, body: str | bytes, options: str, why: str
) -> None:
    server.handler = one_after_another(answer_text('{"p": 42, "q": 0}'), answer_text(body))
    feed = open_json(server, f"/#{options}&every=0.5")
    items: list[FeedItem] = []
    try:
        while not any(isinstance(item, Notice) and why in item.text for item in items):
            items += feed.read()
        items += feed.read() if isinstance(items[-1], Notice) else []
    finally:
        feed.close()
    assert isinstance(items[-1], Sample)
    assert math.isnan(items[-1].kw)
    notice = items[-2]
    assert isinstance(notice, Notice)
    assert notice.kind == Notice.MALFORMED
    assert notice.text.startswith(feed.name)
    assert notice.text.endswith("; the value is unknown")


def test_an_energy_register_gives_counter_samples(server: WebServer) -> None:
    server.handler = one_after_another(
        answer_json({"in": 1000.01, "out": 0.5}), answer_json({"in": None, "out": 0.5})
    )
    feed = open_json(server, "/#path=in&minus=out&unit=kWh&every=0.5")
    items = [*feed.read()]
    while len(items) < 3:
        items += feed.read()
    feed.close()
    first, second = items[1:3]
    assert first == CounterSample(999.51, net=True)
    assert isinstance(second, CounterSample)
    assert math.isnan(second.kwh)


def test_pulses_are_converted_to_energy(server: WebServer) -> None:
    server.handler = answer_json({"count": 12_345})
    feed = open_json(server, "/#path=count&unit=imp&per_kwh=1000")
    items = [*feed.read()]
    while len(items) < 2:
        items += feed.read()
    feed.close()
    assert items[1] == CounterSample(12.345)
    assert feed.pace == Pace(every_s=5.0)


def test_the_time_is_read_from_the_response(server: WebServer) -> None:
    server.handler = answer_json({"p": 1.5, "t": "2026-03-29T01:59:00+01:00"})
    feed = open_json(server, "/#path=p&time=t&unit=kW")
    items = read_feed(feed, 1)
    feed.close()
    assert items[-1] == Sample(1.5, datetime(2026, 3, 29, 0, 59, tzinfo=UTC))


def test_a_repeated_measurement_gives_one_sample(server: WebServer) -> None:
    answers = [answer_json({"p": 1, "t": 1774745940})] * 2 + [
        answer_json({"p": 1, "t": 1774745950})
    ]
    server.handler = one_after_another(*answers)
    feed = open_json(server, "/#path=p&time=t&unit=kW&every=0.5")
    found = samples(read_feed(feed, 2))
    feed.close()
    assert [sample.at.second for sample in found if sample.at] == [0, 10]
    assert len(server.asked) == 3


@given(document=ANY_JSON, path=st.sampled_from(["", "a", "a.b", "[0]", "a[1]"]))
def test_any_document_gives_a_power_or_a_malformed_error(document: Any, path: str) -> None:
    answer = JsonLayout(
        Quantity("W"), PathSum.parse(path), minus=PathSum.parse("m"), time=JsonPath.parse("t")
    )
    for given_ in (document, {"a": document, "m": document, "t": document}):
        try:
            sample = answer.read(parse_json(json.dumps(given_)))
        except MalformedError:
            continue
        assert isinstance(sample, Sample)
        assert not math.isinf(sample.kw)
        assert sample.at is None or sample.at.tzinfo is not None


# Errors and recovery


def test_a_failed_request_is_repeated_by_the_next_read(server: WebServer) -> None:
    server.handler = one_after_another(
        answer_json({}, 500), answer_json({}, 503), answer_json({}, 429), answer_json({"p": 5})
    )
    feed = open_json(server, "/#path=p&unit=kW")
    for status in (500, 503, 429):
        with pytest.raises(LinkError, match=rf"the server answers with HTTP {status}$") as caught:
            feed.read()
        assert type(caught.value) is LinkError
    assert first_kw(feed) == 5.0


def test_reconnects_to_a_restarted_server(server: WebServer) -> None:
    feed = open_json(server, "/#path=power&unit=W&every=0.5")
    assert samples(read_feed(feed, 1)) == [Sample(0.25)]
    server.stop()
    with pytest.raises(LinkError, match="cannot connect: Connection refused"):
        read_feed(feed, 5)
    server.start()
    assert first_kw(feed) == 0.25


def test_an_unreachable_server_is_a_link_error() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        text = fails(KIND.open(Address.parse(f"http://127.0.0.1:{port}/#unit=W")), LinkError)
    assert text == f"http://127.0.0.1:{port}/: cannot connect: Connection refused"
    text = fails(KIND.open(Address.parse("http://no.such.host.invalid/#unit=W")), LinkError)
    assert text.startswith("http://no.such.host.invalid/: cannot connect: ")


async def _slow(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def _trickling(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.1)


async def _closed_early(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"power": ')
    assert request.transport is not None
    request.transport.abort()
    return response


async def _huge(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" " * 100_000)


@pytest.mark.parametrize(
    ("handler", "error", "text"),
    [
        (_closed_early, LinkError, "the server closed the connection too early"),
        (_huge, RefusedError, "the response is larger than 1 MB; is it a meter?"),
        (answer_json({}, 400), RefusedError, "the request is not understood; check the address"),
        (
            answer_json({}, 401),
            RefusedError,
            "a user and a password, or a token, are required (HTTP 401)",
        ),
        (
            answer_json({}, 403),
            RefusedError,
            "access is forbidden; see the settings of the device (HTTP 403)",
        ),
        (
            answer_json({}, 404),
            RefusedError,
            "the page does not exist; check the address (HTTP 404)",
        ),
    ],
)
def test_bad_responses_are_explained_without_secrets(
    server: WebServer, handler: Handler, error: type[LinkError], text: str
) -> None:
    server.handler = handler
    found = fails(open_json(server, "/a?key=swordfish#unit=W"), error)
    assert found.startswith(f"http://{server.host}/a: {text}")
    server.handler = answer_json(1)
    assert first_kw(open_json(server, "/a#unit=kW")) == 1.0


@pytest.mark.parametrize("handler", [_slow, _trickling])
def test_a_slow_response_times_out(server: WebServer, handler: Handler) -> None:
    server.handler = handler
    found = fails(open_json(server, "/a?key=swordfish#unit=W&timeout=0.5"), LinkError)
    assert found == f"http://{server.host}/a: no answer within 0.5 s"


def test_redirects_are_reported_not_followed(server: WebServer) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("https://me:swordfish@other/login?key=swordfish")

    server.handler = handler
    text = fails(open_json(server, "/#unit=W"))
    assert "the server redirects to https://other/login; use that address (HTTP 302)" in text
    assert "swordfish" not in text
    assert len(server.asked) == 1


@pytest.mark.parametrize("answer", [b"220 smtp ready\r\n", b"\x00" * 100, b""])
def test_a_server_that_is_not_http_is_a_link_error(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        feed = KIND.open(Address.parse(f"http://127.0.0.1:{port}/#unit=W&timeout=2"))

        def serve() -> None:
            # aiohttp repeats the request if the server closes without an answer.
            for _ in range(2):
                with suppress(OSError):
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(1000)
                        connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            assert fails(feed, LinkError).startswith(feed.name)
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # ends a second `accept` that waits
            thread.join(10)


# Authentication


def _has_basic(request: web.Request) -> bool:
    pair = b64encode(b"me:swordfish").decode()
    return request.headers.get("Authorization") == f"Basic {pair}"


def _has_token(request: web.Request) -> bool:
    return request.headers.get("Authorization") == "Bearer swordfish"


def _protected(lets_in: Callable[[web.Request], bool], document: Any) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        if not lets_in(request):
            return web.Response(status=401, headers={"WWW-Authenticate": "Basic realm=x"})
        return web.json_response(document)

    return handler


def _digest(user: str, password: str, document: Any) -> Handler:
    """Digest authentication as used by Shelly: RFC 7616 with SHA-256."""
    realm = "shellypro3em-f008d1d8b8b8"

    def of(*parts: str) -> str:
        return sha256(":".join(parts).encode()).hexdigest()

    async def handler(request: web.Request) -> web.StreamResponse:
        kind, _, rest = request.headers.get("Authorization", "").partition(" ")
        if kind == "Digest":
            sent = parse_header_pairs(rest)
            proof = of(
                of(user, realm, password),
                sent["nonce"],
                sent["nc"],
                sent["cnonce"],
                sent["qop"],
                of(request.method, request.path_qs),
            )
            if sent["response"] == proof and sent["username"] == user:
                return web.json_response(document)
        challenge = f'Digest qop="auth", realm="{realm}", nonce="60dc59c6", algorithm=SHA-256'
        return web.Response(status=401, headers={"WWW-Authenticate": challenge})

    return handler


def test_user_and_password_are_sent(server: WebServer) -> None:
    server.handler = _protected(_has_basic, 3)
    known = Credentials("me", Secret("swordfish"))
    assert first_kw(open_json(server, "/#unit=kW", known)) == 3.0
    address = Address.parse(f"http://me:swordfish@{server.host}/#unit=kW")
    feed = KIND.open(address)
    assert "swordfish" not in feed.name
    assert first_kw(feed) == 3.0
    text = fails(open_json(server, "/#unit=kW", Credentials("me", Secret("trout"))))
    assert "this user and password, or this token, is not accepted" in text
    assert "trout" not in text
    assert "a user and a password, or a token, are required" in fails(
        open_json(server, "/#unit=kW")
    )


def test_the_token_is_sent(server: WebServer) -> None:
    server.handler = _protected(_has_token, 3)
    assert first_kw(open_json(server, "/#unit=kW", Credentials(token=Secret("swordfish")))) == 3.0
    with pytest.raises(UsageError, match="the token contains a line break") as caught:
        open_json(server, "/#unit=kW", Credentials(token=Secret("sword\nfish")))
    assert "fish" not in str(caught.value)


def test_the_password_is_proved_by_digest(server: WebServer) -> None:
    server.handler = _digest("me", "swordfish", 3)
    known = Credentials("me", Secret("swordfish"))
    assert first_kw(open_json(server, "/a?b=c#unit=kW&auth=digest", known)) == 3.0
    assert "HTTP 401" in fails(open_json(server, "/#unit=kW", known))
    assert all(
        "Basic" not in request.headers.get("Authorization", "") for request in server.asked[:-1]
    )


def test_a_self_signed_certificate_needs_insecure(tmp_path: Path) -> None:
    with WebServer(answer_json(2), self_signed(tmp_path)) as server:
        text = fails(KIND.open(Address.parse(f"https://{server.host}/#unit=kW")))
        assert "its certificate is not trusted: self-signed certificate; insecure=1" in text
        assert (
            first_kw(KIND.open(Address.parse(f"https://{server.host}/#unit=kW&insecure=1"))) == 2.0
        )


def test_a_server_without_tls_is_refused(server: WebServer) -> None:
    text = fails(KIND.open(Address.parse(f"https://{server.host}/#unit=kW")))
    assert "the server does not use TLS on this port" in text


# Presets


def test_homewizard_power_is_read(server: WebServer) -> None:
    server.handler = answer_json(HOMEWIZARD_DATA)
    feed = HOMEWIZARD.open(Address.parse(f"homewizard://{server.host}?every=0.5"))
    assert [sample.kw for sample in check_source(feed, samples=2)] == [-0.543, -0.543]
    assert server.asked[0].path_qs == "/api/v1/data"


def test_homewizard_errors_name_the_remedy(server: WebServer) -> None:
    server.handler = answer_json(HOMEWIZARD_OFF, 403)
    text = fails(HOMEWIZARD.open(Address.parse(f"homewizard://{server.host}")))
    assert "the local API is off; switch it on in the HomeWizard app" in text
    server.handler = answer_json({}, 404)
    text = fails(HOMEWIZARD.open(Address.parse(f"homewizard://{server.host}")))
    assert "API v1 is missing; try api=2" in text


@pytest.mark.parametrize(
    ("options", "status", "asked", "kw"),
    [
        ("", SHELLY_EM, "/rpc/EM.GetStatus?id=0", 2.484782),
        ("component=em1&id=1&sign=export", SHELLY_EM1, "/rpc/EM1.GetStatus?id=1", -0.5018),
        ("component=pm1", {"id": 0, "apower": 12.5}, "/rpc/PM1.GetStatus?id=0", 0.0125),
        ("component=switch", {"id": 0, "apower": 8}, "/rpc/Switch.GetStatus?id=0", 0.008),
        ("", SHELLY_EM | {"total_act_power": None}, "/rpc/EM.GetStatus?id=0", math.nan),
    ],
)
def test_shelly_components_are_read(
    server: WebServer, options: str, status: dict[str, Any], asked: str, kw: float
) -> None:
    server.handler = answer_json(status)
    feed = SHELLY.open(Address.parse(f"shelly://{server.host}?{options}&every=0.5"))
    (first, *_) = check_source(feed, samples=1)
    assert first.kw == pytest.approx(kw, nan_ok=True)
    assert server.asked[0].path_qs == asked


def test_shelly_password_is_proved_by_digest(server: WebServer) -> None:
    server.handler = _digest("admin", "swordfish", SHELLY_EM)
    address = f"shelly://{server.host}"
    known = Credentials(password=Secret("swordfish"))
    assert first_kw(SHELLY.open(Address.parse(address, known))) == pytest.approx(2.484782)
    text = fails(SHELLY.open(Address.parse(address)))
    assert "the password of the user admin is required (HTTP 401)" in text
    text = fails(SHELLY.open(Address.parse(address, Credentials(password=Secret("trout")))))
    assert "this password is not accepted (HTTP 401)" in text
    assert "trout" not in text


@pytest.mark.parametrize(
    "handler",
    [
        answer_json({"code": 404, "message": "No handler for EM.GetStatus"}, 404),
        answer_json({"code": -105, "message": "Argument 'id', value 0 not found!"}, 500),
    ],
)
def test_a_missing_shelly_component_is_refused(server: WebServer, handler: Handler) -> None:
    server.handler = handler
    text = fails(SHELLY.open(Address.parse(f"shelly://{server.host}")))
    assert "EM with id 0 does not exist, or the device is older than Gen2" in text


# Addresses


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://host/#path=p", "option unit is missing: give unit=W or unit=kW"),
        ("http://host/#unit=VA", "option unit='VA': give mW or W or kW or MW"),
        ("http://host/#unit=imp", "option per_kwh is missing"),
        ("http://host/#unit=W&per_kwh=1000", "it is for unit=imp"),
        ("http://host/#unit=W&scale=0", "option scale='0': give a number other than 0"),
        ("http://host/#unit=W&export_if=true", "it is for sign_path"),
        ("http://host/#unit=W&id=3", "option id='3': it is for preset="),
        ("http://host/#preset=toaster", "option preset='toaster': give ada-p1 or"),
        ("http://host/#preset=envoy", "answers over https only; write https://"),
        ("http://host/#preset=vzlogger", "option id is missing: it is for vzlogger"),
        ("http://host/#preset=vzlogger&id=a]b", "give a name or number"),
        ("http://host/#preset=evcc&id=1", "this preset has none"),
        ("http://host/#preset=tibber&path=p", "the answer is not JSON; leave it out"),
        ("homewizard://host?api=2", "API v2 needs a token"),
        ("shelly://host?gen=1&id=1", "component=em adds the three phases"),
        ("http://host/#unit=W&path=a..b", "option path='a..b'"),
        ("http://host/#unit=W&time=[", "option time='['"),
        ("http://host/#unit=W&every=0", "option every='0'"),
        ("http://host/#unit=W&timeout=x", "option timeout='x'"),
        ("http://host/#unit=W&auth=none", "option auth='none': give basic or digest"),
        ("http:///x#unit=W", "the host is missing; write http://host"),
        ("homewizard://host/api", "a path is not allowed; write homewizard://host"),
        ("shelly://host?component=em9", "option component='em9'"),
        ("shelly://host?id=1.5", "option id='1.5': give a whole number"),
    ],
)
def test_wrong_addresses_are_usage_errors(url: str, text: str) -> None:
    kinds = {"http": KIND, "homewizard": HOMEWIZARD, "shelly": SHELLY}
    address = Address.parse(url)
    with pytest.raises(UsageError) as caught:
        kinds[address.scheme].open(address)
    assert text in str(caught.value)


@pytest.mark.parametrize("kind", [KIND, HOMEWIZARD, SHELLY])
def test_examples_can_be_opened(kind: Any) -> None:
    address = Address.parse(kind.example)
    address.check_options(kind.options)
    kind.open(address).close()
