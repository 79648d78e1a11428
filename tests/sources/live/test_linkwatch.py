from __future__ import annotations

import math
from datetime import datetime, timedelta

from streamer.readings import Link
from streamer.sources.live.linkwatch import LinkWatch
from streamer.sources.live.minutes import local_time

DATE = 1_774_745_940.0


def _moment(at_s: float) -> datetime:
    return local_time(DATE + at_s)


def _watch(stale_after_s: float = 600.0) -> LinkWatch:
    return LinkWatch(stale_after_s, _moment, 0.0, "broker")


def _samples(watch: LinkWatch, *times: float) -> list[Link]:
    return [link for at in times if (link := watch.sample(at)) is not None]


def test_a_lost_link_keeps_the_time_of_its_loss() -> None:
    watch = _watch()
    retry_at = _moment(2)
    lost = Link(Link.LOST, "broker", "refused", retry_at=retry_at)
    assert watch.link(Link(Link.UP, "broker"), 0.0) == Link(Link.UP, "broker", since=_moment(0))
    assert watch.link(lost, 10.0) == Link(Link.LOST, "broker", "refused", _moment(10), retry_at)
    again = watch.link(lost, 12.0)
    assert again is not None
    assert again.since == _moment(10)
    assert watch.due_s == math.inf
    assert watch.link(Link(Link.UP, "broker"), 15.0) == Link(Link.UP, "broker", since=_moment(15))


def test_a_connection_is_reported_once() -> None:
    watch = _watch()
    assert watch.link(Link(Link.UP, "broker"), 0.0) is not None
    assert watch.link(Link(Link.UP, "broker"), 1.0) is None


def test_a_connection_without_samples_becomes_silent() -> None:
    watch = _watch()
    watch.link(Link(Link.UP, "broker"), 5.0)
    assert watch.due_s == 35.0
    assert watch.check(34.9) is None
    assert watch.check(35.0) == Link(Link.SILENT, "broker", "nothing for 30 s", _moment(5))
    assert watch.check(94.9) is None
    assert watch.check(95.0) == Link(Link.SILENT, "broker", "nothing for 1 min", _moment(5))
    assert watch.sample(100.0) == Link(Link.UP, "broker", since=_moment(100))
    assert watch.due_s == 130.0


def test_a_feed_without_any_item_becomes_silent() -> None:
    assert _watch().check(30.0) == Link(Link.SILENT, "broker", "nothing for 30 s", _moment(0))


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
    assert watch.due_s == 532.0


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
