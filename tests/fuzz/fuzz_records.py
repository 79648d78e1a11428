"""Fuzzing of records: lines of a file, and the body of a request.

By hand: ``python -m tests.fuzz.fuzz_records -runs=1000000``
"""

from __future__ import annotations

import math

from streamer.feeds.address import Address
from streamer.feeds.lines.reader import SampleReader
from streamer.feeds.lines.sides import Records
from streamer.feeds.values import MalformedError
from streamer.readings import CounterSample, Notice, Sample
from tests.fuzz import run

_WAYS = [
    Records.of(Address.parse(f"stdin:?{options}"))
    for options in (
        "unit=W",
        "unit=kW&sign=export&format=json",
        "unit=W&format=influx",
        "unit=W&format=number",
        "unit=W&path=a[0].b&time=t",
        "unit=W&field=p&precision=s",
        "unit=W&measurement=m&tags=a%3Db",
        "unit=kWh&decimal=comma",
        "unit=imp&per_kwh=1000&path=a[*].b,c&minus=d?&sign_path=e",
        "unit=mW&field=p,q?&minus=r?&scale=-2",
        "unit=W&solar=pv&battery=b,c?&battery_sign=discharge",
    )
]


def one_input(data: bytes) -> None:
    """Parse the bytes in the format that the first byte selects, and cut at the second."""
    way, cut, rest = data[0:1], data[1:2], data[2:]
    records = _WAYS[(way or b"\0")[0] % len(_WAYS)]
    place = (cut or b"\0")[0]
    reader = SampleReader("fuzz", records)
    items = [*reader.feed(rest[:place]), *reader.feed(rest[place:]), *reader.end()]
    try:
        body = records.read_body(rest.decode("utf-8", "replace"))
        items += body.items
        items += [Notice(Notice.MALFORMED, str(error)) for error in body.problems]
    except MalformedError as error:
        items.append(Notice(Notice.MALFORMED, str(error)))
    for item in items:
        if isinstance(item, Notice):
            assert item.text.isprintable(), item
        else:
            assert isinstance(item, Sample | CounterSample), item
            assert not math.isinf(item.kw if isinstance(item, Sample) else item.kwh), item
            assert item.at is None or item.at.utcoffset() is not None, item


if __name__ == "__main__":
    run(
        one_input,
        [
            bytes([way, 20]) + seed
            for way in range(len(_WAYS))
            for seed in (
                b"2026-03-29T01:59:00+01:00 250.5\n1774745940,3",
                b'{"time": 1774745940, "power_w": 250.5, "a": [{"b": 1}]}\n',
                b"2026-03-29T01:59:00Z;1.250,5 W\nnan\n- \n",
                b'[{"a": [{"b": "12 kW"}], "c": null, "e": "export"}, {"value": "NULL"}]',
                b"m,host=cellar,a=b power_w=250.5,p=3i 1774745940000000000\n",
            )
        ],
    )
