from __future__ import annotations

import asyncio
import contextlib
import gc
import threading

import pytest

from streamer.errors import LinkError
from streamer.feeds import FeedItem, Pace, session
from streamer.feeds.session import AsyncFeed, Channel
from streamer.readings import Link, Notice, Sample
from streamer.testing import check_source, read_feed


async def _three(channel: Channel) -> None:
    channel.up("hello")
    for kw in (0.1, 0.2, 0.3):
        channel.sample(kw)
        await asyncio.sleep(0)


async def _for_ever(channel: Channel) -> None:
    await _three(channel)
    await asyncio.Event().wait()


def _samples(items: list[FeedItem]) -> list[float]:
    return [item.kw for item in items if isinstance(item, Sample)]


def test_items_of_the_session_are_returned_until_it_ends() -> None:
    feed = AsyncFeed("test", _three, peer="broker")
    items = read_feed(feed, 4)
    assert items[0] == Link(Link.UP, "broker", "hello")
    assert _samples(items) == [0.1, 0.2, 0.3]
    assert not feed.read()


def test_conforms_to_the_feed_protocol() -> None:
    samples = check_source(AsyncFeed("test", _for_ever), samples=3)
    assert [sample.kw for sample in samples] == [0.1, 0.2, 0.3]


def test_a_channel_has_to_be_declared() -> None:
    async def work(channel: Channel) -> None:
        channel.sample(-0.5)
        channel.sample(1.5, channel="solar")
        await asyncio.Event().wait()

    feed = AsyncFeed("test", work, channels={"solar": Pace(every_s=2.0)})
    assert check_source(feed, samples=2) == [Sample(-0.5), Sample(1.5, None, "solar")]
    feed = AsyncFeed("test", work)
    with pytest.raises(AssertionError, match="channel 'solar' is not in the feed's channels"):
        check_source(feed, samples=2)
    feed.close()


def test_closing_cancels_the_session() -> None:
    ended = []

    async def work(channel: Channel) -> None:
        try:
            await _for_ever(channel)
        finally:
            ended.append(True)

    check_source(AsyncFeed("test", work), samples=1)
    assert ended == [True]


def test_an_error_is_raised_after_earlier_items_and_the_next_read_reconnects() -> None:
    async def work(channel: Channel) -> None:
        channel.sample(0.5)
        raise LinkError("gone")

    feed = AsyncFeed("test", work)
    for _ in range(2):
        assert feed.read() == [Sample(0.5)]
        with pytest.raises(LinkError, match="gone"):
            feed.read()
    feed.close()


def test_a_session_cancelled_from_within_is_a_lost_connection() -> None:
    async def work(channel: Channel) -> None:
        channel.sample(0.5)
        raise asyncio.CancelledError

    feed = AsyncFeed("test", work)
    for _ in range(2):
        assert feed.read() == [Sample(0.5)]
        with pytest.raises(LinkError, match=r"^test: the connection was cancelled$"):
            feed.read()
    feed.close()


def test_notices_begin_with_the_name_of_the_feed() -> None:
    async def work(channel: Channel) -> None:
        channel.malformed("'x' is not a number")
        channel.warn("odd")

    feed = AsyncFeed("kitchen", work)
    malformed, warning = read_feed(feed, 1)
    feed.close()
    assert malformed == Notice(Notice.MALFORMED, "kitchen: 'x' is not a number; skipped")
    assert warning == Notice(Notice.WARNING, "kitchen: odd")


def test_a_feed_closed_before_reading_returns_nothing() -> None:
    feed = AsyncFeed("test", _for_ever)
    feed.close()
    feed.close()
    assert not feed.read()


@pytest.mark.parametrize("ignored", [1, 2])
def test_a_session_that_ignores_a_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch, ignored: int
) -> None:
    monkeypatch.setattr(session, "_CANCEL_AGAIN_S", 0.01)
    cancellations: list[int] = []

    async def stubborn(channel: Channel) -> None:
        channel.sample(0.5)
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancellations.append(1)
                if len(cancellations) > ignored:
                    raise LinkError("an error after the close") from None

    check_source(AsyncFeed("test", stubborn), samples=1)
    assert len(cancellations) == ignored + 1


def test_close_gives_up_on_a_session_that_cannot_be_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session, "_CANCEL_AGAIN_S", 0.01)
    running: list[asyncio.Task[None] | None] = []
    enough = False

    async def stubborn(channel: Channel) -> None:
        running.append(asyncio.current_task())
        channel.sample(0.5)
        while not enough:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    feed = AsyncFeed("test", stubborn)
    assert feed.read() == [Sample(0.5)]
    closing = threading.Thread(target=feed.close, daemon=True)
    closing.start()
    closing.join(10)
    assert not closing.is_alive()
    assert not feed.read()

    (task,) = running
    assert task is not None
    assert not task.done()
    enough = True
    task.cancel()
    with contextlib.closing(task.get_loop()) as loop:
        loop.run_until_complete(task)


def test_closing_during_the_first_read_ends_it() -> None:
    for _ in range(200):
        feed = AsyncFeed("test", _for_ever)
        reading = threading.Thread(target=_read_to_end, args=(feed,), daemon=True)
        reading.start()
        feed.close()
        reading.join(10)
        assert not reading.is_alive()
    gc.collect()


def _read_to_end(feed: AsyncFeed) -> None:
    while feed.read():
        pass
