"""Answers to requests: which path has what, and for whom."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from aiohttp import web

from streamer.errors import install_hint
from streamer.publishing.record import state_record
from streamer.publishing.state import MeterState
from streamer.publishing.web.forecast import UNKNOWN, WRONG, forecast_record
from streamer.publishing.web.headers import HEADERS
from streamer.publishing.web.meters import Meters
from streamer.sinks import Item
from streamer.web.access import Access, RefusalError

_EVERY_DAY = ("missing token", "unknown path", "unknown meter", "wrong method", WRONG, UNKNOWN)
"""Reasons of refusals that nobody has to know about."""


class Metrics(Protocol):
    """Metrics of all meters for a monitoring system."""

    def take(self, state: MeterState, item: Item | None) -> None:
        """Take the state of a meter, and the item of its stream that has led to it."""

    def count_failure(self, publisher: str) -> None:
        """Count that a publisher has failed."""

    def exposition(self, now: datetime, accept: str) -> tuple[bytes, str]:
        """The metrics as a text, and its content type.

        Args:
            now: the time, with a zone.
            accept: header `Accept` of the request.
        """


class Answers:
    """Answers the requests of the server.

    Args:
        meters: the meters of the process.
        access: which requests are accepted.
        refuse: takes reason and text of refusals that somebody should know about.
        now: the present time with a zone.
        metrics: the metrics; None if their library is not installed.
    """

    def __init__(
        self,
        meters: Meters,
        access: Access,
        refuse: Callable[[str, str], None],
        *,
        now: Callable[[], datetime],
        metrics: Metrics | None = None,
    ) -> None:
        self._meters, self._access, self._refuse = meters, access, refuse
        self._now, self._metrics = now, metrics

    async def answer(self, request: web.BaseRequest, _until_s: float) -> web.StreamResponse:
        """The response to one request, whose body is not read."""
        try:
            response = await self._checked(request)
        except RefusalError as error:
            if error.reason not in _EVERY_DAY:
                self._refuse(error.reason, f"request from {request.remote}: {error}")
            response = _json({"error": str(error)}, status=error.status)
            response.headers.update(error.headers)
        if not response.prepared:
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
        return response

    async def _checked(self, request: web.BaseRequest) -> web.StreamResponse:
        """The response to a request that passes all checks.

        Raises:
            RefusalError: it does not.
        """
        self._access.check_host(request.headers)
        if request.method not in ("GET", "HEAD"):
            text = f"{request.method[:20]!r} is not possible here; use GET"
            raise RefusalError(405, "wrong method", text, Allow="GET, HEAD")
        self._access.check_site(request.headers)
        if request.path == "/healthz":
            return self._health(is_known=self._access.knows_token(request.headers))
        self._access.check_token(request.headers)
        return await self._found(request)

    async def _found(self, request: web.BaseRequest) -> web.StreamResponse:
        """What is at the path of a request.

        Raises:
            RefusalError: there is nothing.
        """
        match request.path.removeprefix("/").split("/"):
            case ["metrics"]:
                return self._exposition(request.headers.get("Accept", ""))
            case ["api", "now"]:
                return _json(self._meters.record(self._now()))
            case ["api", "now", key]:
                return _json(state_record(self._known(key), self._now()))
            case ["api", "forecast", key]:
                return _json(forecast_record(self._known(key), request.query, self._now()))
        raise RefusalError(404, "unknown path", f"{request.path[:40]!r} does not exist")

    def _known(self, key: str) -> MeterState:
        """The state of a meter.

        Raises:
            RefusalError: there is none with that key.
        """
        state = self._meters.of(key)
        if state is None:
            known = ", ".join(state.meter.key for state in self._meters) or "none yet"
            text = f"there is no meter {key[:40]!r}; there are: {known}"
            raise RefusalError(404, "unknown meter", text)
        return state

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


def _json(value: Any, status: int = 200) -> web.Response:
    body = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return web.Response(
        text=body + "\n", content_type="application/json", charset="utf-8", status=status
    )
