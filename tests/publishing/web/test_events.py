"""Tests of server-sent events: order, what is sent again, and browsers that do not read."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import replace
from typing import NamedTuple

from aiohttp import ClientResponse, ClientSession

import streamer
from streamer.pipeline import Pipeline
from streamer.publishing.web import events
from streamer.publishing.web.meters import Meters
from streamer.publishing.web.pages import OVERVIEW, Page, Pages
from streamer.readings import Notice, Sample, Step
from streamer.reporting.markup import Markup
from streamer.sinks.items import About
from streamer.testing import FixedForecaster, readings
from tests.publishing.web.helpers import HOUSE, START, Clock, Site, serve


class Event(NamedTuple):
    kind: str
    id: str
    data: str

    @property
    def parts(self) -> dict[str, str]:
        assert self.kind == "parts"
        found: dict[str, str] = json.loads(self.data)
        return found


def _steps(count: int) -> list[Step]:
    return Pipeline(FixedForecaster()).push_many(readings([0.3] * count, start=START))


async def _event(response: ClientResponse) -> Event:
    """The next event of a stream, parsed as browsers do."""
    fields = {"event": "", "id": "", "data": ""}
    while line := (await response.content.readuntil(b"\n")).decode().removesuffix("\n"):
        name, _, value = line.partition(":")
        fields[name] = value.removeprefix(" ")
    return Event(fields["event"], fields["id"], fields["data"])


async def _part(response: ClientResponse, name: str, words: str) -> Event:
    """The first event with some words in a part."""
    while True:
        event = await _event(response)
        if event.kind == "parts" and words in event.parts.get(name, ""):
            return event


def test_all_parts_come_first_and_then_those_that_have_changed() -> None:
    site = Site()
    site.send(About("meter", "homes"), *_steps(60))

    async def test(client: ClientSession) -> None:
        async with client.get("/events") as response:
            assert response.content_type == "text/event-stream"
            assert response.headers["Cache-Control"] == "no-store"
            assert await _event(response) == Event("version", "", streamer.__version__)
            first = await _event(response)
            assert list(first.parts) == [
                "status", "now", "chart", "demand", "day", "alarms", "scores", "events", "about",
            ]  # fmt: skip
            site.send(Sample(0.4321, site.clock()))
            second = await _event(response)
            assert list(second.parts) == ["now"]
            assert "0.432" in second.parts["now"]
            site.send(Notice(Notice.WARNING, "the disk is <full>"))
            third = await _event(response)
            assert list(third.parts) == ["events"]
            assert "the disk is &lt;full&gt;" in third.parts["events"]
            versions = [int(event.id.split("-")[1]) for event in (first, second, third)]
            assert versions == sorted(set(versions))

    serve(site, test)


def test_who_returns_gets_only_what_has_changed_since() -> None:
    site = Site()
    site.send(About("meter", "homes"), *_steps(60))

    async def test(client: ClientSession) -> None:
        async with client.get("/m/house/events") as response:
            await _event(response)
            first = await _event(response)
        site.send(Sample(0.9, site.clock()))
        for last_id, expected in (
            (first.id, ["now"]),
            ("0badcafe-1", list(first.parts)),
            ("x", list(first.parts)),
            (first.id.split("-")[0] + "-" + "9" * 40, None),
        ):
            headers = {"Last-Event-ID": last_id}
            async with client.get("/m/house/events", headers=headers) as response:
                await _event(response)
                event = await _event(response)
                assert event.kind == ("beat" if expected is None else "parts")
                assert expected is None or list(event.parts) == expected

    serve(site, test)


def test_a_second_meter_makes_the_page_an_overview() -> None:
    site, steps = Site(), _steps(60)
    site.send(*steps)

    async def test(client: ClientSession) -> None:
        async with client.get("/events") as response:
            await _part(response, "status", "Live")
            site.send(*steps, meter=replace(HOUSE, name="Roof & shed", key="roof"))
            event = await _part(response, "meters", 'href="m/roof"')
            assert "Roof &amp; shed" in event.parts["meters"]
            assert set(event.parts) == {"status", "meters"}

    serve(site, test)


def test_a_stale_state_is_sent_when_only_time_has_passed() -> None:
    site = Site()
    site.send(*_steps(60))

    async def test(client: ClientSession) -> None:
        async with client.get("/events") as response:
            live = await _part(response, "now", "0.300")
            assert 'class="fresh"' in live.parts["status"]
            site.clock.forward(3600)
            site.server.refresh()
            stale = await _part(response, "status", "No new reading since 12:59, for 1 h 1 min.")
            assert 'class="stale"' in stale.parts["status"]
            values = stale.parts["now"].split('class="value"')[1:]
            assert all(value.startswith(">–") for value in values)
            assert "last known at 12:59: 0.300" in stale.parts["now"]

    serve(site, test)


def test_too_many_browsers_are_refused_and_one_that_leaves_makes_room() -> None:
    site = Site()
    site.send(*_steps(1))

    async def test(client: ClientSession) -> None:
        for _ in range(2):
            opened = [await client.get("/events") for _ in range(events.MAX_BROWSERS)]
            async with client.get("/events") as response:
                assert response.status == 503
                assert response.headers["Retry-After"] == "30"
                assert "32 browsers" in (await response.json())["error"]
            async with client.get("/healthz") as response:
                assert response.status == 200
            for each in opened:
                each.close()
            # They are noticed with the next event.
            count = 0
            while site.server.browsers:
                count += 1
                site.send(Sample(float(count), site.clock()))
                await asyncio.sleep(0)

    serve(site, test)


def test_a_browser_that_does_not_read_is_dropped_and_holds_nobody_up() -> None:
    site = Site(slow_s=0.05)
    site.send(*_steps(60))

    async def test(client: ClientSession) -> None:
        host, port = site.server.url.removeprefix("http://").split(":")
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect((host, int(port)))
            deaf.sendall(f"GET /events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            async with client.get("/events") as response:
                await _part(response, "now", "0.300")
                assert site.server.browsers == 2
                count = 0
                while site.server.browsers == 2:
                    count += 1
                    site.send(Notice(Notice.WARNING, f"{count} {'x' * 20_000}"))
                    await _part(response, "events", f"{count} x")
                site.send(Sample(0.7, site.clock()))
                await _part(response, "now", "0.700")

    serve(site, test)


def test_head_has_no_events() -> None:
    site = Site()
    site.send(*_steps(1))

    async def test(client: ClientSession) -> None:
        async with client.head("/events") as response:
            assert response.status == 200
            assert await response.read() == b""
        assert site.server.browsers == 0

    serve(site, test)


def test_one_rendering_serves_all() -> None:
    page = Page("run")
    page.update({"now": Markup("a"), "chart": Markup("b")})
    page.update({"now": Markup("a"), "chart": Markup("b")})
    assert page.version == 1
    page.update({"now": Markup("c"), "chart": Markup("b")})
    event = page.event(1)
    assert event == b'event: parts\nid: run-2\ndata: {"now": "c"}\n\n'
    assert page.event(1) is event
    assert page.event(0) != event


def test_pages_nobody_looks_at_are_not_rendered() -> None:
    meters, clock = Meters(), Clock()
    pages = Pages(meters, clock)
    page = pages.page(OVERVIEW)
    site = Site()
    site.send(*_steps(1))
    version = page.version
    pages.refresh()
    assert page.version == version
