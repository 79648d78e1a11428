"""Tests of figures with names from outside in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamer.display.figures import new_figure, save_figure

NAMES = ["a$\\frac{$", "$x_{$", "電力", "a\x1b[2J\nb", "\\alpha", "^$^", "$$", "Süd"]


def test_names_are_no_formulas(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    figure = new_figure("a test", 4, 3)
    axes = figure.add_subplot()
    figure.suptitle(NAMES[0])
    for name in NAMES:
        axes.plot([0, 1], label=name)
    axes.legend()
    path = tmp_path / "names.png"
    save_figure(figure, path, dpi=50)
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
