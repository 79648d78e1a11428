"""Tests of the lines with the present and coming power."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamer.dashboard import HistorySnapshot
from streamer.dashboard.now import now, now_lines
from streamer.history.columns import latest
from streamer.readings import Link, Sample
from tests.dashboard.samples import house, make_steps, snapshot, usual, watched, zoned


def _expecting(low_kw: float, high_kw: float) -> HistorySnapshot:
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


def test_the_error_is_shown_if_there_is_room() -> None:
    assert "error" not in now(usual(), 80).plain
    assert "error" in now(usual(), 100).plain
    assert "error" in now(snapshot(make_steps(house(12))), 80).plain


def test_a_small_screen_has_the_band() -> None:
    ahead = now_lines(_expecting(-0.05, 0.612), 40)[1].plain
    assert ahead.rstrip() == "• next 06:48  0.334 kW (−0.05 to 0.61)"
    assert "error" in now_lines(usual(), 60)[1].plain
    assert now_lines(usual(), 24)[1].plain == "• next 06:48  0.334 kW"


@pytest.mark.parametrize(
    ("median_kw", "shown"), [(None, "0.300"), (0.25, "0.250"), (0.05, "0.100"), (9.0, "0.300")]
)
def test_what_is_shown_is_the_point_forecast_and_inside_its_band(
    median_kw: float | None, shown: str
) -> None:
    found = usual()
    last = found.steps[-1]
    assert last.forecast is not None
    forecast = replace(last.forecast, kw=0.9, median_kw=median_kw, low_kw=0.1, high_kw=0.3)
    step = replace(last, settled=forecast, forecast=forecast)
    found = replace(found, steps=(*found.steps[:-1], step))
    error = f"{last.reading.kw - float(shown):+.3f}".replace("-", "−")
    for width in (72, 100, 200):
        assert f"next 06:48  {shown}" in now(found, width).plain.replace("next  ", "next 06:48  ")
    assert f"forecast  {shown}" in now(found, 200).plain
    assert f"error  {error}" in now(found, 200).plain
    *_, minute, coming = latest(found.steps, 9)
    assert minute.mark_kw == coming.mark_kw == float(shown)


def test_the_line_does_not_jitter_with_its_values() -> None:
    for width in (72, 80, 100, 200):
        lines = {now(_expecting(low, low + 1.0), width).plain.index("(") for low in (0.0, 0.5, 2.0)}
        assert len(lines) == 1


@pytest.mark.parametrize("ends", [(-1e300, 1e300), (float("-inf"), float("nan"))])
def test_an_extreme_band_hides_no_other_value(ends: tuple[float, float]) -> None:
    for width in (20, 40, 72, 80, 200):
        assert "0.334" in now(_expecting(*ends), max(72, width)).plain
        assert all(text.cell_len <= width for text in now_lines(_expecting(*ends), width))


@pytest.mark.parametrize("width", [72, 79, 80, 100, 130, 200])
def test_a_meter_has_its_latest_value_beside_the_minute_and_its_forecasts(width: int) -> None:
    text = now(watched(), width)
    assert text.plain.startswith("now  1.234 kW ")
    for value in ("0.330", "0.350", "0.334"):
        assert value in text.plain
    assert text.plain.rstrip().endswith("(0.27 to 0.46)")
    assert text.cell_len <= width


def test_a_small_screen_has_the_latest_value_and_the_forecasts() -> None:
    above, below = (text.plain.rstrip() for text in now_lines(watched(), 40))
    assert above == "now  1.234 kW  █ 06:42  0.330 •   0.350"
    assert below == "• next 06:43  0.334 kW (0.27 to 0.46)"


def test_the_line_of_a_meter_does_not_jitter() -> None:
    kinds = [watched(), watched(kw=-12.5), watched(kw=None), watched(link=Link.LOST)]
    for width in (72, 80, 100, 200):
        for glyph in "█••(":
            assert len({now(found, width).plain.index(glyph) for found in kinds}) == 1


def test_the_latest_value_is_unknown_while_the_connection_is_down() -> None:
    for found in (watched(link=Link.LOST), watched(link=Link.SILENT), watched(kw=float("nan"))):
        assert now(found, 80).plain.startswith("now      – kW ")
        assert now_lines(found, 40)[0].plain.startswith("now      – kW ")


def test_an_old_value_is_shown_while_the_connection_is_up() -> None:
    # A push-on-change feed may be silent for long while its value holds.
    assert now(watched(age_s=3000), 80).plain.startswith("now  1.234 kW ")


@pytest.mark.parametrize(("count", "left"), [(0, 49), (1, 48), (12, 37), (48, 1)])
def test_the_time_until_the_first_forecast_is_shown(count: int, left: int) -> None:
    found = watched(zoned(make_steps(house(count))))
    for text in (now(found, 80), now_lines(found, 40)[1]):
        assert text.plain.rstrip().endswith(f"• first forecast in {left} min")
    away = watched(zoned(make_steps(house(count))), link=Link.LOST)
    minutes = "minute" if left == 1 else "minutes"
    for text in (now(away, 80), now_lines(away, 40)[1]):
        assert text.plain.rstrip().endswith(f"• first forecast after {left} more {minutes}")


def test_the_time_until_the_next_forecast_is_shown_after_the_buffer_was_emptied() -> None:
    found = watched(zoned(make_steps(house(100), gaps={95: 600})))
    assert now(found, 80).plain.rstrip().endswith("• next forecast in 44 min")


def test_extreme_values_of_a_meter_fit() -> None:
    for kw in (1e300, -1e300, float("inf")):
        for width in (1, 20, 40, 72, 80, 200):
            found = replace(watched(), sample=Sample(kw))
            assert all(text.cell_len <= width for text in now_lines(found, width))
            assert now(found, width).cell_len <= width
