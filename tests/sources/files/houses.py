"""Tables of a house with solar panels, and what is read from them."""

from contextlib import closing
from datetime import datetime, timedelta

import numpy as np
import pytest

from streamer.errors import UsageError
from streamer.readings import Notice, Reading
from streamer.sources.files.delimited import open_replay

START = datetime(2024, 6, 1, 9)
MINUTE = timedelta(minutes=1)


def written(path, header, rows, step=MINUTE, start=START, delimiter=";"):
    """Write a table with a time in its first column."""
    lines = [
        delimiter.join([f"{start + i * step:%Y-%m-%d %H:%M:%S}", *map(str, row)])
        for i, row in enumerate(rows)
    ]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def collected(path, **options):
    """All readings, and the texts of all notices."""
    items = []
    with closing(open_replay(path, **options)) as source:
        while piece := source.read():
            items += piece
    readings = [item for item in items if isinstance(item, Reading)]
    return readings, [item.text for item in items if isinstance(item, Notice)]


def powers(readings):
    return [(each.kw, each.solar_kw, each.battery_kw) for each in readings]


def error_of(path, **options):
    with pytest.raises(UsageError) as caught:
        collected(path, **options)
    assert str(caught.value).isprintable()
    return str(caught.value)


def house(days, seed=1, *, silent=False):
    """Minutes of a house with panels and a battery: rows of grid, solar and battery in W."""
    random = np.random.default_rng(seed)
    minute = np.arange(days * 1440)
    height = np.sin((minute % 1440 - 300) / 900 * np.pi)
    solar = np.round(4000 * np.maximum(height, 0.0) * random.uniform(0.3, 1.0, len(minute)), 1)
    battery = np.round(0.3 * solar - 200, 1)
    grid = np.round(random.uniform(200, 900, len(minute)) - solar + battery, 1)
    shown = [str(watts) for watts in solar]
    if silent:
        shown = ["" if up < -0.05 else text for up, text in zip(height, shown, strict=True)]
    return [*zip(grid.tolist(), shown, battery.tolist(), strict=True)]
