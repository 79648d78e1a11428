"""Fuzzing of files: containers, encodings, JSON and line ends, from a file and from a pipe.

By hand: ``python -m tests.fuzz.fuzz_files -runs=1000000``
"""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

from tests.fuzz import run

# The fuzzed modules are imported inside, since atheris must be imported first.

_TEXT = b"time;power_w\r\n" + b"".join(b"2013-05-21 00:%02d;250\r\n" % i for i in range(9))
_RECORDS = [
    {"time": f"2013-05-21 00:0{i}", "power_w": 250.5, "a": [i, {"b": None}]} for i in range(4)
]
# In memory: to create a file on disk takes longer than to read it.
_FILE = os.memfd_create("fuzz")
_PATH = Path(f"/proc/self/fd/{_FILE}")


class _Pieces:
    """A stream of bytes in pieces, as from a pipe."""

    progress = None

    def __init__(self, data: bytes, size: int) -> None:
        self._pieces = [data[start : start + size] for start in range(0, len(data), size)][::-1]

    def read(self) -> bytes:
        return self._pieces.pop() if self._pieces else b""

    def close(self) -> None:
        self._pieces.clear()


def _from_pipe(data: bytes, size: int) -> tuple[list[str], str]:
    """Lines, and the error if there is one."""
    from streamer.errors import StreamerError
    from streamer.sources.files.bytestream import as_text
    from streamer.sources.files.streams import PeekedStream

    lines: list[str] = []
    try:
        _read(as_text("fuzz", PeekedStream(_Pieces(data, size))), lines)
    except StreamerError as error:
        return lines, str(error)
    return lines, ""


def _from_file(data: bytes) -> tuple[list[str], str]:
    from streamer.errors import StreamerError
    from streamer.sources.files.bytestream import open_bytes

    os.ftruncate(_FILE, 0)
    os.pwrite(_FILE, data, 0)
    lines: list[str] = []
    try:
        _read(open_bytes(_PATH)[1], lines)
    except StreamerError as error:
        return lines, str(error)
    return lines, ""


def _read(stream, lines: list[str]) -> None:
    from streamer.sources.files.framing import LineReader, decode_lines

    reader = LineReader("fuzz", stream)
    try:
        while piece := reader.read():
            lines += decode_lines(piece)
            assert reader.progress is None or 0 <= reader.progress <= 1
    finally:
        reader.close()


def one_input(data: bytes) -> None:
    """Read the bytes from a file, and as a whole and in up to 32 pieces from a pipe."""
    size = len(data) // (1 + data[0] % 32) + 1 if data else 1
    outcomes = [_from_pipe(data[1:], size), _from_pipe(data[1:], 1 << 17), _from_file(data[1:])]
    for lines, error in outcomes:
        assert error.isprintable(), error
        assert not any("\n" in line for line in lines), lines
        for line in lines:
            line.encode()
    (lines, error), (whole, whole_error), _ = outcomes
    # Where compressed data are damaged, small pieces give more of the text before.
    assert bool(error) is bool(whole_error), (error, whole_error)
    assert lines[: len(whole)] == whole[: len(lines)]
    assert error or lines == whole


if __name__ == "__main__":
    from tests.sources.files.packing import PACKERS

    texts = [
        _TEXT,
        _TEXT.decode().encode("utf-16"),
        "Außen °C;p\r1;ä\r".encode("latin-1"),
        b"".join(json.dumps(record).encode() + b"\n" for record in _RECORDS),
        json.dumps({"data": {"result": _RECORDS}}, indent=1).encode(),
        json.dumps([_RECORDS[:2], _RECORDS[2:]]).encode(),
        b"<html><title>x</title>",
    ]
    seeds = [*texts, *(pack(_TEXT) for pack in PACKERS.values()), gzip.compress(texts[3])]
    names = (
        *("bytestream", "compression", "containers", "encodings", "framing", "jsonlines"),
        *("jsonrows", "jsontables", "jsontext", "members", "signatures", "streams"),
        *("tararchive", "ziparchive"),
    )
    modules = [f"streamer.sources.files.{name}" for name in names]
    run(one_input, [b"\x07" + seed for seed in seeds], *modules)
