from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count, pairwise

import pytest

from streamer.errors import LinkError, RefusedError, UnitError, UsageError
from streamer.feeds import Feed, FeedItem, FeedKind, Pace
from streamer.feeds.address import Address, Credentials, Secret
from streamer.feeds.advice import Advice
from streamer.readings import MINUTE, Link, Notice, Reading, Sample
from streamer.sources import Source
from streamer.sources.live import LiveSource, open_source, opening
from streamer.sources.live.processor import LiveItem
from streamer.testing import ManualClock, check_source

DATE = 1_774_745_940.0  # a full minute

Script = Iterator[Sequence[FeedItem] | Exception]


class _Feed:
    """A scripted feed that may let time pass, and that ends or waits to be closed."""

    def __init__(self, script: Script, *, waits: bool = False) -> None:
        self.name = "house"
        self.pace = Pace()
        self.channels: dict[str, Pace] = {}
        self.closed = threading.Event()
        self._script = script
        self._waits = waits

    def read(self) -> Sequence[FeedItem]:
        if self.closed.is_set():
            return []
        for each in self._script:
            if isinstance(each, Exception):
                raise each
            return each
        if self._waits:
            self.closed.wait(10.0)
        return []

    def close(self) -> None:
        self.closed.set()


def _clock() -> ManualClock:
    return ManualClock(wall=DATE, frozen=True)


def _at(second: float) -> datetime:
    return datetime.fromtimestamp(DATE + second, UTC)


def _read_into(found: list[LiveItem], source: LiveSource) -> None:
    while items := source.read():
        assert sum(isinstance(item, Sample) for item in items) <= 1
        found += items


def _read_all(source: LiveSource) -> list[LiveItem]:
    found: list[LiveItem] = []
    _read_into(found, source)
    assert not source.read()
    source.close()
    source.close()
    assert not source.read()
    return found


def _minutes(items: Sequence[LiveItem]) -> list[tuple[float, float]]:
    readings = [item for item in items if isinstance(item, Reading)]
    return [((each.at.timestamp() - DATE) / 60, each.kw) for each in readings]


def _each_second(clock: ManualClock, seconds: int, kw: Callable[[int], float]) -> Script:
    for second in range(seconds):
        yield [Sample(kw(second))]
        clock.advance(1.0)


def test_readings_have_the_channels_of_the_feed() -> None:
    samples = [
        each
        for second in range(0, 130, 10)
        for each in (Sample(1.0, _at(second)), Sample(2.0, _at(second), "solar"))
    ]
    feed = _Feed(iter([samples]))
    feed.channels = {"solar": Pace()}
    items = _read_all(LiveSource(feed, stale_after_s=60.0, by="feed"))
    readings = [item for item in items if isinstance(item, Reading)]
    assert [(each.kw, each.solar_kw, each.battery_kw) for each in readings] == [
        (1.0, 2.0, None)
    ] * 2


def test_conforms_to_the_source_protocol() -> None:
    source = LiveSource(_Feed(iter([])), stale_after_s=600.0)
    assert isinstance(source, Source)
    assert source.name == "house"
    assert not _read_all(source)


def test_a_sample_each_second_gives_a_reading_each_minute() -> None:
    clock = _clock()
    feed = _Feed(_each_second(clock, 400, lambda second: -1.0 if second % 2 else 2.0))
    items = _read_all(LiveSource(feed, stale_after_s=60.0, clock=clock))
    assert items[0] == Link(Link.UP, "meter", since=_at(0))
    assert _minutes(items) == [(minute, pytest.approx(0.5)) for minute in range(6)]
    samples = [item for item in items if isinstance(item, Sample)]
    assert {sample.kw for sample in samples} <= {-1.0, 2.0}
    assert all(a.at < b.at for a, b in pairwise(samples) if a.at and b.at)


def test_an_outage_is_reported_and_a_long_one_is_a_gap() -> None:
    clock = _clock()

    def script() -> Script:
        yield from _each_second(clock, 120, lambda _: 1.0)
        for _ in range(3):
            yield LinkError("broker: gone")
            clock.advance(100.0)
        yield from _each_second(clock, 120, lambda _: 3.0)

    source = LiveSource(_Feed(script()), stale_after_s=60.0, retry_max_s=0.001, clock=clock)
    items = _read_all(source)
    assert _minutes(items) == [(0, 1.0), (1, 1.0), (7, 3.0), (8, 3.0)]
    links = [item for item in items if isinstance(item, Link)]
    assert [link.state for link in links] == [Link.UP, *[Link.LOST] * 3, Link.UP]
    assert {link.since for link in links[1:-1]} == {_at(120)}
    assert all(link.text == "broker: gone" and link.retry_at for link in links[1:-1])


def test_no_minute_is_repeated_when_the_clock_is_set_ahead_and_back() -> None:
    clock = _clock()

    def script() -> Script:
        yield from _each_second(clock, 200, lambda _: 1.0)
        clock.set_wall(DATE + 7200)
        yield from _each_second(clock, 200, lambda _: 2.0)
        clock.set_wall(DATE + 7200)
        yield from _each_second(clock, 400, lambda _: 3.0)

    items = _read_all(LiveSource(_Feed(script()), stale_after_s=60.0, clock=clock))
    # A third of the fourth minute is known before the jump, and three more minutes follow;
    # the repeated time is returned once.
    assert _minutes(items) == [
        *((minute, 1.0) for minute in range(3)),
        *((minute, pytest.approx(2.0)) for minute in range(120, 123)),
        *((minute, pytest.approx(3.0)) for minute in range(123, 126)),
    ]
    warnings = [item.text for item in items if isinstance(item, Notice)]
    assert [text.split(" (")[0].split(";")[0] for text in warnings] == [
        "house: this machine's clock was set ahead by 1 h 56 min",
        "house: this machine's clock was set back by 3 min 20 s",
    ]


@pytest.mark.parametrize("way", ["stop", "sleep"])
def test_an_absence_is_a_gap(way: str) -> None:
    clock = _clock()

    def script() -> Script:
        yield from _each_second(clock, 170, lambda _: 1.0)
        getattr(clock, way)(300.0)
        yield [Sample(9.0)] * 3
        clock.advance(2.0)
        yield from _each_second(clock, 200, lambda _: 2.0)

    items = _read_all(LiveSource(_Feed(script()), stale_after_s=60.0, clock=clock))
    assert _minutes(items) == [
        *((minute, 1.0) for minute in range(3)),
        *((minute, 2.0) for minute in range(8, 11)),
    ]
    warnings = [item.text for item in items if isinstance(item, Notice)]
    what = "this process was stopped" if way == "stop" else "this machine was asleep"
    assert f"house: {what} for 5 min" in warnings[0]
    assert [link.state for link in items if isinstance(link, Link)] == [Link.UP]


def test_by_feed_a_recording_is_resumed_without_repeated_minutes() -> None:
    samples = [Sample(1.0, _at(second)) for second in range(0, 306, 5)]
    source = LiveSource(_Feed(iter([samples])), stale_after_s=60.0, by="feed", after=_at(0))
    source.resume_after(_at(60))
    assert _minutes(_read_all(source)) == [(2, 1.0), (3, 1.0), (4, 1.0)]


def test_reads_conform_to_the_source_protocol() -> None:
    samples = [Sample(1.0, _at(second)) for second in range(0, 306, 5)]
    source = LiveSource(_Feed(iter([samples])), stale_after_s=60.0, by="feed")

    class Plain:
        """Only items that every source may return."""

        name = source.name
        close = staticmethod(source.close)

        @staticmethod
        def read() -> Sequence[Reading | Notice]:
            while items := source.read():
                plain = [item for item in items if isinstance(item, Reading | Notice)]
                if plain:
                    return plain
            return []

    assert len(check_source(Plain(), spacing=MINUTE)) == 5


def test_a_fast_feed_waits_for_its_reader() -> None:
    script = ([Sample(1.0, _at(second))] for second in range(20_000))
    source = LiveSource(_Feed(script), stale_after_s=60.0, by="feed")
    found = list(source.read())
    deadline = time.monotonic() + 10
    while len(source._inbox) < 1000 and time.monotonic() < deadline:
        time.sleep(0.001)
    assert len(source._inbox) == 1000
    assert len(_minutes([*found, *_read_all(source)])) == 333


def test_a_refusal_at_the_start_is_raised() -> None:
    source = LiveSource(_Feed(iter([RefusedError("wrong password")])), stale_after_s=60.0)
    for _ in range(2):
        with pytest.raises(RefusedError, match="wrong password"):
            source.read()
    source.close()
    assert not source.read()


def test_an_error_is_raised_after_earlier_items() -> None:
    samples = [Sample(1.0, _at(second)) for second in range(0, 121, 5)]
    feed = _Feed(iter([samples, UnitError("odd")]))
    source = LiveSource(feed, stale_after_s=60.0, by="feed")
    found: list[LiveItem] = []
    with pytest.raises(UnitError, match="odd"):
        _read_into(found, source)
    assert _minutes(found) == [(0, 1.0), (1, 1.0)]
    source.close()


def test_values_in_another_unit_are_a_unit_error() -> None:
    feed = _Feed([Sample(500.0)] for _ in count())
    source = LiveSource(feed, stale_after_s=60.0, advice=Advice(unit="give unit=W"))
    found: list[LiveItem] = []
    with pytest.raises(UnitError, match="unit=W"):
        _read_into(found, source)
    assert any(isinstance(item, Notice) and item.kind == Notice.ABSURD for item in found)
    source.close()


def test_close_makes_a_waiting_read_return() -> None:
    source = LiveSource(_Feed(iter([]), waits=True), stale_after_s=60.0)
    read: list[Sequence[LiveItem]] = []
    reader = threading.Thread(target=lambda: read.append(source.read()), daemon=True)
    reader.start()
    source.close()
    reader.join(5.0)
    assert read == [[]]


@pytest.mark.parametrize("by", ["wall", "feed"])
def test_a_call_is_made_by_the_thread_that_reads_although_the_meter_is_silent(by: str) -> None:
    feed = _Feed(iter([]), waits=True)
    source = LiveSource(feed, stale_after_s=60.0, by=by)
    threads: list[int | None] = []
    called = threading.Event()

    def call() -> None:
        threads.append(threading.get_ident())
        called.set()

    source.call_soon(call)
    assert not called.is_set()  # nobody reads yet
    reader = threading.Thread(target=source.read, daemon=True)
    reader.start()
    for _ in range(2):
        assert called.wait(10)
        called.clear()
        source.call_soon(call)
    assert called.wait(10)
    source.close()
    reader.join(10)
    source.call_soon(call)
    assert threads == [reader.ident] * 3 + [threading.get_ident()]


def test_calls_that_wait_when_the_source_is_closed_are_made_then() -> None:
    source = LiveSource(_Feed(iter([])), stale_after_s=60.0)
    called: list[int] = []
    source.call_soon(lambda: called.append(1))
    source.close()
    assert called == [1]


def test_close_releases_a_feed_that_waits_for_room() -> None:
    feed = _Feed([Sample(1.0, _at(second))] for second in count())
    source = LiveSource(feed, stale_after_s=60.0, by="feed")
    source.read()
    source.close()
    assert not source._reader._thread.is_alive()


def test_what_was_gathered_is_returned_after_close() -> None:
    clock = _clock()
    bad = Notice(Notice.MALFORMED, "house: 'x' is not a number")
    source = LiveSource(
        _Feed(iter([[bad], [bad], [Sample(1.0)]]), waits=True), stale_after_s=60.0, clock=clock
    )
    assert not source.gathered()
    found: list[LiveItem] = []
    while not any(isinstance(item, Sample) for item in found):
        found += source.read()
    source._put([replace(bad, count=3), Sample(2.0)])
    source.close()
    assert not source.read()
    notices = [item for item in [*found, *source.gathered()] if isinstance(item, Notice)]
    assert [notice.count for notice in notices] == [1, 4]
    assert not source.gathered()


def test_a_heartbeat_replaces_the_bound_of_the_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_it(address: Address) -> Feed:
        feed = _Feed(iter([[Sample(1.0, _at(0)), Sample(1.0, _at(3600))]]))
        feed.pace = Pace(on_change=True, heartbeat_s=360.0)
        return feed

    kind = FeedKind("test", "x://y", open_it, stale_after_s=240.0)
    monkeypatch.setattr(opening, "load_kind", lambda scheme: kind)
    monkeypatch.setattr(opening, "open_feed", lambda address: kind.open(address))
    minutes = [minute for minute, _ in _minutes(_read_all(open_source("x://y", by="feed")))]
    assert minutes == [0, 1, 2, 3, 4, 5]
    given = _read_all(open_source("x://y", by="feed", stale_after_s=60.0))
    assert [minute for minute, _ in _minutes(given)] == [0]


def test_the_system_clock_is_the_default() -> None:
    source = LiveSource(_Feed(iter([[Sample(1.0)]]), waits=True), stale_after_s=60.0)
    up, sample = source.read()
    assert isinstance(up, Link)
    assert isinstance(sample, Sample)
    assert sample.at is not None
    assert abs((datetime.now(UTC) - sample.at).total_seconds()) < 10
    source.close()


@pytest.mark.parametrize("wrong", [{"by": "sun"}, {"retry_max_s": 0.0}, {"stale_after_s": -1.0}])
def test_parameters_out_of_bounds_are_usage_errors(wrong: dict) -> None:
    with pytest.raises(UsageError):
        LiveSource(_Feed(iter([])), **{"stale_after_s": 60.0, **wrong})


def test_open_source_opens_the_feed_of_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Address] = []

    def open_it(address: Address) -> Feed:
        opened.append(address)
        feed = _Feed(iter([[Sample(1.0, _at(0)), Sample(1.0, _at(3600))]]))
        feed.pace = Pace(on_change=True)
        return feed

    kind = FeedKind("test", "x://y", open_it, stale_after_s=240.0)
    monkeypatch.setattr(opening, "load_kind", lambda scheme: kind)
    monkeypatch.setattr(opening, "open_feed", lambda address: kind.open(address))
    credentials = Credentials(password=Secret("swordfish"))
    items = _read_all(open_source("x://y", credentials=credentials, by="feed"))
    assert opened[0].credentials == credentials
    assert [minute for minute, _ in _minutes(items)] == [0, 1, 2, 3]
    items = _read_all(open_source("x://y", by="feed", stale_after_s=60.0, after=_at(0)))
    assert not _minutes(items)


def test_hourly_outages_repeat_no_minute_and_lengthen_no_gap() -> None:
    """No minute is repeated, and no gap is longer than the outage."""
    clock = _clock()

    def script() -> Script:
        for _ in range(6):
            yield from _each_second(clock, 3540, lambda second: second % 60 / 10)
            yield LinkError("broker: restarting")
            clock.advance(60.0)

    items = _read_all(
        LiveSource(_Feed(script()), stale_after_s=5.0, retry_max_s=0.001, clock=clock)
    )
    minutes = [round(minute) for minute, _ in _minutes(items)]
    assert minutes == [minute for minute in range(360) if minute % 60 != 59]
