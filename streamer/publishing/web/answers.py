"""Answers to requests: which path has what, and for whom."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from streamer.display.lines import error_line, one_line
from streamer.errors import StreamerError, install_hint
from streamer.publishing.record import state_record
from streamer.publishing.web.assets import Assets
from streamer.publishing.web.events import Events
from streamer.publishing.web.forecast import UNKNOWN, WRONG, forecast_record
from streamer.publishing.web.headers import HEADERS
from streamer.publishing.web.meters import Meters, Served
from streamer.publishing.web.minutes import PastMinutes, Query
from streamer.publishing.web.pages import OVERVIEW, Pages
from streamer.web.access import Access, RefusalError
from streamer.web.server import keep_open

if TYPE_CHECKING:
    from streamer.publishing.metrics import Metrics

# For developers; without a handler, a traceback would be printed on stderr.
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())

_EVERY_DAY = ("missing token", "unknown path", "unknown meter", "wrong method", WRONG, UNKNOWN)
"""Reasons of refusals that nobody has to know about."""


class Answers:
    """Answers the requests of the server.

    Args:
        meters: the meters of the process.
        pages: their pages.
        events: sends the changes of the pages.
        access: which requests are accepted.
        refuse: takes reason and text of refusals that somebody should know about.
        now: the present time with a zone.
        metrics: the metrics; None if their library is not installed.
    """

    def __init__(
        self,
        meters: Meters,
        pages: Pages,
        events: Events,
        access: Access,
        refuse: Callable[[str, str], None],
        *,
        now: Callable[[], datetime],
        metrics: Metrics | None = None,
    ) -> None:
        self._meters, self._access, self._refuse = meters, access, refuse
        self._now, self._metrics = now, metrics
        self._pages, self._events, self._assets = pages, events, Assets()
        self._past = PastMinutes(now)

    async def answer(self, request: web.BaseRequest, _until_s: float) -> web.StreamResponse:
        """The response to one request, whose body is not read."""
        try:
            response = await self._checked(request)
        except RefusalError as error:
            if error.reason not in _EVERY_DAY:
                self._refuse(error.reason, f"request from {request.remote}: {error}")
            response = _json({"error": str(error)}, status=error.status)
            response.headers.update(error.headers)
        except StreamerError as error:
            response = _json({"error": one_line(error)}, status=503)
        except Exception as error:  # noqa: BLE001 - it is reported, and the others are served
            _log.error("the answer to %s failed", request.path, exc_info=error)
            self._refuse("internal error", f"{request.path}: {error_line(error)}")
            response = _json({"error": "the answer failed; streamer has reported it"}, status=500)
        if not response.prepared:
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
        return response

    async def _checked(self, request: web.BaseRequest) -> web.StreamResponse:
        """The response to a request that passes all checks.

        Raises:
            RefusalError: it does not.
        """
        is_trusted = self._access.trusts(request.remote)
        if not is_trusted:
            self._access.check_host(request.headers)
        if request.method not in ("GET", "HEAD"):
            text = f"{request.method[:20]!r} is not possible here; use GET"
            raise RefusalError(405, "wrong method", text, Allow="GET, HEAD")
        path = request.path
        self._access.check_site(request.headers, links=path == "/" or path.startswith("/m/"))
        if request.path == "/healthz":
            is_known = is_trusted or self._access.knows_token(request.headers)
            return self._health(is_known=is_known)
        if not is_trusted:
            self._access.check_token(request.headers)
        return await self._found(request)

    async def _found(self, request: web.BaseRequest) -> web.StreamResponse:
        """What is at the path of a request.

        Raises:
            RefusalError: there is nothing.
        """
        match request.path.removeprefix("/").split("/"):
            case [""]:
                return _page(self._pages.document(OVERVIEW))
            case ["m", key]:
                return _page(self._pages.document(self._known(key).state.meter.key))
            case ["events"]:
                return await self._changes(request, OVERVIEW)
            case ["m", key, "events"]:
                return await self._changes(request, self._known(key).state.meter.key)
            case [name] if name in self._assets:
                return self._assets.response(name, request.headers.get("If-None-Match", ""))
            case ["metrics"]:
                return self._exposition(request.headers.get("Accept", ""))
            case ["api", *rest]:
                return await self._json_at(request, rest)
        raise _unknown(request)

    async def _json_at(self, request: web.BaseRequest, path: Sequence[str]) -> web.StreamResponse:
        """What is at the path of a request below `/api`.

        Raises:
            RefusalError: there is nothing.
        """
        match path:
            case ["now"]:
                return _json(self._meters.record(self._now()))
            case ["now", key]:
                return _json(state_record(self._known(key).state, self._now()))
            case ["forecast", key]:
                return _json(forecast_record(self._known(key).state, request.query, self._now()))
            case ["history", key]:
                served, query = self._known(key), Query.of(request.query)
                return _json_text(await self._past.of(served.state.meter, served.kept, query))
        raise _unknown(request)

    def _known(self, key: str) -> Served:
        """A meter.

        Raises:
            RefusalError: there is none with that key.
        """
        served = self._meters.of(key)
        if served is None:
            known = ", ".join(each.state.meter.key for each in self._meters) or "none yet"
            text = f"there is no meter {key[:40]!r}; there are: {known}"
            raise RefusalError(404, "unknown meter", text)
        return served

    async def _changes(self, request: web.BaseRequest, key: str) -> web.StreamResponse:
        self._events.check()
        keep_open(request)
        return await self._events.send(request, key)

    def _health(self, *, is_known: bool) -> web.Response:
        """200 if all meters are well, otherwise 503; for those without the token, no more."""
        found = self._meters.health(self._now())
        well = all(each.well for each in found)
        lines = [each.line for each in found]
        if not is_known:
            lines = ["ok" if well else "a meter is not fresh; the token shows which"]
        return web.Response(text="\n".join(lines) + "\n", status=200 if well else 503)

    def _exposition(self, accept: str) -> web.Response:
        if self._metrics is None:
            text = f"metrics need prometheus-client: {install_hint('metrics')}\n"
            return web.Response(text=text, status=404)
        body, kind = self._metrics.exposition(self._now(), accept)
        return web.Response(body=body, headers={"Content-Type": kind})


def _unknown(request: web.BaseRequest) -> RefusalError:
    return RefusalError(404, "unknown path", f"{request.path[:40]!r} does not exist")


def _page(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html", charset="utf-8")


def _json(value: Any, status: int = 200) -> web.Response:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _json_text(text + "\n", status)


def _json_text(text: str, status: int = 200) -> web.Response:
    kind = "application/json"
    return web.Response(text=text, content_type=kind, charset="utf-8", status=status)
