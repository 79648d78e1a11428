"""Tests of the live page in a real browser."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from streamer.readings import Link, Notice, Sample
from streamer.sinks.items import About
from tests.publishing.web.chromium import CHROMIUM, PHONE, TABLET, Tab, browsing
from tests.publishing.web.helpers import HOUSE, Site, household

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

TOKEN = "swordfish"  # noqa: S105 - of nothing

_LAYOUT = """(() => {
  const page = document.documentElement;
  const shown = (each) => each.getClientRects().length > 0;
  const figures = [...document.querySelectorAll("#chart svg[role=img]")].filter(shown);
  const ink = getComputedStyle(document.body);
  return {
    inner: page.clientWidth,
    width: page.scrollWidth,
    figures: figures.map((figure) => figure.getAttribute("class")),
    dark: ink.backgroundColor === "rgb(20, 24, 27)",
    landmarks: [...document.querySelectorAll("main, header, footer")].map((e) => e.localName),
    status: document.querySelector("#status").getAttribute("role"),
    nowBottom: document.querySelector("#now").getBoundingClientRect().bottom,
  };
})()"""


def _text(name: str) -> str:
    return f"document.getElementById('{name}').textContent"


def _see(site: Site, tmp_path: Path, test: Callable[[Tab, str], Awaitable[None]]) -> None:
    """Run a test against a server and a browser, for a minute at most."""

    async def main() -> None:
        async with asyncio.timeout(60), site.running(), browsing(tmp_path / "profile") as tab:
            await test(tab, site.server.url)

    asyncio.run(main())


def test_it_fits_a_phone_and_a_tablet_dark_and_light_and_loads_nothing_else(tmp_path: Path) -> None:
    site, word = Site(), "donaudampfschifffahrtsgesellschaft" * 5
    meter = replace(HOUSE, name=word)
    site.send(About(word, "homes"), *household(), meter=meter)
    site.send(Link(Link.UP, "broker", "", site.clock()), meter=meter)
    site.send(Notice(Notice.WARNING, word), Sample(1.25, site.clock()), meter=meter)

    async def test(tab: Tab, url: str) -> None:
        for size, figure in ((PHONE, "narrow"), (TABLET, "wide")):
            for scheme in ("light", "dark"):
                await tab.show(size, scheme)
                await tab.open(url)
                await tab.until("document.querySelector('#lost').hidden")
                await tab.value("document.querySelector('details').open = true")
                found = await tab.value(_LAYOUT)
                assert found["inner"] == size[0]
                assert found["width"] == size[0]
                assert found["figures"] == [figure]
                assert found["dark"] == (scheme == "dark")
                assert found["landmarks"] == ["main", "header", "footer"]
                assert found["status"] == "status"
                assert found["nowBottom"] < size[1]
                assert all(each.startswith(f"{url}/") for each in tab.requested())
                assert len(tab.requested()) >= 4
                assert tab.problems() == []

    _see(site, tmp_path, test)


def test_values_change_and_go_stale_and_a_lost_server_is_seen_and_found_again(
    tmp_path: Path,
) -> None:
    site, steps = Site(), household()
    site.send(About("meter", "homes"), *steps)

    async def test(tab: Tab, url: str) -> None:
        await tab.show(PHONE, "light")
        await tab.open(url)
        site.send(Sample(7.891, site.clock()))
        await tab.until(f"{_text('now')}.includes('7.891')")
        await tab.value("document.querySelector('details').open = true")
        site.send(Link(Link.LOST, "broker", "connection refused", site.clock()))
        await tab.until(f"{_text('status')}.includes('Broker away for 0 s')")
        assert "7.891" not in await tab.value(_text("now"))
        assert await tab.value("document.querySelector('details').open")
        site.clock.forward(600)
        site.server.refresh()
        await tab.until(f"{_text('status')}.includes('No new reading since')")
        assert await tab.value("document.querySelector('#status .stale') !== null")
        site.send(*steps[-1:], Link(Link.UP, "broker", "", site.clock()))
        await tab.until(f"{_text('status')} === 'Live.'")
        await site.server.close()
        lost = "document.documentElement.classList.contains('lost')"
        await tab.until(lost)
        assert await tab.value("!document.querySelector('#lost').hidden")
        for old in (".now .value", ".now > div:nth-child(2) .more", "#demand .value"):
            style = f"getComputedStyle(document.querySelector({old!r})).visibility"
            assert await tab.value(style) == "hidden"
        await site.restart()
        site.send(*steps)
        site.send(Sample(6.543, site.clock()))
        await tab.until(f"!{lost} && {_text('now')}.includes('6.543')")

    _see(site, tmp_path, test)


def test_a_meter_of_several_is_opened_from_the_overview(tmp_path: Path) -> None:
    site, steps = Site(), household()
    site.send(About("meter", "homes"), *steps)
    site.send(About("roof", "homes"), *steps, meter=replace(HOUSE, name="Roof", key="roof"))

    async def test(tab: Tab, url: str) -> None:
        await tab.show(TABLET, "dark")
        await tab.open(url)
        assert await tab.value("document.querySelectorAll('.meters a').length") == 2
        tab.events.clear()
        await tab.value("document.querySelector('.meters a[href=\"m/roof\"]').click()")
        await tab.event("Page.loadEventFired")
        await tab.until("document.querySelector('#lost').hidden")
        assert await tab.value("document.querySelector('h1').textContent") == "Roof"
        site.send(Sample(7.891, site.clock()), meter=replace(HOUSE, name="Roof", key="roof"))
        await tab.until(f"{_text('now')}.includes('7.891')")
        tab.events.clear()
        await tab.value("document.querySelector('.source a').click()")
        await tab.event("Page.loadEventFired")
        assert await tab.value("document.querySelector('h1').textContent") == "Meters"
        assert tab.problems() == []

    _see(site, tmp_path, test)


def test_a_token_is_the_password_of_the_page_and_of_its_changes(tmp_path: Path) -> None:
    site = Site(TOKEN)
    site.send(About("meter", "homes"), *household())

    async def test(tab: Tab, url: str) -> None:
        await tab.show(PHONE, "light")
        await tab.open(url.replace("://", f"://anyone:{TOKEN}@"))
        await tab.until("document.querySelector('#lost').hidden")
        site.send(Sample(7.891, site.clock()))
        await tab.until(f"{_text('now')}.includes('7.891')")
        assert tab.problems() == []

    _see(site, tmp_path, test)


def test_it_is_complete_without_a_script(tmp_path: Path) -> None:
    site = Site()
    site.send(About("meter", "homes"), *household())

    async def test(tab: Tab, url: str) -> None:
        await tab.send("Emulation.setScriptExecutionDisabled", value=True)
        await tab.show(TABLET, "light")
        await tab.open(url)
        found = await tab.send("DOM.getDocument", depth=0)
        html = await tab.send("DOM.getOuterHTML", nodeId=found["root"]["nodeId"])
        assert "Live." in html["outerHTML"]
        assert len((await tab.send("Page.printToPDF", printBackground=True))["data"]) > 10_000

    _see(site, tmp_path, test)
