"""Which kinds of feeds there are: the entry points of the group ``streamer.sources``."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec

from streamer.display.lines import one_line
from streamer.errors import MissingExtraError, SourceError, UsageError
from streamer.feeds import Feed, FeedKind
from streamer.feeds.address import Address

GROUP = "streamer.sources"


@cache
def schemes() -> dict[str, EntryPoint]:
    """The entry point of each URL scheme, in the order of the alphabet."""
    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return {point.name: point for point in found}


def load_kind(scheme: str) -> FeedKind:
    """The kind of feed that a URL scheme stands for.

    Raises:
        UsageError: there is none.
        SourceError: a plug-in registers something else, or cannot be imported.
    """
    point = schemes().get(scheme)
    if point is None:
        raise UsageError(
            f"no feed has the scheme {scheme!r}; there are {', '.join(schemes())} "
            "(`streamer sources` tells more)"
        )
    try:
        kind = point.load()
    except Exception as error:
        # A plug-in's module is run, and may raise whatever it likes.
        why = one_line(f"{type(error).__name__}: {error}")
        raise SourceError(f"the feed {scheme} ({point.value}) cannot be loaded: {why}") from error
    if not isinstance(kind, FeedKind):
        raise SourceError(f"the feed {scheme} ({point.value}) is no FeedKind but {kind!r}")
    return kind


def is_installed(kind: FeedKind) -> bool:
    """Whether all that a kind of feed needs can be imported."""
    return all(_can_import(module) for module in kind.modules)


def open_feed(address: Address) -> Feed:
    """Make the feed of an address; it connects when it is read.

    Raises:
        UsageError: there is no such kind of feed, or an option is unknown or wrong.
        MissingExtraError: its library is not installed.
    """
    kind = load_kind(address.scheme)
    address.check_options(kind.options)
    if not is_installed(kind):
        if kind.extra is not None:
            raise MissingExtraError(f"the feed {address.scheme}", kind.extra)
        raise UsageError(f"the feed {address.scheme} needs {', '.join(kind.modules)}")
    return kind.open(address)


def _can_import(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
