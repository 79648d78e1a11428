"""Fuzzing of an SML meter: no crash, no hang, bounded memory, and the next file is read.

Hardly any input would pass the two checksums of an SML file, so the first byte selects how
many of them are corrected.
"""

from __future__ import annotations

import math
from contextlib import suppress

from tests.fuzz import run

# The fuzzed modules are imported inside, since atheris must be imported first.


def one_input(data: bytes) -> None:
    """Read the bytes in pieces and as a whole, and a good file after them."""
    from sml import SmlBase

    from streamer.feeds.serial.framing import MAX_FRAME_BYTES
    from streamer.feeds.serial.sml import parse_file
    from streamer.feeds.serial.smlframe import FrameBuffer
    from streamer.feeds.values import MalformedError
    from tests.feeds.telegrams import ISKRA_MT631

    how = data[0] if data else 0
    stream = _FORMS[how % len(_FORMS)](data[1:])
    pieces, whole = FrameBuffer(), FrameBuffer()
    found = [
        item
        for start in range(0, len(stream), how + 1)
        for item in pieces.push(stream[start : start + how + 1])
    ]
    assert found == whole.push(stream)
    assert pieces.held == whole.held <= MAX_FRAME_BYTES + 8
    assert pieces.push(ISKRA_MT631)[-1] == ISKRA_MT631
    for item in found:
        if isinstance(item, bytes):
            with suppress(MalformedError):
                contents = parse_file(item, SmlBase.find_frame)
                for value in (contents.kw, contents.energy and contents.energy.kwh):
                    assert value is None or math.isfinite(value)


def _raw(data: bytes) -> bytes:
    return data


def _file(data: bytes) -> bytes:
    from tests.feeds.telegrams import sml_file

    return sml_file(data)


def _message(data: bytes) -> bytes:
    from tests.feeds.telegrams import sml_file, sml_message

    return sml_file(sml_message(data))


def _list(data: bytes) -> bytes:
    from tests.feeds.telegrams import sml_file, sml_list

    return sml_file(sml_list(data))


def _entry(data: bytes) -> bytes:
    from tests.feeds.telegrams import sml_entry, sml_file, sml_list

    scaler, _, value = data.partition(b"|")
    return sml_file(sml_list(sml_entry(16, value, scaler=scaler)))


def _directed(data: bytes) -> bytes:
    from tests.feeds.telegrams import sml_energy, sml_entry, sml_file, sml_list

    energy = sml_energy(1, 12345, status=int.from_bytes(data[:4], "big"))
    return sml_file(sml_list(energy, sml_entry(15, data[4:])))


def _kermit(data: bytes) -> bytes:
    from streamer.feeds.serial.framing import KERMIT
    from tests.feeds.telegrams import sml_file

    frame = sml_file(data)[:-2]
    return frame + KERMIT.of(frame).to_bytes(2, "big")


_FORMS = (_raw, _file, _message, _list, _entry, _directed, _kermit)
"""The more structure is built around the bytes, the deeper they are parsed."""


if __name__ == "__main__":
    from tests.feeds.telegrams import HOLLEY_DTZ541, SML_FILES, sml_energy, sml_entry

    files = [file for file, _ in SML_FILES.values()][:3]
    seeds = [
        *(b"\0" + file for file in files),
        *(b"\1" + file[8:-8] for file in files),
        *(b"\3" + sml_entry(register, b"\x55\xff\xff\xff\x00") for register in (1, 2, 16)),
        *(b"\3" + sml_energy(way, 123_456, status=0x1B0, tariff=1) for way in (1, 2)),
        b"\4\x52\xff|\x65\x00\x01\x02\x03",
        b"\6" + HOLLEY_DTZ541[8:-8],
        b"\5\x00\x00\x01\xb0\x65\x00\x01\x02\x03",
        b"\2\x72\x63\x01\x01\x76\x01\x01\x05\x02\xdb\xa2\x3c\x0b\x0a\x01HLY\x02\0\4\x24\xa0\1\1",
    ]
    run(
        one_input,
        seeds,
        "sml",
        "streamer.feeds.serial.smlframe",
        "streamer.feeds.serial.sml",
        "streamer.feeds.serial.obis",
    )
