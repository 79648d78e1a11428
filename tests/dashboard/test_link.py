from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from streamer.dashboard import Snapshot, link, render
from streamer.readings import Link
from tests.dashboard.samples import alarmed, usual, watched, zoned

SIZES = [(40, 12), (60, 30), (72, 22), (80, 24), (100, 30), (130, 24), (200, 60)]


def _after(found: Snapshot, seconds: float) -> Snapshot:
    assert found.now is not None
    return replace(found, now=found.now + timedelta(seconds=seconds))


def _shown(found: Snapshot, size: tuple[int, int], **options: Any) -> str:
    return str(render(found, *size, speed="live", now=found.now, **options))


def _banner(found: Snapshot, width: int = 100) -> str:
    return link.banner(found, width).plain.rstrip()


def _lost(why: str = "connection refused") -> Snapshot:
    return watched(link=Link.LOST, why=why)


def _all_wrong(state: str) -> Snapshot:
    return watched(zoned(alarmed().steps), link=state)


@pytest.mark.parametrize("size", SIZES)
def test_a_lost_connection_is_told_on_every_screen_and_when_it_is_tried_again(
    size: tuple[int, int],
) -> None:
    for found in (_lost(), _all_wrong(Link.LOST)):
        shown = _shown(found, size)
        assert "broker away for 2 min" in shown
        assert "again in 8 s" in shown
        assert "connection refused" in shown
        assert " live" not in shown


@pytest.mark.parametrize("size", SIZES)
def test_a_silent_meter_is_told_from_a_lost_connection(size: tuple[int, int]) -> None:
    for found in (watched(link=Link.SILENT), _all_wrong(Link.SILENT)):
        shown = _shown(found, size)
        assert "meter silent for 4 min" in shown
        assert "broker" not in shown


@pytest.mark.parametrize("size", SIZES)
def test_a_connection_that_stands_is_no_news(size: tuple[int, int]) -> None:
    shown = _shown(watched(), size)
    assert " live" in shown
    assert "broker" not in shown
    assert "ago" not in shown


@pytest.mark.parametrize("size", [size for size in SIZES if size[0] >= 80])
def test_an_alarm_is_told_beside_what_is_wrong_with_the_connection(size: tuple[int, int]) -> None:
    for state in (Link.LOST, Link.SILENT):
        top = "\n".join(_shown(_all_wrong(state), size).splitlines()[:2])
        assert "! anomaly" in top
    assert "! anomaly +2" in _shown(_all_wrong(Link.LOST), (60, 30)).splitlines()[-1]


def test_it_counts_down_by_the_clock_that_it_is_given() -> None:
    told = [_banner(_after(_lost(), seconds)) for seconds in (0, 1, 7.5, 8, 20)]
    assert told == [
        f"! broker away for 2 min, trying again {when}: connection refused"
        for when in ("in 8 s", "in 7 s", "in 1 s", "now", "now")
    ]
    assert "for 1 h 2 min" in _banner(_after(_lost(), 3600))
    assert "for 2 d 23 h" in _banner(_after(_lost(), 3 * 86_400 - 3600))


def test_what_time_alone_changes_is_known_without_a_frame() -> None:
    lost, up = _lost(), watched()
    assert link.moment(lost) != link.moment(_after(lost, 1.0))
    assert link.moment(lost) == link.moment(_after(lost, 0.1))
    assert link.moment(up) == link.moment(_after(up, 1.0))
    assert link.moment(up) != link.moment(_after(up, 60.0))


@pytest.mark.parametrize(
    ("width", "told"),
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
def test_as_much_is_told_as_there_is_room_for(width: int, told: str) -> None:
    assert _banner(_lost(), width) == told


def test_what_is_not_known_is_left_out() -> None:
    found = replace(watched(), link=Link(Link.LOST))
    assert _banner(found) == "! meter away"
    assert link.standing(found) == ["away"]
    assert link.standing(watched(link=None)) == ["–"]
    assert _banner(watched(link=None)) == ""


def test_a_long_wait_is_told_in_minutes() -> None:
    found = _lost()
    assert found.link is not None
    assert found.now is not None
    later = replace(found.link, retry_at=found.now + timedelta(minutes=5))
    assert "trying again in 5 min" in _banner(replace(found, link=later))


def test_the_state_says_since_when() -> None:
    assert link.standing(watched()) == ["up since 03:43", "up"]
    assert link.standing(_after(watched(), 86_400)) == ["up since 03-21 03:43", "up"]
    assert link.standing(watched(link=Link.SILENT))[0] == "silent since 06:39"


def test_a_replay_has_no_connection() -> None:
    found = replace(_lost(), now=None)
    assert not link.down(found)
    assert _banner(found) == ""
    assert link.standing(usual()) == ["–"]


def test_the_end_is_not_a_lost_connection() -> None:
    found = replace(_lost(), ended=True)
    for size in SIZES:
        shown = _shown(found, size)
        assert "ended" in shown
        assert "trying again" not in shown


def test_old_values_are_said_to_be_old() -> None:
    found = watched(age_s=200)
    assert "live · 3 min ago" in _shown(found, (80, 24))
    assert "live · 4 min ago" in _shown(_after(found, 40), (80, 24))


def test_nothing_from_outside_reaches_the_terminal_as_a_command() -> None:
    found = _lost(why="no\x1b[2J route\tto 家")
    for size in SIZES:
        assert not {"\x1b", "\t"} & set(_shown(found, size))
        assert _shown(found, size, ascii=True).isascii()


@pytest.mark.parametrize("size", SIZES)
def test_no_line_moves_when_the_connection_is_lost(size: tuple[int, int]) -> None:
    frames = [_shown(found, size).splitlines() for found in (watched(), _lost())]
    places = [next(i for i, row in enumerate(rows) if row.startswith("now")) for rows in frames]
    assert places[0] == places[1]
