"""Pages as they are now, rendered once for all browsers, and their changes as events."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime

import streamer
from streamer.publishing.web.meters import Meters, Served
from streamer.publishing.web.page import document, overview_parts, quick_parts, slow_parts
from streamer.publishing.web.view import View
from streamer.reporting.markup import Markup

OVERVIEW = ""
"""Key of the page at the root: the overview, or the page of the only meter."""

BEAT = b"event: beat\ndata:\n\n"
"""An event that only shows that the connection holds."""


class Page:
    """The parts of a page, and the version at which each of them has changed.

    Attributes:
        version: the version of the latest change.
        browsers: number of browsers that are sent the changes.
        changed: set at the next change, and then replaced.
    """

    def __init__(self, run: str) -> None:
        self.version = 0
        self.browsers = 0
        self.changed = asyncio.Event()
        self._run = run
        self._parts: dict[str, Markup] = {}
        self._versions: dict[str, int] = {}
        self._event: tuple[tuple[int, int], bytes] = (0, 0), b""

    @property
    def parts(self) -> Mapping[str, Markup]:
        """All parts by name."""
        return self._parts

    def update(self, parts: Mapping[str, Markup]) -> None:
        """Take the present parts."""
        different = [name for name in parts if self._parts.get(name) != parts[name]]
        if not different and len(parts) == len(self._parts):
            return
        self.version += 1
        self._parts = dict(parts)
        self._versions |= dict.fromkeys(different, self.version)
        self.wake()

    def wake(self) -> None:
        """Let all who wait for a change continue."""
        self.changed.set()
        self.changed = asyncio.Event()

    def event(self, since: int) -> bytes:
        """The parts that have changed since a version, as an event with an id."""
        key = since, self.version
        if self._event[0] != key:
            later = (name for name in self._parts if self._versions[name] > since)
            data = json.dumps({name: self._parts[name] for name in later}, ensure_ascii=False)
            text = f"event: parts\nid: {self._run}-{self.version}\ndata: {data}\n\n"
            self._event = key, text.encode()
        return self._event[1]


class Pages:
    """All pages.

    Args:
        meters: the meters.
        now: the present time with a zone.
    """

    def __init__(self, meters: Meters, now: Callable[[], datetime]) -> None:
        self._meters, self._now = meters, now
        self._run = secrets.token_hex(4)
        self._pages: dict[str, Page] = {}
        self._slow: dict[str, tuple[tuple[int, str], dict[str, Markup]]] = {}
        self.closed = False

    def page(self, key: str) -> Page:
        """A page, up to date.

        Args:
            key: key of a meter, or `OVERVIEW`.
        """
        page = self._pages.get(key)
        if page is None:
            page = self._pages[key] = Page(self._run)
        page.update(self._parts(key))
        return page

    def refresh(self) -> None:
        """Render the pages that are open in a browser."""
        for key, page in self._pages.items():
            if page.browsers:
                page.update(self._parts(key))

    def close(self) -> None:
        """Let all who wait for changes end."""
        self.closed = True
        for page in self._pages.values():
            page.wake()

    def document(self, key: str) -> str:
        """A page as a document."""
        parts = self.page(key).parts
        only = self._only() if key == OVERVIEW else self._meters.of(key)
        title = "Meters" if only is None else only.state.meter.name
        if key == OVERVIEW:
            return document(title, parts, root="", events="events")
        up = len(self._meters) > 1
        return document(title, parts, root="../", events=f"{key}/events", up=up)

    def since(self, last_id: str) -> int:
        """The version of the last event that a browser has received; 0 for none of this run."""
        run, _, version = last_id.rpartition("-")
        known = run == self._run and version.isascii() and version.isdigit()
        return int(version[:18]) if known else 0

    def _only(self) -> Served | None:
        """The meter, if there is a single one."""
        return next(iter(self._meters)) if len(self._meters) == 1 else None

    def _parts(self, key: str) -> dict[str, Markup]:
        served = self._only() if key == OVERVIEW else self._meters.of(key)
        now = self._now()
        if served is None:
            return overview_parts({each.state.meter.key: each.view(now) for each in self._meters})
        view = served.view(now)
        return {**quick_parts(view), **self._slow_parts(served, view)}

    def _slow_parts(self, served: Served, view: View) -> dict[str, Markup]:
        """The parts that change seldom, which are rendered only then."""
        key, stamp = served.state.meter.key, (served.items, view.status)
        found = self._slow.get(key)
        if found is None or found[0] != stamp:
            found = self._slow[key] = stamp, slow_parts(view)
        return found[1]


def version_event() -> bytes:
    """The first event: pages of another version of the program have to be loaded again."""
    return f"retry: 3000\nevent: version\ndata: {streamer.__version__}\n\n".encode()
