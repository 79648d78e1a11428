"""Readers of files and of pipes, down to lines of text."""

import os
import threading
from itertools import pairwise

import pytest

from streamer.sources.files.bytestream import open_bytes
from streamer.sources.files.framing import LineReader, decode_lines


def read_lines(path, **options):
    """All lines of a file."""
    name, stream = open_bytes(path, **options)
    reader = LineReader(name, stream)
    lines = []
    try:
        while piece := reader.read():
            lines += decode_lines(piece)
    finally:
        reader.close()
    return lines


@pytest.fixture
def lines_of(tmp_path):
    """A function that returns the lines of bytes in a file."""

    def lines_of(content, name="house.csv", **options):
        path = tmp_path / name
        path.write_bytes(content)
        return read_lines(path, **options)

    return lines_of


def piped_lines(data, cuts=(), **options):
    """The lines of bytes that are written to standard input in pieces."""
    saved = os.dup(0)
    reader, writer = os.pipe()
    os.dup2(reader, 0)
    os.close(reader)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]

    def feed():
        for start, end in pairwise(edges):
            os.write(writer, data[start:end])
        os.close(writer)

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        return read_lines("-", **options)
    finally:
        # Read everything, or a writer with more than fits into the pipe would wait for ever.
        while os.read(0, 1 << 16):
            pass
        thread.join()
        os.dup2(saved, 0)
        os.close(saved)
