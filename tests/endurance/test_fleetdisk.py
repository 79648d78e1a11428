"""A fleet's checkpoint has the same size after any number of batches."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamer.errors import UsageError
from streamer.fleet.spark.needs import check_java
from tests.endurance.fleetdisk import QUICKENED, Sample, run, sample

METERS = 100
COPY = 1500
"""Bytes of a meter in a version of the state."""


@pytest.mark.slow
@pytest.mark.xdist_group("spark")
def test_the_state_takes_two_copies_after_any_number_of_batches(tmp_path: Path) -> None:
    try:
        check_java()
    except UsageError as error:
        pytest.skip(str(error))
    found: list[Sample] = []
    run(tmp_path, found.append, meters=METERS, batches=24, minutes=60, conf=QUICKENED, every=2)
    sizes = [_state(it) / METERS for it in found]
    # A third version is deleted half a second after it was written.
    assert max(sizes) < 3 * COPY
    assert min(sizes[-6:]) < 2 * COPY
    assert found[-1].kinds["offsets"] < 6000
    assert len(list((tmp_path / "in").glob("*.parquet"))) <= 2


def _state(found: Sample) -> int:
    return sum(size for kind, size in found.kinds.items() if kind in ("tables", "changelogs"))


def test_bytes_are_counted_by_kind(tmp_path: Path) -> None:
    checkpoint, sink = tmp_path / "ck", tmp_path / "out"
    for path, size in (
        (checkpoint / "state/0/1/7.zip", 1),
        (checkpoint / "state/0/1/SSTs/1.sst", 2),
        (checkpoint / "offsets/7", 4),
        (checkpoint / "offsets/.7.crc", 8),
        (sink / "part-0.parquet", 16),
        (sink / "_spark_metadata/7", 32),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
    found = sample(7, checkpoint, sink)
    assert found.kinds == {
        "snapshots": 1,
        "tables": 2,
        "offsets": 4,
        "checksums": 8,
        "sink rows": 16,
        "sink _spark_metadata": 32,
    }
    assert (found.checkpoint, found.files) == (15, 6)
