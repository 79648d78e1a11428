"""The command `report`."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamer.commands.report import report
from tests.recording.conftest import House, house


def test_the_path_of_the_page_cannot_move_the_cursor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db = tmp_path / "house.db"
    watcher = House(db)
    watcher.watch(house(60))
    watcher.close()
    page = tmp_path / "page\x1b[2J\u202e.html"
    report(db, period="day", until=None, out=page)
    assert page.exists()
    assert capsys.readouterr().out == f"{tmp_path}/page?[2J?.html\n"
