"""Registry of the kinds of feeds: the entry points of the group ``streamer.sources``."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec

from streamer.display.lines import one_line
from streamer.errors import MissingExtraError, SourceError, UsageError
from streamer.feeds import Feed, FeedKind
from streamer.feeds.address import Address
from streamer.readings import CHANNELS

GROUP = "streamer.sources"


@cache
def schemes() -> dict[str, EntryPoint]:
    """Return the entry point of each URL scheme, in alphabetical order."""
    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return {point.name: point for point in found}


def load_kind(scheme: str) -> FeedKind:
    """Return the kind of feed for a URL scheme.

    Raises:
        UsageError: the scheme is unknown.
        SourceError: a plug-in registers an object of another type, or cannot be imported.
    """
    point = schemes().get(scheme)
    if point is None:
        raise UsageError(
            f"unknown feed scheme {scheme!r}; known schemes are {', '.join(schemes())} "
            "(see `streamer sources`)"
        )
    try:
        kind = point.load()
    except Exception as error:
        # Importing a plug-in runs its code, which may raise anything.
        why = one_line(f"{type(error).__name__}: {error}")
        raise SourceError(f"the feed {scheme} ({point.value}) cannot be loaded: {why}") from error
    if not isinstance(kind, FeedKind):
        raise SourceError(f"the feed {scheme} ({point.value}) is not a FeedKind, but {kind!r}")
    return kind


def is_installed(kind: FeedKind) -> bool:
    """Whether all modules that a kind of feed needs can be imported."""
    return all(_can_import(module) for module in kind.modules)


def open_feed(address: Address) -> Feed:
    """Make the feed of an address; it connects when it is read.

    Raises:
        UsageError: the scheme or an option is unknown, or an option is wrong.
        MissingExtraError: its library is not installed.
    """
    kind = load_kind(address.scheme)
    for name in CHANNELS:
        if name in address.options and name not in kind.options:
            raise UsageError(
                f"{address.shown}: option {name}: this feed has the power at the grid connection "
                f"alone; {name} power can be given with {', '.join(_with(name))}"
            )
    address.check_options(kind.options)
    if not is_installed(kind):
        if kind.extra is not None:
            raise MissingExtraError(f"the feed {address.scheme}", kind.extra)
        raise UsageError(f"the feed {address.scheme} needs {', '.join(kind.modules)}")
    return kind.open(address)


def _with(option: str) -> list[str]:
    """URL schemes of the kinds of feeds that have an option."""
    found = []
    for scheme in schemes():
        with suppress(SourceError):  # of a plug-in that nobody asked for
            if option in load_kind(scheme).options:
                found.append(f"{scheme}:")
    return found


def _can_import(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
