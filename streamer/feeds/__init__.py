"""Interfaces of feeds: the sources of samples from meters, each at its own pace.

`streamer.sources.live` averages the samples of a feed to one reading a minute. Each kind of
feed, including those of this package, is registered in the entry-point group
``streamer.sources`` under its URL scheme.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from streamer.readings import CounterSample, Link, Notice, Sample

if TYPE_CHECKING:
    from streamer.feeds.address import Address

FeedItem: TypeAlias = Sample | CounterSample | Link | Notice
"""An item from a feed: a power, an energy register, a change of its connection, or a notice."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a feed sends, as far as its kind or address tells.

    Attributes:
        every_s: usual seconds between two samples; None to learn it from the samples alone.
        on_change: whether the feed sends changes only, so that silence means an unchanged value.
        setting: what to set at the meter so that it sends more often, such as ``TelePeriod 10``.
        heartbeat_s: longest time in seconds between two samples even without a change, which
            replaces the upper bound of the kind of feed; None for that bound.
    """

    every_s: float | None = None
    on_change: bool = False
    setting: str = ""
    heartbeat_s: float | None = None


@runtime_checkable
class Feed(Protocol):
    """A source of samples, all of them powers or all of them energy registers.

    `read` is called repeatedly by one thread, `close` by another. A feed may also have the
    attributes ``peer``, the other end in a word; ``pace``, a `Pace`; and ``channels``, for one
    that gives more than the grid power: a mapping of the channels that it gives, those of
    `streamer.readings.CHANNELS` and further ones, to the pace of each.
    """

    @property
    def name(self) -> str:
        """Name of the feed for display, without secrets."""

    def read(self) -> Sequence[FeedItem]:
        """Return the items since the last call, in order of arrival.

        Connects if necessary, and waits until there is at least one item.

        Returns:
            At least one item, or an empty sequence when the feed has ended for good or
            was closed.

        Raises:
            LinkError, OSError: the connection failed; the next call makes a new one.
            SourceError: an error that another attempt would not resolve.
        """

    def close(self) -> None:
        """Release all resources, and make a waiting `read` return.

        May be called repeatedly, and from another thread.
        """


@dataclass(frozen=True, slots=True, eq=False)
class FeedKind:
    """A kind of feed, as registered under its URL scheme.

    Attributes:
        about: description in a few words.
        example: a URL that opens one.
        open: makes the feed of an address; the feed connects when it is first read.
        options: options that the URL may have, each with its help.
        extra: the extra of streamer that installs its library; None if it needs none, or
            is part of another package.
        modules: modules that it must be able to import.
        stale_after_s: default for the upper bound in seconds of the validity of a value when
            no other arrives.
        unit_remedy: what to do if values are too large; by default the option ``unit``, if the
            feed has it.
    """

    about: str
    example: str
    open: Callable[[Address], Feed]
    options: Mapping[str, str] = field(default_factory=dict)
    extra: str | None = None
    modules: tuple[str, ...] = ()
    stale_after_s: float = 600.0
    unit_remedy: str = ""
