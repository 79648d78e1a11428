"""The example on the path, and a broker for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.kafka.broker import KafkaBroker
from tests.docs.pages import ROOT

EXAMPLES = str(ROOT / "docs" / "examples")
if EXAMPLES not in sys.path:
    sys.path.append(EXAMPLES)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[KafkaBroker]:
    """A broker with its data in the folder of the test."""
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = KafkaBroker(folder)
    try:
        yield broker
    finally:
        broker.kill()
