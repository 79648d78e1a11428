"""Tests of the bundled sample."""

from __future__ import annotations

import hashlib

from streamer.models import load_model
from streamer.readings import MINUTE
from streamer.sample import sample_path
from streamer.sources.files.delimited import open_replay
from streamer.testing import check_source


def test_sample_matches_its_readme() -> None:
    content = sample_path().read_bytes()
    readme = (sample_path().parent / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(content).hexdigest() in readme
    rows = content.split(b"\r\n")[1:-1]
    assert len(rows) == 7 * 1440
    assert sum(b"?" in row for row in rows) == 2027


def test_sample_reads_without_notices() -> None:
    source = open_replay(sample_path(), strict=True)
    assert len(check_source(source, spacing=MINUTE)) == 7 * 1440 - 2027


def test_shipped_model_was_not_trained_on_the_sample() -> None:
    card = load_model().card
    first = check_source(open_replay(sample_path(), limit=1))[0]
    assert card.trained_to is not None
    assert card.trained_to < first.at
