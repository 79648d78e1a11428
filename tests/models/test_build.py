"""Tests of wheels with and without a C compiler; the build tools need a package index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KERNEL = "streamer/models/_kernel.abi3.so"

pytestmark = pytest.mark.slow


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the files that a wheel is built from."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    ignored = shutil.ignore_patterns("__pycache__", "*.so")
    for name in ("streamer", "replay_data"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    return folder


def _wheel(checkout: Path, **environment: str) -> Path:
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", str(checkout / "dist")]
    subprocess.run(
        [*command, str(checkout)],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        timeout=300,
    )
    (wheel,) = (checkout / "dist").glob("*.whl")
    return wheel


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_wheel_built_with_a_compiler_runs_on_all_pythons(checkout: Path, tmp_path: Path) -> None:
    wheel = _wheel(checkout)
    assert "-cp311-abi3-" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "installed")
    assert KERNEL in names
    assert not [name for name in names if name.endswith((".c", ".h", "hatch_build.py"))]
    script = "from streamer.models import load_model; print(load_model(engine='compiled').engine)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path / "installed",
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("compiled (")


def test_wheel_built_without_a_compiler_is_pure_python(checkout: Path) -> None:
    wheel = _wheel(checkout, CC=shutil.which("false") or "false")
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert KERNEL not in archive.namelist()
        assert "streamer/models/sceaux/model.keras" in archive.namelist()
