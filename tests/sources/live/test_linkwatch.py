from __future__ import annotations

import math
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from streamer.feeds import Pace
from streamer.readings import Link
from streamer.sources.live.linkwatch import LinkWatch
from streamer.sources.live.minutes import local_time

DATE = 1_774_745_940.0
ANY_PACE = Pace()


def _moment(at_s: float) -> datetime:
    return local_time(DATE + at_s)


def _watch(stale_after_s: float = 600.0, pace: Pace = ANY_PACE) -> LinkWatch:
    return LinkWatch(stale_after_s, _moment, 0.0, "broker", pace)


def _samples(watch: LinkWatch, *times: float) -> list[Link]:
    return [link for at in times if (link := watch.sample(at)) is not None]


def _checked(watch: LinkWatch, until: float) -> list[Link]:
    """The links of all checks up to a time, each made when due."""
    found = []
    for _ in range(1000):
        due = watch.due_s
        if due > until:
            return found
        link = watch.check(due)
        found += [] if link is None else [link]
    raise AssertionError("a check stays due")


def test_a_link_is_up_from_its_first_sample_on() -> None:
    watch = _watch()
    assert watch.link(Link(Link.UP, "broker", "subscribed"), 1.0) is None
    assert watch.sample(3.0) == Link(Link.UP, "broker", "subscribed", _moment(3))
    assert watch.sample(4.0) is None
    assert watch.link(Link(Link.UP, "broker"), 5.0) is None
    other = watch.link(Link(Link.UP, "sender"), 6.0)
    assert other == Link(Link.UP, "sender", since=_moment(6))


@pytest.mark.parametrize("was_lost", [False, True])
def test_a_link_to_a_broker_is_up_when_it_has_held_for_a_moment(was_lost: bool) -> None:
    watch = _watch()
    if was_lost:
        watch.link(Link(Link.LOST, "broker", "refused"), 0.0)
    watch.link(Link(Link.UP, "broker", "subscribed"), 1.0)
    assert watch.due_s == 3.0
    assert watch.check(2.9) is None
    assert watch.check(3.0) == Link(Link.UP, "broker", "subscribed", _moment(3))
    assert watch.due_s == 91.0


def test_a_link_to_a_meter_is_not_up_without_a_value() -> None:
    watch = _watch()
    watch.link(Link(Link.UP, "meter"), 1.0)
    assert [link.state for link in _checked(watch, 100.0)] == [Link.SILENT]


def test_without_silence_a_link_stays_up() -> None:
    watch = LinkWatch(600.0, _moment, 0.0, silence=False)
    watch.link(Link(Link.UP, "file"), 0.0)
    assert [link.state for link in _checked(watch, 1e6)] == [Link.UP]
    assert watch.due_s == math.inf


def test_a_lost_link_keeps_the_time_of_its_loss() -> None:
    watch = _watch()
    retry_at = _moment(2)
    lost = Link(Link.LOST, "broker", "refused", retry_at=retry_at)
    _samples(watch, 0.0)
    assert watch.link(lost, 10.0) == Link(Link.LOST, "broker", "refused", _moment(10), retry_at)
    again = watch.link(lost, 12.0)
    assert again is not None
    assert again.since == _moment(10)
    assert watch.due_s == math.inf
    assert watch.link(Link(Link.UP, "broker"), 15.0) is None
    assert watch.sample(16.0) == Link(Link.UP, "broker", since=_moment(16))


def test_a_port_that_accepts_and_closes_stays_lost() -> None:
    watch = _watch()
    _samples(watch, 0.0)
    reported = []
    for second in range(10, 4000, 30):
        reported.append(watch.link(Link(Link.LOST, "meter", "closed"), second))
        assert watch.link(Link(Link.UP, "meter"), second + 29) is None
    assert {link.state for link in reported if link} == {Link.LOST}
    assert {link.since for link in reported if link} == {_moment(10)}
    assert {link.text for link in reported if link} == {"closed"}


@pytest.mark.parametrize(("up_s", "away_s"), [(0.0, 1.0), (1.0, 2.0), (100.0, 60.0), (170.0, 10.0)])
def test_a_link_that_comes_and_goes_makes_few_changes(up_s: float, away_s: float) -> None:
    """With at least one sample each time."""
    watch = _watch()
    states = [Link.UP]
    now = 0.0
    while now < 6 * 3600.0:
        watch.link(Link(Link.UP, "meter"), now)
        links = _samples(watch, now, *(now + second for second in range(5, int(up_s), 5)))
        links += _checked(watch, now + up_s)
        now += up_s
        links += [lost] if (lost := watch.link(Link(Link.LOST, "meter", "gone"), now)) else []
        states += [link.state for link in links]
        now += away_s
    changes = [after for before, after in pairwise(states) if after != before]
    assert len(changes) <= 13
    assert lost is not None
    assert lost.text.startswith("gone (lost ")
    assert lost.text.endswith(" times within an hour)")
    # When it holds, it is up, since its first sample.
    watch.link(Link(Link.UP, "meter"), now)
    links = _samples(watch, *range(int(now) + 1, int(now) + 1000))
    assert [link.state for link in links] == [Link.UP]
    assert links[0].since == _moment(int(now) + 1)


def test_a_port_that_stays_open_for_a_while_without_bytes_makes_few_changes() -> None:
    watch = _watch()
    states = []
    for start in range(0, 6 * 3600, 160):
        watch.link(Link(Link.UP, "meter"), start)
        links = _checked(watch, start + 120.0)
        links += (
            [lost] if (lost := watch.link(Link(Link.LOST, "meter", "idle"), start + 120)) else []
        )
        states += [link.state for link in links]
    changes = [after for before, after in pairwise(states) if after != before]
    assert len(changes) <= 13


def test_a_lost_link_that_is_connected_again_is_mentioned() -> None:
    watch = _watch()
    _samples(watch, 0, 1)
    watch.link(Link(Link.LOST, "meter", "gone", retry_at=_moment(3)), 2.0)
    watch.link(Link(Link.UP, "meter"), 3.0)
    assert _checked(watch, 92.0) == [
        Link(Link.LOST, "meter", "connected again; no value yet", _moment(2))
    ]
    # Longer than a port without bytes stays connected.
    assert _checked(watch, 93.0) == [Link(Link.SILENT, "meter", "nothing for 1 min", _moment(3))]
    assert watch.sample(100.0) == Link(Link.UP, "meter", since=_moment(100))


def test_a_connection_without_samples_becomes_silent() -> None:
    watch = _watch()
    watch.link(Link(Link.UP, "broker"), 5.0)
    assert watch.check(94.9) == Link(Link.UP, "broker", since=_moment(94.9))
    assert watch.due_s == 95.0
    assert watch.check(95.0) == Link(Link.SILENT, "broker", "nothing for 1 min", _moment(5))
    assert watch.check(154.9) is None
    assert watch.check(155.0) == Link(Link.SILENT, "broker", "nothing for 2 min", _moment(5))
    assert watch.sample(160.0) == Link(Link.UP, "broker", since=_moment(160))
    assert watch.due_s == 250.0


def test_a_feed_that_sends_changes_only_is_not_silent_before_its_value_ends() -> None:
    watch = _watch(3600.0, Pace(on_change=True))
    assert len(_samples(watch, 0, 1, 2, 3)) == 1
    assert not _checked(watch, 3602.0)
    (silent,) = _checked(watch, 3604.0)
    assert silent == Link(Link.SILENT, "broker", "nothing for 1 h", _moment(3))


def test_a_known_pace_counts_until_another_is_learnt() -> None:
    watch = _watch(pace=Pace(60.0))
    assert watch.due_s == 180.0
    _samples(watch, 0, 1, 2)
    assert watch.due_s == 2 + 180.0
    _samples(watch, 3, 4)
    assert watch.due_s == 4 + 30.0


def test_a_feed_without_any_item_becomes_silent() -> None:
    assert _watch().check(90.0) == Link(Link.SILENT, "broker", "nothing for 1 min", _moment(0))


def test_silence_begins_after_three_times_the_longest_recent_interval() -> None:
    watch = _watch()
    _samples(watch, 0, 1, 2, 50, 51)
    assert watch.due_s == 51 + 3 * 48
    _samples(watch, *range(52, 61))
    assert watch.due_s == 60 + 30
    assert not _samples(watch, 60.0, 60.05)


def test_silence_begins_at_the_latest_when_the_value_expires() -> None:
    watch = _watch(stale_after_s=120.0)
    _samples(watch, 0, 100)
    assert watch.due_s == 220.0
    assert _watch(stale_after_s=5.0).due_s == 5.0


def test_an_outage_is_not_an_interval_between_samples() -> None:
    watch = _watch()
    _samples(watch, 0, 1)
    watch.link(Link(Link.LOST, "broker"), 2.0)
    watch.link(Link(Link.UP, "broker"), 500.0)
    _samples(watch, 501, 502)
    assert watch.due_s == 502 + 90.0
    _samples(watch, 503, 504)
    assert watch.due_s == 504 + 30.0


def test_times_are_reported_again_when_the_date_is_set() -> None:
    offset = 0.0
    watch = LinkWatch(600.0, lambda at_s: _moment(at_s + offset), 0.0)
    assert watch.step(3600.0) is None
    watch.link(Link(Link.LOST, "meter", "gone", retry_at=_moment(20)), 10.0)
    offset = 3600.0
    hour = timedelta(hours=1)
    assert watch.step(3600.0) == Link(
        Link.LOST, "meter", "gone", _moment(10) + hour, _moment(20) + hour
    )
