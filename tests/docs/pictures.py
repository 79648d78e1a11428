"""Draws the pictures of the documentation: ``python -m tests.docs.pictures``.

All show minutes of the bundled sample with the shipped model's forecasts; the second one as if a
meter had sent them, whose broker was away for two minutes, the third one a quarter-hour that
becomes the month's peak, the fourth one several meters. ``python -m tests.docs.pictures FOLDER``
draws the first one in the usual sizes of terminals, dark and light, to look at.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from math import cos, pi
from pathlib import Path

from streamer.commands.demand import demand_rule
from streamer.commands.forecasting import Forecasting
from streamer.dashboard import History, render_svg
from streamer.dashboard.meterrows import MeterRow, render_meters
from streamer.dashboard.picture import frame_svg
from streamer.demand.settings import DemandRule
from streamer.display.themes import ThemeName
from streamer.energy.tariff import Rate
from streamer.energy.tarifffile import read_tariff
from streamer.history import HistorySnapshot
from streamer.readings import Link, Reading, Sample
from streamer.sinks.items import Vitals
from streamer.sources.files.delimited import open_replay

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "replay_data" / "sceaux_2010-03-19.txt"

_EVENING = datetime(2010, 3, 24, 21, 36)
_MORNING = datetime(2010, 3, 24, 9, 37)
_PEAK = datetime(2010, 3, 21, 20, 55)
_WEEKS = 835
"""By so much the meter's minutes are later than those of the sample; the weekdays are the same."""

_ZONE = timezone(timedelta(hours=1))


SIZES = ((40, 12), (80, 24), (120, 40), (200, 60))


def replaying() -> str:
    """A replay of the sample, on a Wednesday evening."""
    return render_svg(_evening(), 100, 30, title="streamer replay", speed="3600×")


def peaking() -> str:
    """A replay with a tariff, on a Sunday evening, with the panel of demand intervals alone."""
    tariff = read_tariff("vlaanderen")
    tariff = replace(tariff, energy=Rate(fixed=Decimal("0.31")))
    rule = demand_rule("15", limit_kw=None, alarms_per_month=3.0, tariff=tariff)
    pipeline, about = Forecasting(demand=rule).prepare(SAMPLE.name)
    history = History(tariff=tariff)
    history.write(about)
    for step in pipeline.push_many(sample_before(_PEAK)):
        history.write(step)
    history.write(Vitals(60.0, 0.16, 0.84))
    snapshot = history.snapshot()
    title = "streamer replay --tariff tariff.toml"
    return render_svg(snapshot, 100, 30, title=title, only_demand=True, speed="600×")


def sizes() -> Iterator[tuple[str, str]]:
    """Name and picture of each size and theme."""
    snapshot = _evening()
    for width, height in SIZES:
        for theme in (ThemeName.DARK, ThemeName.LIGHT):
            picture = render_svg(snapshot, width, height, speed="3600×", theme=theme)
            yield f"{width}x{height}-{theme}.svg", picture


def _evening() -> HistorySnapshot:
    pipeline, about = Forecasting(demand=DemandRule()).prepare(SAMPLE.name)
    history = History()
    history.write(about)
    for step in pipeline.push_many(sample_before(_EVENING)):
        history.write(step)
    history.write(Vitals(60.0, 0.16, 0.84))
    return history.snapshot()


def watching() -> str:
    """A meter behind an MQTT broker, on a Wednesday morning."""
    pipeline, about = Forecasting(demand=DemandRule()).prepare("mqtt://pi.local/tele/meter/SENSOR")
    history = History()
    readings = [
        Reading((reading.at + timedelta(weeks=_WEEKS)).replace(tzinfo=_ZONE), reading.kw)
        for reading in sample_before(_MORNING)
    ]
    end = readings[-1].at
    lost, back = (end - timedelta(minutes=minutes, seconds=20) for minutes in (13, 11))
    began = readings[-900].at
    history.write(about)
    history.write(Link(Link.UP, "broker", "", began))
    for reading in readings:
        if reading.at == lost.replace(second=0):
            history.write(Link(Link.LOST, "broker", "connection refused", lost))
        if lost - timedelta(minutes=1) < reading.at < back:
            continue
        if reading.at == back.replace(second=0) + timedelta(minutes=1):
            history.write(Link(Link.UP, "broker", "", back))
        history.write(pipeline.push(reading))
    history.write(Sample(readings[-1].kw, end + timedelta(seconds=87)))
    history.write(Vitals(0.0167, 0.79, 1.13))
    now = end + timedelta(seconds=90)
    return render_svg(history.snapshot(), 110, 34, title="streamer watch", speed="live", now=now)


def several() -> str:
    """A house with panels, the house derived from both, and a heat pump that is away."""
    used = [
        Reading((reading.at + timedelta(weeks=_WEEKS)).replace(tzinfo=_ZONE), reading.kw)
        for reading in sample_before(_MORNING)[-1600:]
    ]
    sun = [round(_sun_kw(reading.at), 3) for reading in used]
    pump = [2.1 if reading.at.minute % 24 < 9 else 0.02 for reading in used]
    end = used[-1].at
    names = ["Grid", "Roof", "House", "Heat pump"]
    rows = []
    for name in names:
        pipeline, about = Forecasting(demand=DemandRule()).prepare(
            "House = grid + roof" if name == "House" else f"mqtt://pi.local/{name.lower()}"
        )
        history = History()
        history.write(about)
        history.write(Link(Link.UP, "broker", "", used[0].at))
        for reading, solar_kw, pump_kw in zip(used, sun, pump, strict=True):
            kws = {"Grid": reading.kw - solar_kw, "Roof": solar_kw, "House": reading.kw}
            history.write(pipeline.push(replace(reading, kw=kws.get(name, pump_kw))))
        last = history.snapshot().last
        history.write(Sample(0.0 if last is None else last.reading.kw, end + timedelta(seconds=87)))
        if name == "Heat pump":
            since, due = end + timedelta(seconds=7), end + timedelta(seconds=101)
            history.write(Link(Link.LOST, "pump.local", "timed out", since, due))
        rows.append(MeterRow(name, history.snapshot()))
    now = end + timedelta(seconds=90)
    frame = render_meters(rows, names.index("House"), 110, 30, now=now)
    return frame_svg(frame, 110, 30, title="streamer watch")


def _sun_kw(at: datetime) -> float:
    """Power of a small roof on a day in March with a few clouds."""
    hours = at.hour + at.minute / 60 - 12.5
    clouds = 0.6 + 0.4 * cos(at.minute / 4 + at.hour) ** 2
    return max(0.0, 2.4 * cos(hours * pi / 12)) * clouds


def sample_before(end: datetime) -> Sequence[Reading]:
    """The readings of the sample before a time."""
    source = open_replay(SAMPLE, end=end)
    readings: list[Reading] = []
    while items := source.read():
        readings += [item for item in items if isinstance(item, Reading)]
    source.close()
    return readings


def _main() -> None:
    parser = argparse.ArgumentParser(description="Draw the pictures of the documentation.")
    parser.add_argument("folder", nargs="?", type=Path, help="for all sizes, dark and light")
    folder: Path | None = parser.parse_args().folder
    if folder is None:
        pictures = [
            ("dashboard.svg", replaying()),
            ("watching.svg", watching()),
            ("demand.svg", peaking()),
            ("meters.svg", several()),
        ]
    else:
        folder.mkdir(parents=True, exist_ok=True)
        pictures = list(sizes())
    for name, picture in pictures:
        path = (folder or ROOT / "docs") / name
        path.write_text(picture, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    _main()
