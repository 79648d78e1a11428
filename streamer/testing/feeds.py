"""Feeds read to a given number of samples."""

from __future__ import annotations

import threading

from streamer.feeds import Feed, FeedItem
from streamer.readings import CounterSample, Sample


def read_feed(feed: Feed, samples: int, *, within_s: float = 10.0) -> list[FeedItem]:
    """Read a feed until it has returned enough samples, or has ended.

    Args:
        feed: the feed; it is left open.
        samples: number of samples to wait for; more may be returned.
        within_s: how long to wait.

    Returns:
        All items returned, in order.

    Raises:
        AssertionError: it took too long; the feed is then closed.
        SourceError, OSError: raised by `read`.
    """
    items: list[FeedItem] = []
    failed: list[BaseException] = []

    def read_on() -> None:
        try:
            while sum(isinstance(item, Sample | CounterSample) for item in items) < samples:
                block = feed.read()
                items.extend(block)
                if not block:
                    return
        except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
            failed.append(error)

    reader = threading.Thread(target=read_on, daemon=True)
    reader.start()
    reader.join(within_s)
    if reader.is_alive():
        feed.close()
        raise AssertionError(f"waited {within_s:g} s for {samples} samples, got {items}")
    if failed:
        raise failed[0]
    return items
