"""Source for the address of a meter, with the channels that a model takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from streamer.errors import UsageError
from streamer.feeds import FeedKind, Pace
from streamer.feeds.address import Address, Credentials
from streamer.feeds.advice import Advice
from streamer.feeds.registry import load_kind, open_feed
from streamer.sources.bounds import MAX_KW
from streamer.sources.live.rules import RETRY_MAX_S
from streamer.sources.live.source import LiveSource, missing_channels


def open_source(
    url: str | Address,
    *,
    credentials: Credentials | None = None,
    stale_after_s: float | None = None,
    grace_s: float = 5.0,
    max_kw: float = MAX_KW,
    after: datetime | None = None,
    by: str = "wall",
    retry_max_s: float = RETRY_MAX_S,
    channels: Sequence[str] = (),
) -> LiveSource:
    """Make the source for a meter's address; it connects when it is read.

    Args:
        url: the feed's address, such as ``mqtt://host/topic?unit=W``, as text or parsed.
        credentials: user, password and token, used where a text has none.
        stale_after_s: upper bound in seconds for the validity of a value when no other arrives;
            None for the default of the kind of feed.
        grace_s: allowed lateness: seconds for which a minute is kept open after its end.
        max_kw: magnitude in kW above which a value is implausible.
        after: a minute that is done already, and all before it.
        by: ``wall`` if minutes end by this machine's clock, ``feed`` if by the samples' times.
        retry_max_s: longest wait in seconds between two attempts to connect.
        channels: names of the further channels that each reading shall have, in this order.

    Raises:
        UsageError: the address or one of its options is wrong, or lacks one of the channels.
        MissingExtraError: a library is not installed.
    """
    address = url if isinstance(url, Address) else Address.parse(url, credentials)
    kind = load_kind(address.scheme)
    feed = open_feed(address)
    if stale_after_s is None:
        pace: Pace = getattr(feed, "pace", Pace())
        stale_after_s = pace.heartbeat_s or kind.stale_after_s
    if missing := missing_channels(feed, channels):
        feed.close()
        raise UsageError(_without(address, kind, missing))
    return LiveSource(
        feed,
        stale_after_s=stale_after_s,
        grace_s=grace_s,
        max_kw=max_kw,
        after=after,
        by=by,
        retry_max_s=retry_max_s,
        advice=Advice.of(kind, address),
        channels=channels,
    )


def _without(address: Address, kind: FeedKind, missing: Sequence[str]) -> str:
    """Text about channels that an address does not give, and what to add to it."""
    what = f"{address.shown}: the model takes {' and '.join(missing)}, "
    if "channels" not in kind.options:
        return f"{what}which a feed of {address.scheme}: cannot give; choose another model"
    places = ",".join(f"{name}:PLACE" for name in missing)
    how = f"add {places} to channels" if "channels" in address.options else f"add channels={places}"
    return (
        f"{what}which the address does not give; {how} (the name alone where the place is known, "
        f"see `streamer sources {address.scheme}`), or choose another model"
    )
