"""Fuzzing of a P1 port: no crash, no hang, bounded memory, and the next telegram is read."""

from __future__ import annotations

import math

from tests.fuzz import run

# The fuzzed modules are imported inside, since atheris must be imported first.


def one_input(data: bytes) -> None:
    """Read the bytes in pieces and as a whole, and a good telegram after them."""
    from streamer.feeds.serial.framing import MAX_FRAME_BYTES
    from streamer.feeds.serial.p1 import TelegramBuffer
    from streamer.feeds.serial.telegram import Telegram
    from tests.feeds.telegrams import UNSET

    pieces, whole = TelegramBuffer(), TelegramBuffer()
    size = 1 + (data[0] if data else 0)
    found = [
        item
        for start in range(0, len(data), size)
        for item in pieces.push(data[start : start + size])
    ]
    assert sorted(map(repr, found)) == sorted(map(repr, whole.push(data)))
    assert pieces.held == whole.held <= MAX_FRAME_BYTES
    for item in found:
        if isinstance(item, Telegram):
            for value in (item.kw, item.energy and item.energy.kwh):
                assert value is None or not math.isinf(value)
            assert item.at is None or item.at.tzinfo is not None
    assert pieces.push(UNSET)[-1] == Telegram(0.321)


if __name__ == "__main__":
    from tests.feeds.telegrams import (
        BELGIUM,
        HOLLEY,
        LITHUANIA,
        MT174,
        Q3D_303,
        SWEDEN,
        SWISS,
        UNSET,
        V2_2,
    )

    run(
        one_input,
        [BELGIUM, HOLLEY, LITHUANIA, MT174, Q3D_303, SWEDEN, SWISS, UNSET, V2_2],
        "streamer.feeds.serial.p1",
        "streamer.feeds.serial.telegram",
        "streamer.feeds.serial.obis",
    )
