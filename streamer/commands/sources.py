"""The command `sources`: list of the feed kinds, and the options of one kind."""

from __future__ import annotations

from rich.table import Table

from streamer.display.console import PlainConsole
from streamer.errors import SourceError, requirement
from streamer.feeds import FeedKind
from streamer.feeds.registry import is_installed, load_kind, schemes


def list_sources() -> None:
    """Print each kind of feed, with its description, an example, and the extra it needs."""
    found: dict[FeedKind | str, list[str]] = {}
    for scheme in schemes():
        try:
            key: FeedKind | str = load_kind(scheme)
        except SourceError as error:
            key = str(error)
        found.setdefault(key, []).append(scheme)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for kind, names in found.items():
        if isinstance(kind, str):
            table.add_row(", ".join(names), kind)
        else:
            table.add_row(", ".join(names), kind.about)
            table.add_row("", kind.example, style="dim")
            if kind.modules:
                table.add_row("", _needs(kind), style="dim")
    console = PlainConsole()
    console.print(table)
    console.print("All options of one: streamer sources SCHEME")


def show_source(scheme: str) -> None:
    """Print the description and all options of one kind of feed.

    Raises:
        UsageError: the scheme is unknown.
    """
    kind = load_kind(scheme)
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("reads", kind.about)
    table.add_row("example", f"streamer watch '{kind.example}'")
    table.add_row("needs", _needs(kind))
    table.add_row("--stale-after", f"at most {kind.stale_after_s:g} s by default")
    for name, text in kind.options.items():
        table.add_row(name, text)
    PlainConsole().print(table)


def _needs(kind: FeedKind) -> str:
    if not kind.modules and kind.extra is None:
        return "nothing more"
    there = "installed" if is_installed(kind) else "not installed"
    what = requirement(kind.extra) if kind.extra else ", ".join(kind.modules)
    return f"{what}: {there}"
