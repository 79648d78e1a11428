"""Tests of hostile and damaged model folders: one line each, soon, and in little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from streamer.cli import main
from streamer.errors import ModelError, StreamerError
from streamer.models import load_model
from streamer.models.artefact import parse_keras
from tests.models import hostile
from tests.models.hostile import CASES, packed, write

LARGE = [
    *(name for name in CASES if "pipe" in name or "bomb" in name or "terabyte" in name),
    *(name for name in CASES if "billion" in name or "GB" in name or "device" in name),
    *("zip with a lying size", "zip has 9,000 members", "arrays as weights"),
]
SHOWN = [
    *("bit flip in the weights", "layer of another class", "external storage in a pipe"),
    *("NaN in the weights", "card with another target", "card with a window of a billion"),
    "card with scores of text",
]


def test_valid_folder_is_accepted(tmp_path: Path) -> None:
    write(tmp_path)
    assert load_model(tmp_path).forecast(np.ones((2, 49))).mean_kw.shape == (2,)


@pytest.mark.parametrize("name", CASES)
def test_hostile_folder_is_rejected_in_one_line(name: str, tmp_path: Path) -> None:
    CASES[name](tmp_path)
    texts = set()
    for engine in ("auto", "tensorflow"):
        with pytest.raises(StreamerError) as caught:
            load_model(tmp_path, engine=engine)
        texts.add(str(caught.value))
    (text,) = texts
    assert str(tmp_path) in text
    assert text.isprintable()
    assert len(text.removeprefix(str(tmp_path))) < 300


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize(
    "command",
    [
        ("models", "show", "MODEL"),
        ("replay", "--limit", "60", "--quiet", "--model", "MODEL"),
        ("replay", "--limit", "60", "--quiet", "--engine", "tensorflow", "--model", "MODEL"),
    ],
    ids=lambda command: " ".join(command[:-1:3]),
)
def test_commands_report_a_hostile_folder_in_one_line(
    name: str, command: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    CASES[name](tmp_path)
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path) if word == "MODEL" else word for word in command])
    assert caught.value.code == 1
    printed = capfd.readouterr()
    assert not printed.out
    (line,) = printed.err.splitlines()
    assert line.startswith(f"streamer: error: {tmp_path}")
    assert line.isprintable()


def test_large_and_waiting_folders_take_little_memory_and_time(tmp_path: Path) -> None:
    """Each in a child whose memory is limited, and that an alarm ends."""
    pytest.importorskip("resource")
    script = f"""
import resource, signal, sys
from pathlib import Path
from streamer.errors import StreamerError
from streamer.models import load_model
from tests.models.hostile import CASES
load_model()
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + (300 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
signal.alarm(60)
for number, name in enumerate({LARGE!r}):
    folder = Path({str(tmp_path)!r}, str(number))
    folder.mkdir()
    CASES[name](folder)
    try:
        load_model(folder)
    except StreamerError:
        print("rejected")
"""
    if not Path("/proc/self/statm").exists():
        pytest.skip("the size of a process is read from /proc")
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["rejected"] * len(LARGE)


@pytest.mark.parametrize("start", range(0, 200, 50))
def test_any_bit_of_the_weights_may_be_flipped(start: int) -> None:
    """With a checksum in the archive that fits, so that HDF5 itself meets the damage."""
    whole = hostile.weights()
    for place in range(start, len(whole), 200):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        members = {**hostile.members(), hostile.WEIGHTS: bytes(flipped)}
        try:
            network = parse_keras(Path("flipped"), packed(members))
        except ModelError:
            continue
        assert all(np.isfinite(array).all() for array in network.arrays)
