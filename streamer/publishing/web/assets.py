"""Style sheet, script and icon of the pages, which browsers keep while they are the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from streamer.reporting.page import style_sheet

_HERE = Path(__file__).parent


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


_ASSETS: dict[str, tuple[str, Callable[[], str]]] = {
    "style.css": ("text/css", lambda: style_sheet() + _read("live.css")),
    "live.js": ("text/javascript", lambda: _read("live.js")),
    "icon.svg": ("image/svg+xml", lambda: _read("icon.svg")),
}


class Assets:
    """The files, read once."""

    def __init__(self) -> None:
        self._found = {name: (kind, text().encode()) for name, (kind, text) in _ASSETS.items()}

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def response(self, name: str, known: str) -> web.Response:
        """A file, or 304 if the browser has it already.

        Args:
            name: its name.
            known: header `If-None-Match` of the request.
        """
        kind, body = self._found[name]
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if tag in known:
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)
