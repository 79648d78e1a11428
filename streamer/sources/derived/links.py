"""Connection of a derived meter: the worst of those of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from streamer.display.lines import one_line
from streamer.readings import Link

_STATES = (Link.LOST, Link.SILENT, Link.UP)
"""States of a connection, from the worst to the best."""


class WorstLink:
    """The worst link of some parts, with the name of the part as the other end.

    >>> worst = WorstLink()
    >>> worst.set("grid", Link(Link.UP))
    >>> worst.set("solar", Link(Link.LOST, "inverter", "timed out"))
    >>> worst.change(["grid", "solar"])
    Link(state='lost', peer='solar', text='timed out', since=None, retry_at=None)
    >>> worst.change(["grid", "solar"]), worst.change(["grid"]).state
    (None, 'up')
    """

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}
        self._shown: Link | None = None

    def __contains__(self, part: str) -> bool:
        return part in self._links

    def set(self, part: str, link: Link) -> None:
        """Take the present link of a part."""
        self._links[part] = link

    def change(self, parts: Sequence[str]) -> Link | None:
        """The worst link of some parts, if it is another one than before.

        It is up once all of them are.
        """
        links = {part: self._links[part] for part in parts if part in self._links}
        worst = min(links, key=lambda part: _STATES.index(links[part].state), default=None)
        if worst is None or (links[worst].state == Link.UP and len(links) < len(parts)):
            return None
        link = replace(links[worst], peer=one_line(worst))
        if link == self._shown:
            return None
        self._shown = link
        return link
