"""Tests of a user's program that uses each door: it runs, and is right by its types."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.models.plugins import user


def test_the_program_runs(capsys: pytest.CaptureFixture[str]) -> None:
    user.main()
    assert "does not come after" in capsys.readouterr().out


@pytest.mark.slow
def test_its_types_are_right_strictly(tmp_path: Path) -> None:
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary"),
            *("--follow-imports=silent", f"--cache-dir={ROOT / '.mypy_cache' / 'users'}"),
            str(user.__file__),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        timeout=120,
    )
    assert checked.stdout == ""
    assert checked.returncode == 0, checked.stderr
