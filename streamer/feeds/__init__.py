"""Where samples come from: meters, as they are, at whatever pace they speak.

A feed gives samples; `streamer.sources.live` makes one reading a minute of them. Each kind
of feed is registered in the entry-point group ``streamer.sources`` under its URL scheme,
those of this package too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from streamer.readings import Link, Notice, Sample

if TYPE_CHECKING:
    from streamer.feeds.address import Address

FeedItem: TypeAlias = Sample | Link | Notice
"""What a feed gives."""


@runtime_checkable
class Feed(Protocol):
    """A meter that speaks.

    `read` is called again and again by one thread, `close` by another.
    """

    @property
    def name(self) -> str:
        """The feed as a person would name it, free of secrets."""

    def read(self) -> Sequence[FeedItem]:
        """What has come since the last call, in order of arrival.

        Connects if there is no connection, and waits until there is something.

        Returns:
            At least one item, or an empty sequence when the feed has ended for good or
            has been closed.

        Raises:
            LinkError, OSError: there is no connection; the next call makes a new one.
            SourceError: anything that another try would not mend.
        """

    def close(self) -> None:
        """Let go of whatever the feed holds, and make a `read` that waits return.

        May be called twice, and from another thread.
        """


@dataclass(frozen=True, slots=True, eq=False)
class FeedKind:
    """A kind of feed, as registered under its URL scheme.

    Attributes:
        about: what it reads, in a few words.
        example: a URL that opens one.
        open: makes the feed of an address; connects only when the feed is read.
        options: what may stand in the URL's options, each with its help.
        extra: the extra of streamer that brings its library; None if it needs none, or
            comes with a package of its own.
        modules: what must be importable for it to work.
        stale_after_s: for how long a value stands by default when nothing new comes.
    """

    about: str
    example: str
    open: Callable[[Address], Feed]
    options: Mapping[str, str] = field(default_factory=dict)
    extra: str | None = None
    modules: tuple[str, ...] = ()
    stale_after_s: float = 600.0
