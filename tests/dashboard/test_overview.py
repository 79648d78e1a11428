"""Tests of the large figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamer.dashboard import HistorySnapshot
from streamer.dashboard.digits import HEIGHT, large
from streamer.dashboard.overview import MIN_WIDTH, ROWS, overview
from streamer.readings import Lead
from tests.dashboard.samples import house, make_steps, snapshot, sunny, usual, watched, zoned


def _lines(found: HistorySnapshot, width: int = 120, *, ascii: bool = False) -> list[str]:
    lines = overview(found, width, ascii=ascii)
    assert len(lines) == ROWS
    assert all(text.cell_len <= width for text in lines)
    return [text.plain for text in lines]


def _has(lines: list[str], number: str, *, ascii: bool = False) -> bool:
    """Whether a number stands somewhere in large figures."""
    rows = large(number, ascii=ascii)
    return any(
        all(lines[1 + row].startswith(part, at) for row, part in enumerate(rows))
        for at in range(len(lines[1]))
    )


def test_every_figure_differs_from_the_others() -> None:
    for ascii_only in (False, True):
        drawn = [tuple(large(char, ascii=ascii_only)) for char in "0123456789.−–"]
        assert len(set(drawn)) == len(drawn)
        for rows in drawn:
            assert len(rows) == HEIGHT
            assert len({len(row) for row in rows}) == 1


@pytest.mark.parametrize("ascii_only", [False, True])
def test_now_next_and_today_are_large(ascii_only: bool) -> None:
    found = usual()
    last = found.steps[-1]
    assert last.forecast is not None
    lines = _lines(found, ascii=ascii_only)
    for value in (f"{last.reading.kw:.3f}", f"{last.forecast.kw:.3f}", f"{found.day.kwh:.2f}"):
        assert _has(lines, value, ascii=ascii_only)
    assert "401 of 408 minutes seen" in lines[-1]
    assert "now 06:47" in lines[0]
    assert "next 06:48" in lines[0]


def test_a_whole_day_is_said_to_be_seen() -> None:
    assert "every minute since midnight" in _lines(snapshot(make_steps(house(100))))[-1]


def test_import_export_and_solar_energy_are_apart_where_solar_power_is_measured() -> None:
    found = snapshot(sunny(make_steps(house(480))))
    day = found.day
    lines = _lines(found)
    assert "so far, import" in lines[0]
    assert _has(lines, f"{day.kwh + day.exported_kwh:.2f}")
    exported, solar = f"{day.exported_kwh:.2f}", f"{day.solar_kwh:.2f}"
    assert f"export {exported} kWh · solar {solar} kWh" in lines[-1]
    assert f"export {exported} · solar {solar}" in _lines(found, 96)[-1]


def test_exported_power_makes_the_energy_net() -> None:
    exported = snapshot(make_steps(house(100, scale=-1.0)))
    assert "so far, net" in _lines(exported)[0]
    assert _has(_lines(exported), f"−{abs(exported.day.kwh):.2f}")


def test_the_skill_is_large_once_it_means_something() -> None:
    found = usual()
    last = found.steps[-1]
    for lead, word in ((Lead(0.1, 0.2), "better"), (Lead(-0.2, -0.1), "worse"), (None, "")):
        model = replace(last.scores.model, mse_kw2=0.8 if word == "better" else 1.2)
        persistence = replace(last.scores.persistence, mse_kw2=1.0)
        scores = replace(last.scores, model=model, persistence=persistence, lead=lead)
        lines = _lines(replace(found, steps=(replace(last, scores=scores),)))
        assert ("than persistence by" in lines[0]) == bool(word)
        assert word in lines[0]
        assert _has(lines, "20.0") == bool(word)


def test_a_meter_shows_its_latest_sample() -> None:
    lines = _lines(watched())
    assert _has(lines, "1.234")
    assert "█ 06:42 0.330" in lines[-1]


def test_the_forecast_for_the_latest_minute_is_whole_however_narrow_the_figures() -> None:
    found = watched(zoned(make_steps(house(480, scale=-1.0))))
    last = found.steps[-1]
    scores = replace(last.scores, lead=Lead(0.1, 0.2))
    found = replace(found, steps=(*found.steps[:-1], replace(last, scores=scores)))
    assert last.settled is not None
    value = f"{last.settled.point_kw:.3f}".replace("-", "−")
    assert f"  • {value}" in _lines(found, MIN_WIDTH)[-1]
    assert f"  • forecast {value}" in _lines(found, 200)[-1]


def test_the_time_until_the_first_forecast_is_shown() -> None:
    lines = _lines(watched(zoned(make_steps(house(12)))), MIN_WIDTH)
    assert "first forecast in 37 min" in lines[-1]
    assert _lines(watched([]), MIN_WIDTH)[0].split()[0] == "now"
