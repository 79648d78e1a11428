"""Draws the pictures of the live page: ``python -m tests.docs.livepage``; needs chromium.

They show a Sunday evening of the bundled sample with the shipped model's forecasts and the prices
of a tariff, in the sizes of a phone and a tablet.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

from streamer.commands.demand import demand_rule
from streamer.commands.forecasting import Forecasting
from streamer.energy.tariff import Rate
from streamer.energy.tarifffile import read_tariff
from streamer.publishing import WatchedMeter
from streamer.readings import Link, Reading, Sample
from tests.docs.pictures import sample_before
from tests.publishing.web.chromium import PHONE, TABLET, browsing
from tests.publishing.web.helpers import Site

DOCS = Path(__file__).parents[2] / "docs"

_EVENING = datetime(2010, 3, 21, 20, 57)
_ZONE = timezone(timedelta(hours=1))
_SHOWN = {"phone": (PHONE, "dark"), "tablet": (TABLET, "light")}


def evening() -> Site:
    """A server whose meter has sent the sample up to that evening."""
    tariff = read_tariff("vlaanderen")
    tariff = replace(tariff, energy=Rate(fixed=Decimal("0.31")))
    rule = demand_rule("15", limit_kw=None, alarms_per_month=3.0, tariff=tariff)
    pipeline, about = Forecasting(demand=rule).prepare("mqtt://pi.local/tele/meter/SENSOR")
    readings = [
        Reading(reading.at.replace(tzinfo=_ZONE), reading.kw) for reading in sample_before(_EVENING)
    ]
    site, meter = Site(), WatchedMeter("House", "house", tariff=tariff)
    site.send(about, Link(Link.UP, "broker", "", readings[0].at), meter=meter)
    site.send(*pipeline.push_many(readings), meter=meter)
    site.send(Sample(readings[-1].kw + 0.018, site.clock()), meter=meter)
    return site


async def draw(folder: Path) -> None:
    """Draw both pictures into a folder."""
    site = evening()
    with tempfile.TemporaryDirectory() as profile:
        async with site.running(), browsing(Path(profile)) as tab:
            for name, (size, scheme) in _SHOWN.items():
                await tab.show(size, scheme)
                await tab.open(site.server.url)
                await tab.until("document.querySelector('#lost').hidden")
                picture = await tab.picture(format="webp", quality=80)
                (folder / f"live-page-{name}.webp").write_bytes(picture)


if __name__ == "__main__":
    asyncio.run(draw(DOCS))
