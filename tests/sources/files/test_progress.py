"""Progress of a replay: the share of a recording that has been read."""

import gzip
import io
import itertools
import os
import zipfile
from collections import deque
from datetime import datetime, timedelta
from unittest.mock import patch

import numpy as np
import pytest

from streamer.errors import StreamerError
from streamer.sources.files import head, streams
from streamer.sources.files.delimited import open_replay

START = datetime(2013, 5, 21)
ROWS = 2000
# Random values, so that all rows of a gzip are about equally long.
KW = np.random.default_rng(0).integers(1000, 9000, ROWS)
TEXT = "timestamp,kw\n" + "".join(
    f"{START + timedelta(minutes=i)},{watts / 1000:.3f}\n" for i, watts in enumerate(KW)
)


def zipped(method):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("house.csv", TEXT)
    return file.getvalue()


def followed(path, chunk_bytes=2048, **options):
    """Number of readings and progress, after opening and after each read."""
    with (
        patch.object(streams, "CHUNK_BYTES", chunk_bytes),
        # The first lines are read before, and put back as one piece.
        patch.object(head, "_HEAD_LINES", min(400, chunk_bytes // 100)),
    ):
        source = open_replay(path, **options)
        seen = [(0, source.progress)]
        while source.read():
            seen.append((source.readings, source.progress))
        seen.append((source.readings, source.progress))
        source.close()
    assert source.progress == seen[-1][1]
    shares = [share for _, share in seen]
    assert all(a <= b for a, b in itertools.pairwise(shares))
    assert shares[-1] == 1.0
    return seen


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        zipped(zipfile.ZIP_STORED),
        zipped(zipfile.ZIP_DEFLATED),
        gzip.compress(TEXT.encode()),
        gzip.compress(TEXT[:30_000].encode()) + gzip.compress(TEXT[30_000:].encode()),
    ],
    ids=["plain", "stored", "deflated", "gzip", "two gzip members"],
)
def test_progress_follows_the_bytes(write, content):
    seen = followed(write(content))
    assert len(seen) > 10
    assert all(abs(share - readings / ROWS) < 0.1 for readings, share in seen)


def test_progress_follows_the_limit(write):
    seen = followed(write(TEXT.encode()), limit=500)
    assert all(share >= readings / 500 for readings, share in seen)
    assert all(share <= readings / 500 + 0.1 for readings, share in seen[1:])


def test_a_limit_beyond_the_file_ends_at_one(write):
    seen = followed(write(TEXT.encode()), limit=10 * ROWS)
    assert all(abs(share - readings / ROWS) < 0.1 for readings, share in seen)


@pytest.mark.parametrize("first", [0, 300])
def test_progress_follows_the_end_time(write, first):
    span = {
        "start": START + timedelta(minutes=first),
        "end": START + timedelta(minutes=first + 400, seconds=30),
    }
    seen = followed(write(TEXT.encode()), **span)
    assert all(share >= (readings - 1) / 400.5 for readings, share in seen[1:])
    assert any(0.4 < share < 0.6 for _, share in seen)


def test_an_end_time_may_have_a_zone(write):
    text = "timestamp,kw\n" + "".join(f"2013-05-21T00:{i:02}+02:00,1\n" for i in range(60))
    seen = followed(write(text.encode()), chunk_bytes=290, end=datetime(2013, 5, 21, 0, 40))
    assert all(share >= (readings - 1) / 40 for readings, share in seen)
    assert any(0.4 < share < 0.6 for _, share in seen)


def test_progress_of_a_pipe_is_unknown(stdin):
    stdin.write(TEXT[:1000].encode())
    stdin.close()
    source = open_replay("-")
    while source.read():
        assert source.progress is None
    assert source.progress is None
    source.close()


def test_a_limit_gives_progress_to_a_pipe(stdin):
    stdin.write(TEXT[:1000].encode())
    source = open_replay("-", limit=100)
    assert source.progress == 0.0
    source.read()
    assert source.progress == source.readings / 100
    stdin.close()
    source.close()


def test_standard_input_from_a_file_has_progress(write, stdin):
    file = os.open(write(b"12345\n" + TEXT.encode()), os.O_RDONLY)
    os.read(file, 6)
    os.dup2(file, 0)
    os.close(file)
    stdin.close()
    assert all(abs(share - readings / ROWS) < 0.1 for readings, share in followed("-"))


def test_a_source_closed_early_is_not_complete(write):
    with patch.object(streams, "CHUNK_BYTES", 4096):
        source = open_replay(write(TEXT.encode()))
        source.read()
    before = source.progress
    source.close()
    assert source.progress == before < 1.0


def test_a_failed_source_is_not_complete(write):
    with patch.object(streams, "CHUNK_BYTES", 4096):
        source = open_replay(write(TEXT.encode() + b"x\n" + TEXT.encode()), strict=True)
        with pytest.raises(StreamerError):
            deque(iter(source.read, []), maxlen=0)
    assert 0.4 < source.progress < 0.6
    source.close()


def test_progress_of_a_growing_file_stays_below_one(write):
    path = write(TEXT.encode())
    with patch.object(streams, "CHUNK_BYTES", 4096):
        source = open_replay(path)
        path.write_bytes(TEXT.encode() + TEXT.replace("2013", "2014").partition("\n")[2].encode())
        while source.read():
            assert 0.0 < source.progress <= 1.0
        assert source.readings == 2 * ROWS
        source.close()
