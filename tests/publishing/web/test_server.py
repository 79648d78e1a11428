"""Tests of the server: paths, health, methods, and who is let in."""

from __future__ import annotations

import asyncio
import base64
import socket
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiohttp import ClientSession
from multidict import CIMultiDict

from streamer.errors import LinkError, RefusedError
from streamer.pipeline import Pipeline
from streamer.publishing.record import state_record
from streamer.publishing.state import MeterState
from streamer.publishing.web.headers import HEADERS
from streamer.publishing.web.publisher import Listen, WebServer
from streamer.readings import Link, Notice, Step
from streamer.sinks import Item
from streamer.sinks.items import About
from streamer.testing import FixedForecaster, readings
from tests.publishing.web.helpers import HOUSE, START, Site, access, serve

TOKEN = "swordfish"  # noqa: S105 - of nothing


def _steps(count: int) -> list[Step]:
    return Pipeline(FixedForecaster()).push_many(readings([0.3] * count, start=START))


def _basic(login: str) -> str:
    return f"Basic {base64.b64encode(login.encode()).decode()}"


class _Metrics:
    """Metrics that keep what they get."""

    def __init__(self) -> None:
        self.taken: list[Item | None] = []

    def take(self, state: MeterState, item: Item | None) -> None:
        self.taken.append(item)

    def count_failure(self, publisher: str) -> None:
        self.taken.append(Notice(Notice.WARNING, publisher))

    def exposition(self, now: datetime, accept: str) -> tuple[bytes, str]:
        return f"{now:%H:%M} {accept}\n".encode(), "text/plain; version=0.0.4; charset=utf-8"


def test_the_state_of_all_meters_and_of_one() -> None:
    site = Site()
    steps, solar = _steps(60), replace(HOUSE, name="Roof", key="roof")
    site.send(About("meter", "homes"), *steps)
    site.send(*steps[:10], meter=solar)
    house = replace(MeterState(HOUSE), about=About("meter", "homes"), step=steps[-1])

    async def test(client: ClientSession) -> None:
        site.clock.at = heard = steps[-1].reading.at.replace(second=59)
        site.send(*steps[-1:])
        async with client.get("/api/now") as response:
            found = await response.json()
            assert response.headers["Content-Type"] == "application/json; charset=utf-8"
        now = site.clock()
        expected = state_record(replace(house, heard_at=now), now)
        assert found["now"] == now.isoformat() > heard.isoformat()
        assert list(found["meters"]) == ["house", "roof"]
        assert found["meters"]["house"] == expected
        async with client.get("/api/now/house") as response:
            assert await response.json() == expected

    serve(site, test)


def test_health_is_503_until_every_meter_is_fresh() -> None:
    site = Site()
    steps = _steps(3)

    async def test(client: ClientSession) -> None:
        async def health() -> tuple[int, str]:
            async with client.get("/healthz") as response:
                return response.status, await response.text()

        assert await health() == (503, "waiting: no meter yet\n")
        site.send(About("meter", "homes"))
        assert await health() == (503, "house: waiting: no reading yet\n")
        site.send(*steps)
        assert await health() == (200, "house: fresh\n")
        site.clock.forward(88)
        assert await health() == (200, "house: fresh\n")
        site.clock.forward(1)
        late = "house: stale: the last reading is of 12:02, received 1 min ago\n"
        assert await health() == (503, late)
        site.send(Link(Link.LOST, "broker", "no route\nto host"))
        assert await health() == (503, f"{late[:-1]}; broker lost (no route to host)\n")
        site.send(None)
        assert await health() == (503, "house: ended: the stream has ended\n")

    serve(site, test)


def test_metrics_get_all_items_and_answer_at_their_path() -> None:
    metrics = _Metrics()
    site = Site(metrics=metrics)
    items = [About("meter", "homes"), *_steps(3), Link(Link.UP)]
    site.send(*items)

    async def test(client: ClientSession) -> None:
        async with client.get("/metrics", headers={"Accept": "x/y"}) as response:
            assert await response.text() == "12:03 x/y\n"
            kind = response.headers["Content-Type"]
            assert kind == "text/plain; version=0.0.4; charset=utf-8"

    serve(site, test)
    assert metrics.taken == items


def test_without_their_library_the_extra_is_named() -> None:
    async def test(client: ClientSession) -> None:
        async with client.get("/metrics") as response:
            assert response.status == 404
            assert "pip install 'streamer-forecaster[metrics]'" in await response.text()

    serve(Site(), test)


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nowhere", 404, "'/nowhere' does not exist"),
        ("GET", "/api", 404, "does not exist"),
        ("GET", "/api/now/", 404, "no meter ''"),
        ("GET", "/api/now/roof", 404, "no meter 'roof'; there are: house"),
        ("GET", "/api/now/..%2f..%2fetc%2fpasswd", 404, "does not exist"),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd", 404, "does not exist"),
        ("POST", "/api/now", 405, "use GET"),
        ("DELETE", "/healthz", 405, "use GET"),
        ("OPTIONS", "/", 405, "use GET"),
    ],
)
def test_what_does_not_exist_is_one_line_of_json(
    method: str, path: str, status: int, words: str
) -> None:
    site = Site()
    site.send(About("meter", "homes"))

    async def test(client: ClientSession) -> None:
        async with client.request(method, path) as response:
            assert response.status == status
            assert words in (await response.json())["error"]
            if status == 405:
                assert response.headers["Allow"] == "GET, HEAD"

    serve(site, test)


def test_head_has_the_headers_alone_and_nothing_is_stored() -> None:
    async def test(client: ClientSession) -> None:
        for path in ("/healthz", "/api/now", "/nowhere"):
            async with client.head(path) as response:
                assert await response.read() == b""
                assert {**HEADERS}.items() <= dict(response.headers).items()

    serve(Site(), test)


@pytest.mark.parametrize(
    ("headers", "token", "status", "report"),
    [
        ({}, None, 200, None),
        ({"Host": "evil.example"}, None, 421, "'evil.example' is not a name of this machine"),
        ({"Host": "evil.example"}, TOKEN, 421, "'evil.example' is not a name of this machine"),
        ({"Host": "[::1]:8090"}, None, 200, None),
        ({"Sec-Fetch-Site": "cross-site"}, TOKEN, 403, "web pages of other sites"),
        ({"Origin": "http://evil.example"}, None, 403, "web pages of other sites"),
        ({"Origin": "null"}, None, 403, "web pages of other sites"),
        ({"Sec-Fetch-Site": "same-origin"}, None, 200, None),
        ({}, TOKEN, 401, None),
        ({"Authorization": f"Bearer {TOKEN}"}, TOKEN, 200, None),
        ({"Authorization": f"token {TOKEN}"}, TOKEN, 200, None),
        ({"Authorization": _basic(f"anyone:{TOKEN}")}, TOKEN, 200, None),
        ({"Authorization": _basic(f"{TOKEN}:")}, TOKEN, 401, "the token is wrong"),
        ({"Authorization": "Basic ***"}, TOKEN, 401, "the token is wrong"),
        ({"Authorization": "Bearer wrong"}, TOKEN, 401, "the token is wrong"),
        ({"Authorization": f"Digest {TOKEN}"}, TOKEN, 401, "the token is wrong"),
    ],
)
def test_who_is_let_in(
    headers: dict[str, str], token: str | None, status: int, report: str | None
) -> None:
    site = Site(token)

    async def test(client: ClientSession) -> None:
        for _ in range(2):
            async with client.get("/api/now", headers=CIMultiDict(headers)) as response:
                assert response.status == status
                if status == 401:
                    challenge = response.headers["WWW-Authenticate"]
                    assert challenge == 'Basic realm="streamer", charset="UTF-8"'

    serve(site, test)
    warnings = [notice.text for notice in site.notices if notice.kind == Notice.WARNING]
    assert len(warnings) == (report is not None)
    assert all((report or "") in text and TOKEN not in text for text in warnings)


def test_without_the_token_health_is_a_status_alone() -> None:
    site = Site(TOKEN)
    site.send(About("meter", "homes"))

    async def test(client: ClientSession) -> None:
        async with client.get("/healthz") as response:
            assert response.status == 503
            assert await response.text() == "a meter is not fresh; the token shows which\n"
        site.send(*_steps(1))
        async with client.get("/healthz") as response:
            assert (response.status, await response.text()) == (200, "ok\n")
        known = {"Authorization": f"Bearer {TOKEN}"}
        async with client.get("/healthz", headers=known) as response:
            assert await response.text() == "house: fresh\n"

    serve(site, test)


def test_a_port_in_use_and_an_address_of_another_machine() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for listen, kind, words in (
            (Listen("127.0.0.1", port), RefusedError, f"127.0.0.1:{port}: the port is in use"),
            (Listen("192.0.2.1", port), LinkError, "does not have that address"),
        ):
            server = WebServer(listen, access(), lambda notice: None)
            with pytest.raises(kind, match=words):
                asyncio.run(server.start())


def test_a_url_with_an_address_of_version_6() -> None:
    assert str(Listen("::1", 8090)) == "http://[::1]:8090"
    assert access().token is None
    assert TOKEN not in repr(access(TOKEN))
    assert START.tzinfo is UTC


@pytest.mark.parametrize(("proxy", "status"), [("127.0.0.1", 200), ("10.0.0.1", 421)])
def test_a_trusted_proxy_needs_neither_token_nor_name(proxy: str, status: int) -> None:
    site = Site(TOKEN, trusted=[proxy])
    site.send(About("meter", "homes"), *_steps(1))

    async def test(client: ClientSession) -> None:
        through = {"Host": "home.example:8123"}
        for path, text in (("/api/now", '"house"'), ("/healthz", "house: fresh")):
            async with client.get(path, headers=through) as response:
                assert response.status == status
                assert (text in await response.text()) is (status == 200)
        async with client.get(
            "/api/now", headers={**through, "Sec-Fetch-Site": "cross-site"}
        ) as found:
            assert found.status in (403, 421)

    serve(site, test)
