from __future__ import annotations

from dataclasses import replace

import pytest

from streamer.dashboard import Snapshot
from streamer.dashboard.head import now, now_lines
from tests.dashboard.samples import house, make_steps, snapshot, usual


def _expecting(low_kw: float, high_kw: float) -> Snapshot:
    found = usual()
    last = found.steps[-1]
    assert last.forecast is not None
    coming = replace(last.forecast, low_kw=low_kw, high_kw=high_kw)
    return replace(found, steps=(*found.steps[:-1], replace(last, forecast=coming)))


@pytest.mark.parametrize("width", [72, 80, 100, 130, 200])
def test_the_coming_value_has_its_band_on_every_full_screen(width: int) -> None:
    text = now(_expecting(0.349, 0.612), width)
    assert text.plain.rstrip().endswith("(0.35 to 0.61)")
    assert text.cell_len <= width


def test_the_error_stands_where_there_is_room_for_it_too() -> None:
    assert "error" not in now(usual(), 80).plain
    assert "error" in now(usual(), 100).plain
    assert "error" in now(snapshot(make_steps(house(12))), 80).plain


def test_a_little_screen_has_the_band_too() -> None:
    ahead = now_lines(_expecting(-0.05, 0.612), 40)[1].plain
    assert ahead.rstrip() == "◆ next 06:48  0.334 kW (−0.05 to 0.61)"
    assert "error" in now_lines(usual(), 60)[1].plain
    assert now_lines(usual(), 24)[1].plain == "◆ next 06:48  0.334 kW"


def test_the_line_does_not_jitter_with_its_values() -> None:
    for width in (72, 80, 100, 200):
        lines = {now(_expecting(low, low + 1.0), width).plain.index("(") for low in (0.0, 0.5, 2.0)}
        assert len(lines) == 1


@pytest.mark.parametrize("ends", [(-1e300, 1e300), (float("-inf"), float("nan"))])
def test_a_mad_band_costs_at_most_itself(ends: tuple[float, float]) -> None:
    for width in (20, 40, 72, 80, 200):
        assert "0.334" in now(_expecting(*ends), max(72, width)).plain
        assert all(text.cell_len <= width for text in now_lines(_expecting(*ends), width))
