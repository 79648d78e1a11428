"""Tests of the connection state on the dashboard."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from streamer.dashboard import HistorySnapshot, link, render
from streamer.history import outage
from streamer.readings import Link
from tests.dashboard.samples import alarmed, usual, watched, zoned

SIZES = [(40, 12), (60, 30), (72, 22), (80, 24), (100, 30), (130, 24), (200, 60)]


def _after(found: HistorySnapshot, seconds: float) -> HistorySnapshot:
    assert found.now is not None
    return replace(found, now=found.now + timedelta(seconds=seconds))


def _shown(found: HistorySnapshot, size: tuple[int, int], **options: Any) -> str:
    return str(render(found, *size, speed="live", now=found.now, **options))


def _banner(found: HistorySnapshot, width: int = 100) -> str:
    return link.banner(found, width).plain.rstrip()


def _lost(why: str = "connection refused") -> HistorySnapshot:
    return watched(link=Link.LOST, why=why)


def _all_wrong(state: str) -> HistorySnapshot:
    return watched(zoned(alarmed().steps), link=state)


@pytest.mark.parametrize("size", SIZES)
def test_every_screen_shows_a_lost_connection_and_its_next_attempt(
    size: tuple[int, int],
) -> None:
    for found in (_lost(), _all_wrong(Link.LOST)):
        shown = _shown(found, size)
        assert "broker away for 2 min" in shown
        assert "again in 8 s" in shown
        assert "connection refused" in shown
        assert " live" not in shown


@pytest.mark.parametrize("size", SIZES)
def test_a_silent_meter_is_distinguished_from_a_lost_connection(size: tuple[int, int]) -> None:
    for found in (watched(link=Link.SILENT), _all_wrong(Link.SILENT)):
        shown = _shown(found, size)
        assert "meter silent for 4 min" in shown
        assert "broker" not in shown


@pytest.mark.parametrize("size", SIZES)
def test_an_established_connection_is_shown_as_live_only(size: tuple[int, int]) -> None:
    shown = _shown(watched(), size)
    assert " live" in shown
    assert "broker" not in shown
    assert "ago" not in shown


@pytest.mark.parametrize("size", [size for size in SIZES if size[0] >= 80])
def test_an_alarm_is_shown_beside_an_outage(size: tuple[int, int]) -> None:
    for state in (Link.LOST, Link.SILENT):
        top = "\n".join(_shown(_all_wrong(state), size).splitlines()[:2])
        assert "! anomaly" in top
    assert "! anomaly +2" in _shown(_all_wrong(Link.LOST), (60, 30)).splitlines()[-1]


def test_the_banner_counts_down_by_the_given_clock() -> None:
    texts = [_banner(_after(_lost(), seconds)) for seconds in (0, 1, 7.5, 8, 20)]
    assert texts == [
        f"! broker away for 2 min, trying again {when}: connection refused"
        for when in ("in 8 s", "in 7 s", "in 1 s", "now", "now")
    ]
    assert "for 1 h 2 min" in _banner(_after(_lost(), 3600))
    assert "for 2 d 23 h" in _banner(_after(_lost(), 3 * 86_400 - 3600))


def test_time_dependent_texts_are_known_without_a_frame() -> None:
    lost, up = _lost(), watched()
    assert link.moment(lost) != link.moment(_after(lost, 1.0))
    assert link.moment(lost) == link.moment(_after(lost, 0.1))
    assert link.moment(up) == link.moment(_after(up, 1.0))
    assert link.moment(up) != link.moment(_after(up, 60.0))


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (70, "! broker away for 2 min, trying again in 8 s: connection refused"),
        (63, "! broker away for 2 min, trying again in 8 s: connection refus…"),
        (61, "! broker away for 2 min, trying again in 8 s"),
        (40, "! broker away for 2 min, again in 8 s"),
        (30, "! broker away for 2 min"),
        (20, "! broker away"),
        (10, "! broker …"),
    ],
)
def test_the_banner_is_shortened_to_the_width(width: int, text: str) -> None:
    assert _banner(_lost(), width) == text


def test_unknown_details_are_left_out() -> None:
    found = replace(watched(), link=Link(Link.LOST))
    assert _banner(found) == "! meter away"
    assert link.state_since(found) == ["away"]
    assert link.state_since(watched(link=None)) == ["–"]
    assert _banner(watched(link=None)) == ""


def test_a_long_wait_is_shown_in_minutes() -> None:
    found = _lost()
    assert found.link is not None
    assert found.now is not None
    later = replace(found.link, retry_at=found.now + timedelta(minutes=5))
    assert "trying again in 5 min" in _banner(replace(found, link=later))


def test_the_state_has_the_time_of_its_beginning() -> None:
    assert link.state_since(watched()) == ["up since 03:43", "up"]
    assert link.state_since(_after(watched(), 86_400)) == ["up since 03-21 03:43", "up"]
    assert link.state_since(watched(link=Link.SILENT))[0] == "silent since 06:39"


def test_a_replay_has_no_connection() -> None:
    found = replace(_lost(), now=None)
    assert not outage.is_down(found)
    assert _banner(found) == ""
    assert link.state_since(usual()) == ["–"]


def test_the_end_of_the_stream_hides_an_outage() -> None:
    found = replace(_lost(), ended=True)
    for size in SIZES:
        shown = _shown(found, size)
        assert "ended" in shown
        assert "trying again" not in shown


def test_the_age_of_an_old_sample_is_shown() -> None:
    found = watched(age_s=200)
    assert "live · 3 min ago" in _shown(found, (80, 24))
    assert "live · 4 min ago" in _shown(_after(found, 40), (80, 24))


def test_control_characters_in_a_reason_do_not_reach_the_terminal() -> None:
    found = _lost(why="no\x1b[2J route\tto 家")
    for size in SIZES:
        assert not {"\x1b", "\t"} & set(_shown(found, size))
        assert _shown(found, size, ascii=True).isascii()


@pytest.mark.parametrize("size", SIZES)
def test_no_line_moves_when_the_connection_is_lost(size: tuple[int, int]) -> None:
    frames = [_shown(found, size).splitlines() for found in (watched(), _lost())]
    places = [
        next(i for i, row in enumerate(rows) if row.lstrip().startswith("now")) for rows in frames
    ]
    assert places[0] == places[1]
