from __future__ import annotations

import threading
from asyncio import CancelledError
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

import pytest

from streamer.errors import LinkError, RefusedError, SourceError, StreamerError, UnitError
from streamer.feeds import FeedItem
from streamer.readings import Link, Notice, Sample
from streamer.sources.live.minutes import local_time
from streamer.sources.live.pump import Pump, Wait
from streamer.testing import ManualClock

SAMPLE = Sample(0.5)
UP = Link(Link.UP, "broker")
DATE = 1_774_745_940.0


class _Scripted:
    """A feed that gives or raises one thing after the other, and then ends, or waits."""

    def __init__(self, *script: Sequence[FeedItem] | BaseException, waits: bool = False) -> None:
        self.name = "scripted"
        self.peer = "broker"
        self.closed = threading.Event()
        self._script = iter(script)
        self._waits = waits

    def read(self) -> Sequence[FeedItem]:
        for each in self._script:
            if isinstance(each, BaseException):
                raise each
            return each
        if self._waits:
            self.closed.wait(10.0)
        return []

    def close(self) -> None:
        self.closed.set()


class _Pumped:
    """A pump that has run to its end: what it gave, how long it slept, and its error."""

    def __init__(
        self, *script: Sequence[FeedItem] | BaseException, wait: Wait | None = None
    ) -> None:
        self.items: list[FeedItem] = []
        self.sleeps: list[float] = []
        self.ends: list[StreamerError | None] = []
        ended = threading.Event()

        def end(error: StreamerError | None) -> None:
            self.ends.append(error)
            ended.set()

        self.feed = _Scripted(*script)
        pump = Pump(
            self.feed,
            self.items.extend,
            end,
            clock=ManualClock(wall=DATE),
            wait=wait,
            sleep=self.sleeps.append,
        )
        pump.start()
        assert ended.wait(10.0)
        pump.close()
        pump.close()
        assert self.feed.closed.is_set()

    @property
    def states(self) -> list[str]:
        return [item.state for item in self.items if isinstance(item, Link)]


def _lost(count: int) -> list[LinkError]:
    return [LinkError(f"scripted: try {number}") for number in range(count)]


def test_hands_on_what_the_feed_gives_until_it_ends() -> None:
    pumped = _Pumped([UP, SAMPLE], [Notice(Notice.EVENT, "hello")], [SAMPLE, SAMPLE])
    assert pumped.items == [UP, SAMPLE, Notice(Notice.EVENT, "hello"), SAMPLE, SAMPLE]
    assert pumped.ends == [None]


def test_a_sample_shows_that_the_link_is_up_if_the_feed_does_not_say_so() -> None:
    pumped = _Pumped([SAMPLE, SAMPLE], [SAMPLE], LinkError("gone"), [SAMPLE])
    assert pumped.states == [Link.UP, Link.LOST, Link.UP]
    assert pumped.items[0] == Link(Link.UP, "broker")


def test_what_is_lost_is_tried_again_ever_more_seldom() -> None:
    pumped = _Pumped([UP], *_lost(12), [UP, SAMPLE])
    assert pumped.ends == [None]
    assert pumped.states == [Link.UP, *[Link.LOST] * 12, Link.UP]
    for number, slept in enumerate(pumped.sleeps):
        assert min(2**number, 59) <= slept <= min(2**number + 1, 60)
    lost = [item for item in pumped.items if isinstance(item, Link)][1:-1]
    assert [link.text for link in lost] == [f"try {number}" for number in range(12)]
    assert [link.retry_at for link in lost] == [
        local_time(DATE) + timedelta(seconds=slept) for slept in pumped.sleeps
    ]


def test_the_waits_have_jitter_also_when_they_are_longest() -> None:
    sleeps = _Pumped(*_lost(60)).sleeps
    assert len(set(sleeps)) == 60
    assert max(sleeps) <= 60.0


@pytest.mark.parametrize("up", [[UP], [SAMPLE]])
def test_once_the_link_was_up_the_waits_start_anew(up: Sequence[FeedItem]) -> None:
    sleeps = _Pumped(*_lost(6), up, *_lost(2)).sleeps
    assert sleeps[5] >= 32
    assert 1 <= sleeps[6] <= 2 <= sleeps[7] <= 3


def test_a_notice_is_no_sign_of_life() -> None:
    warning = [Notice(Notice.WARNING, "odd")]
    gone = LinkError("gone")
    sleeps = _Pumped(gone, warning, gone, warning, gone, warning, gone).sleeps
    assert sleeps[-1] >= 8


def test_the_systems_errors_are_tried_again_too() -> None:
    pumped = _Pumped(ConnectionRefusedError(111, "Connection refused"), TimeoutError(), [SAMPLE])
    texts = [item.text for item in pumped.items if isinstance(item, Link)]
    assert texts == ["Connection refused", "TimeoutError", ""]


def test_who_refuses_at_first_is_not_tried_again() -> None:
    refused = RefusedError("wrong password")
    pumped = _Pumped(LinkError("not yet"), refused, [SAMPLE])
    assert pumped.ends == [refused]
    assert pumped.states == [Link.LOST]


def test_who_refuses_after_letting_us_in_is_tried_again_but_seldom() -> None:
    pumped = _Pumped([UP], RefusedError("starting up"), RefusedError("starting up"), [SAMPLE])
    assert pumped.ends == [None]
    assert pumped.sleeps == [60.0, 60.0]
    assert pumped.items[1] == Link(
        Link.LOST, "broker", "refused: starting up", retry_at=local_time(DATE + 60)
    )


def test_other_errors_are_the_end() -> None:
    wrong = UnitError("kW?")
    assert _Pumped([SAMPLE], wrong, [SAMPLE]).ends == [wrong]
    pumped = _Pumped([SAMPLE], ZeroDivisionError("division\nby zero"))
    assert str(pumped.ends[0]) == "scripted: the feed failed: ZeroDivisionError: division by zero"
    assert isinstance(pumped.ends[0], SourceError)


@pytest.mark.parametrize("error", [CancelledError(), SystemExit(3), GeneratorExit()])
def test_whatever_ends_the_feed_is_told(error: BaseException) -> None:
    (end,) = _Pumped([SAMPLE], error).ends
    assert isinstance(end, SourceError)
    assert str(end).startswith(f"scripted: the feed failed: {type(error).__name__}: ")


_ODD = "caf\udce9\x1b[2J\x9b\u202e\nmenu\xa0du jour"
_EVEN = "caf??[2J?? menu du jour"


def test_all_that_is_said_can_be_printed_and_recorded() -> None:
    pumped = _Pumped(
        [Link(Link.UP, _ODD, _ODD), Notice(Notice.MALFORMED, _ODD)],
        LinkError(_ODD),
        OSError(5, "Input/output error"),
        [SAMPLE],
        UnitError(_ODD),
    )
    up, notice, lost, failed, up_again, sample = pumped.items
    assert up == Link(Link.UP, _EVEN, _EVEN)
    assert notice == Notice(Notice.MALFORMED, _EVEN)
    assert isinstance(lost, Link)
    assert (lost.peer, lost.text) == (_EVEN, _EVEN)
    assert isinstance(failed, Link)
    assert failed.text == "Input/output error"
    assert up_again == Link(Link.UP, _EVEN)
    assert sample == SAMPLE
    assert [str(error) for error in pumped.ends] == [_EVEN]
    assert isinstance(pumped.ends[0], UnitError)


def _closing(feed: _Scripted, seen: Callable[[list[FeedItem]], bool]) -> list[StreamerError | None]:
    """Close a pump of a feed once it has given certain items; how it ended."""
    items: list[FeedItem] = []
    ends: list[StreamerError | None] = []
    enough = threading.Event()

    def put(new: Iterable[FeedItem]) -> None:
        items.extend(new)
        if seen(items):
            enough.set()

    pump = Pump(feed, put, ends.append)
    pump.start()
    assert enough.wait(10.0)
    pump.close()
    assert not pump._thread.is_alive()
    return ends


def test_closing_interrupts_a_feed_that_waits() -> None:
    assert _closing(_Scripted([SAMPLE], waits=True), lambda items: SAMPLE in items) == [None]


def test_closing_interrupts_a_wait_for_the_next_try() -> None:
    feed = _Scripted([UP], RefusedError("for a minute"))
    assert _closing(feed, lambda items: items[-1].text.startswith("refused")) == [None]


def test_an_error_that_comes_of_closing_is_none() -> None:
    class Breaks(_Scripted):
        def read(self) -> Sequence[FeedItem]:
            items = super().read()
            if not items:
                raise OSError("bad file descriptor")
            return items

    assert _closing(Breaks([SAMPLE], waits=True), lambda items: SAMPLE in items) == [None]


def test_closing_before_it_has_begun() -> None:
    feed = _Scripted()
    pump = Pump(feed, lambda items: None, lambda error: None)
    pump.close()
    assert feed.closed.is_set()
