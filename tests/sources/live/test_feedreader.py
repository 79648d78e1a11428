from __future__ import annotations

import math
import struct
import threading
from asyncio import CancelledError
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

import pytest

from streamer.errors import LinkError, RefusedError, SourceError, StreamerError, UnitError
from streamer.feeds import FeedItem
from streamer.readings import CounterSample, Link, Notice, Sample
from streamer.sources.live.feedreader import FeedReader, Wait
from streamer.sources.live.minutes import local_time
from streamer.testing import ManualClock

SAMPLE = Sample(0.5)
UP = Link(Link.UP, "broker")
DATE = 1_774_745_940.0


Scripted = Sequence[FeedItem] | BaseException | float


class _Scripted:
    """A feed that returns or raises scripted items one by one, and then ends or waits.

    A number in the script is a time in seconds that passes.
    """

    def __init__(self, *script: Scripted, waits: bool = False) -> None:
        self.clock = ManualClock(wall=DATE)
        self.name = "scripted"
        self.peer = "broker"
        self.closed = threading.Event()
        self._script = iter(script)
        self._waits = waits

    def read(self) -> Sequence[FeedItem]:
        for each in self._script:
            if isinstance(each, BaseException):
                raise each
            if isinstance(each, float):
                self.clock.advance(each)
                continue
            return each
        if self._waits:
            self.closed.wait(10.0)
        return []

    def close(self) -> None:
        self.closed.set()


class _FinishedReader:
    """Items, waits and error of a reader that has run to its end."""

    def __init__(self, *script: Scripted, wait: Wait | None = None) -> None:
        self.items: list[FeedItem] = []
        self.sleeps: list[float] = []
        self.ends: list[StreamerError | None] = []
        ended = threading.Event()

        def end(error: StreamerError | None) -> None:
            self.ends.append(error)
            ended.set()

        self.feed = _Scripted(*script)
        reader = FeedReader(
            self.feed,
            self.items.extend,
            end,
            clock=self.feed.clock,
            wait=wait,
            sleep=self.sleeps.append,
        )
        reader.start()
        assert ended.wait(10.0)
        reader.close()
        reader.close()
        assert self.feed.closed.is_set()

    @property
    def states(self) -> list[str]:
        return [item.state for item in self.items if isinstance(item, Link)]


def _lost(count: int) -> list[LinkError]:
    return [LinkError(f"scripted: try {number}") for number in range(count)]


def test_items_are_passed_on_until_the_feed_ends() -> None:
    finished = _FinishedReader([UP, SAMPLE], [Notice(Notice.EVENT, "hello")], [SAMPLE, SAMPLE])
    assert finished.items == [UP, SAMPLE, Notice(Notice.EVENT, "hello"), SAMPLE, SAMPLE]
    assert finished.ends == [None]


def test_a_first_sample_reports_the_connection() -> None:
    finished = _FinishedReader([SAMPLE, SAMPLE], [SAMPLE], LinkError("gone"), [SAMPLE])
    assert finished.states == [Link.UP, Link.LOST, Link.UP]
    assert finished.items[0] == Link(Link.UP, "broker")


def test_waits_between_attempts_double() -> None:
    finished = _FinishedReader([UP], *_lost(12), [UP, SAMPLE])
    assert finished.ends == [None]
    assert finished.states == [Link.UP, *[Link.LOST] * 12, Link.UP]
    for number, slept in enumerate(finished.sleeps):
        assert min(2**number, 59) <= slept <= min(2**number + 1, 60)
    lost = [item for item in finished.items if isinstance(item, Link)][1:-1]
    assert [link.text for link in lost] == [f"try {number}" for number in range(12)]
    assert [link.retry_at for link in lost] == [
        local_time(DATE) + timedelta(seconds=slept) for slept in finished.sleeps
    ]


def test_the_longest_waits_have_jitter() -> None:
    sleeps = _FinishedReader(*_lost(60)).sleeps
    assert len(set(sleeps)) == 60
    assert max(sleeps) <= 60.0


@pytest.mark.parametrize(
    "held",
    [
        ([SAMPLE], 61.0),
        ([UP], [SAMPLE], 61.0, [SAMPLE]),
        ([UP, Sample(math.nan)], 61.0),
        ([UP, CounterSample(1000.0)], 61.0),
        ([UP], 61.0),
    ],
)
def test_waits_start_again_after_a_link_that_has_held(held: tuple[Scripted, ...]) -> None:
    sleeps = _FinishedReader(*_lost(8), *held, *_lost(2)).sleeps
    assert sleeps[7] >= 59
    assert 1 <= sleeps[8] <= 2 <= sleeps[9] <= 3


@pytest.mark.parametrize("brief", [([UP],), ([UP, SAMPLE], 1.0), ([UP], 30.0)])
def test_waits_grow_if_no_connection_holds(brief: tuple[Scripted, ...]) -> None:
    """As of a port that accepts and closes, or sends one value each time."""
    sleeps = _FinishedReader(*(each for lost in _lost(12) for each in (*brief, lost))).sleeps
    assert sleeps[-1] >= 59
    assert sorted(sleeps[:6]) == sleeps[:6]


@pytest.mark.parametrize("brief", [([SAMPLE], 5.0), ([UP, SAMPLE], 50.0)])
def test_waits_stay_long_after_a_connection_that_does_not_hold(
    brief: tuple[Scripted, ...],
) -> None:
    assert _FinishedReader(*_lost(8), *brief, *_lost(1)).sleeps[-1] >= 59


def test_a_link_has_to_hold_for_longer_than_the_last_wait() -> None:
    script = [each for failure in _lost(20) for each in ([UP, SAMPLE], 10.0, failure)]
    sleeps = _FinishedReader(*script).sleeps
    assert max(sleeps) <= 17
    assert sleeps.count(max(sleeps)) < 10


def test_a_notice_does_not_reset_the_waits() -> None:
    warning = [Notice(Notice.WARNING, "odd")]
    gone = LinkError("gone")
    sleeps = _FinishedReader(gone, warning, gone, warning, gone, warning, gone).sleeps
    assert sleeps[-1] >= 8


def test_system_errors_are_retried() -> None:
    finished = _FinishedReader(
        ConnectionRefusedError(111, "Connection refused"), TimeoutError(), [SAMPLE]
    )
    texts = [item.text for item in finished.items if isinstance(item, Link)]
    assert texts == ["Connection refused", "TimeoutError", ""]


def test_a_refusal_before_the_first_success_is_final() -> None:
    refused = RefusedError("wrong password")
    finished = _FinishedReader(LinkError("not yet"), refused, [SAMPLE])
    assert finished.ends == [refused]
    assert finished.states == [Link.LOST]


def test_a_refusal_after_a_success_is_retried_at_the_longest_interval() -> None:
    finished = _FinishedReader(
        [UP], RefusedError("starting up"), RefusedError("starting up"), [SAMPLE]
    )
    assert finished.ends == [None]
    assert finished.sleeps == [60.0, 60.0]
    assert finished.items[1] == Link(
        Link.LOST, "broker", "refused: starting up", retry_at=local_time(DATE + 60)
    )


def test_an_error_that_a_retry_would_not_resolve_ends_the_reader() -> None:
    wrong = UnitError("kW?")
    assert _FinishedReader([SAMPLE], wrong, [SAMPLE]).ends == [wrong]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (RuntimeError("bad\nstate"), "RuntimeError: bad state"),
        (ValueError("in the realm: \x1b[2J"), "ValueError: in the realm: ?[2J"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "odd"), "UnicodeDecodeError: 'utf-8' codec"),
        (AssertionError(), "AssertionError"),
        (struct.error("unpack requires 4 bytes"), "struct.error: unpack requires 4 bytes"),
        (RecursionError("too deep"), "RecursionError: too deep"),
        (KeyError("a bug of ours"), "KeyError: 'a bug of ours'"),
    ],
)
@pytest.mark.parametrize("before", [[], [[SAMPLE]]], ids=["at first", "later"])
def test_an_unexpected_error_is_a_lost_connection_that_names_its_class(
    before: list[Scripted],
    error: Exception,
    text: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    finished = _FinishedReader(*before, error, [SAMPLE])
    assert finished.ends == [None]
    (lost,) = (item for item in finished.items if isinstance(item, Link) and item.state == "lost")
    assert lost.text.startswith(f"the feed failed: {text}")
    assert finished.items[-1] == SAMPLE
    assert caplog.records[-1].exc_info is not None  # the traceback, for developers


def test_waits_between_unexpected_errors_double() -> None:
    sleeps = _FinishedReader(*[ValueError("odd")] * 5, [SAMPLE]).sleeps
    assert sleeps[-1] > 8


@pytest.mark.parametrize("error", [CancelledError(), SystemExit(3), GeneratorExit()])
def test_any_exception_is_reported_as_the_end(error: BaseException) -> None:
    (end,) = _FinishedReader([SAMPLE], error).ends
    assert isinstance(end, SourceError)
    assert str(end).startswith(f"scripted: the feed failed: {type(error).__name__}")


_ODD = "caf\udce9\x1b[2J\x9b\u202e\nmenu\xa0du jour"
_EVEN = "caf??[2J?? menu du jour"


def test_texts_are_made_safe_to_display() -> None:
    finished = _FinishedReader(
        [Link(Link.UP, _ODD, _ODD), Notice(Notice.MALFORMED, _ODD)],
        LinkError(_ODD),
        OSError(5, "Input/output error"),
        [SAMPLE],
        UnitError(_ODD),
    )
    up, notice, lost, failed, up_again, sample = finished.items
    assert up == Link(Link.UP, _EVEN, _EVEN)
    assert notice == Notice(Notice.MALFORMED, _EVEN)
    assert isinstance(lost, Link)
    assert (lost.peer, lost.text) == (_EVEN, _EVEN)
    assert isinstance(failed, Link)
    assert failed.text == "Input/output error"
    assert up_again == Link(Link.UP, _EVEN)
    assert sample == SAMPLE
    assert [str(error) for error in finished.ends] == [_EVEN]
    assert isinstance(finished.ends[0], UnitError)


def _closing(feed: _Scripted, seen: Callable[[list[FeedItem]], bool]) -> list[StreamerError | None]:
    """Close the reader of a feed after certain items; returns how it ended."""
    items: list[FeedItem] = []
    ends: list[StreamerError | None] = []
    enough = threading.Event()

    def put(new: Iterable[FeedItem]) -> None:
        items.extend(new)
        if seen(items):
            enough.set()

    reader = FeedReader(feed, put, ends.append)
    reader.start()
    assert enough.wait(10.0)
    reader.close()
    assert not reader._thread.is_alive()
    return ends


def test_close_interrupts_a_waiting_feed() -> None:
    assert _closing(_Scripted([SAMPLE], waits=True), lambda items: SAMPLE in items) == [None]


def test_close_interrupts_a_wait_for_the_next_attempt() -> None:
    feed = _Scripted([UP], RefusedError("for a minute"))
    assert _closing(feed, lambda items: items[-1].text.startswith("refused")) == [None]


def test_an_error_caused_by_close_is_ignored() -> None:
    class Breaks(_Scripted):
        def read(self) -> Sequence[FeedItem]:
            items = super().read()
            if not items:
                raise OSError("bad file descriptor")
            return items

    assert _closing(Breaks([SAMPLE], waits=True), lambda items: SAMPLE in items) == [None]


def test_an_error_of_the_close_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class _Stuck(_Scripted):
        def close(self) -> None:
            super().close()
            raise RuntimeError("still open")

    assert _closing(_Stuck([SAMPLE], waits=True), bool) == [None]
    assert caplog.messages == ["scripted: not closed: still open"]


def test_close_before_start() -> None:
    feed = _Scripted()
    reader = FeedReader(feed, lambda items: None, lambda error: None)
    reader.close()
    assert feed.closed.is_set()
