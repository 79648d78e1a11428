"""Fuzzing of tables: layout, units, numbers, times, order and conversions, to readings.

By hand: ``python -m tests.fuzz.fuzz_tables -runs=1000000``
"""

from __future__ import annotations

import math
import os
from contextlib import closing
from itertools import pairwise
from pathlib import Path

from tests.fuzz import run

# The fuzzed modules are imported inside, since atheris must be imported first.

_OPTIONS = (
    {},
    {"unit": "W", "as_minutes": True},
    {"unit": "kWh", "as_minutes": True},
    {"unit": "kWh", "quantity": "counter", "as_minutes": True},
    {"column": 2, "unit": "kW", "decimal": ","},
    {"where": ["name=a"], "unit": "kW"},
    {"solar": 3, "unit": "kW"},
    {"column": 2, "solar": 3, "battery": "-4", "unit": "kWh", "as_minutes": True},
    {"where": ["name=a"], "solar": "-name=b", "unit": "W", "solar_unit": "kW"},
)
# In memory: to create a file on disk takes longer than to read it.
_FILE = os.memfd_create("fuzz")
_PATH = Path(f"/proc/self/fd/{_FILE}")


def one_input(data: bytes) -> None:
    """Replay the bytes with the options that the first byte selects."""
    from streamer.errors import StreamerError
    from streamer.readings import Notice, Reading
    from streamer.sources.files.delimited import open_replay

    os.ftruncate(_FILE, 0)
    os.pwrite(_FILE, data[1:], 0)
    options = _OPTIONS[(data[:1] or b"\0")[0] % len(_OPTIONS)]
    items: list[object] = []
    message = ""
    try:
        with closing(open_replay(_PATH, limit=5000, **options)) as source:  # type: ignore[arg-type]
            while given := source.read():
                items += given
    except StreamerError as error:
        message = str(error)
    assert message.isprintable(), message
    readings = [item for item in items if isinstance(item, Reading)]
    assert all(item.text.isprintable() for item in items if isinstance(item, Notice)), items
    powers = [
        kw
        for each in readings
        for kw in (each.kw, each.solar_kw, each.battery_kw)
        if kw is not None
    ]
    assert all(math.isfinite(kw) and abs(kw) <= 100 for kw in powers)
    measured = {(each.solar_kw is None, each.battery_kw is None) for each in readings}
    assert measured <= {("solar" not in options, "battery" not in options)}
    assert all(earlier.at < later.at for earlier, later in pairwise(readings)), readings


_SEEDS = (
    b"time;power_w\n2013-05-21 00:00;250,5\n2013-05-21 00:01;1.250,5\n2013-05-21 00:02;?\n",
    b"name,at,kWh\na,1/2/13 1:00 PM,0.01\nb,1/2/13 1:00 PM,0.02\na,1/2/13 1:01 PM,0.03\n",
    b"# x\nsep=,\nDate,Time,import kWh,export kWh\n21.05.2013,24:00,99999.9,1\n"
    b"22.05.2013,0:01,0.1,1\n22.05.2013,0:02,0.2,2\n22.05.2013,0:30,0.9,2\n",
    b"time;grid_kw;pv\n2013-05-21 20:00;0.5;0\n2013-05-21 20:01;0.5;\n2013-05-21 20:02;0.5;0\n",
    b"time;a;b;c\n2013-05-21 12:00;5;1;2\n2013-05-21 12:01;6;1;2\n2013-05-21 12:03;6;3;2\n",
    b"name,time,kWh\na,1/2/13 1:00 PM,0.1\nb,1/2/13 1:00 PM,0.2\na,1/2/13 1:01 PM,0.3\n",
    b"1369098123000 250.5\n1369098129000 251\n1369098135000 -251\n1369098141000 1e3\n",
    b"Start\tEnd\tUsage (Watt hours)\n20130521T000000\tx\t9\n20130521T003000\tx\t8\n"
    b"20130521T010000\tx\t7\n20130521T013000\tx\t6\n",
    b"time,L1 W\n2013-10-27 02:58,1 W\n2013-10-27 02:59,2 W\n2013-10-27 02:00,3 kW\n"
    b"2013-10-27 02:01,3 W\n2013-10-27 02:02,3 W\n",
)


if __name__ == "__main__":
    run(
        one_input,
        [bytes([way]) + seed for way in range(len(_OPTIONS)) for seed in _SEEDS],
        "streamer.sources.files.delimited",
    )
