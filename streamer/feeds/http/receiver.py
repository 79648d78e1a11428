"""Requests with readings: their records become samples, and each gets its answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamer.feeds.lines.lineprotocol import PRECISIONS
from streamer.feeds.lines.sides import Records
from streamer.feeds.session import Channel
from streamer.feeds.values import MalformedError
from streamer.web.access import Access, RefusalError

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest, Response

READING = "/reading"
"""Path of the requests with readings."""

MAX_BODY_BYTES = 1 << 20
"""Largest body that is read, also after decompression."""

_INFLUX = ("/write", "/api/v2/write")
_STATUS = ("/", "/health", "/ping")


@dataclass
class Receiver:
    """Answers requests and passes their samples on.

    Attributes:
        records: default format of the records.
        senders: which requests are accepted.
        channel: takes the samples.
        taken: number of samples so far.
        refused: number of requests and connections refused so far.
    """

    records: Records
    senders: Access
    channel: Channel
    taken: int = 0
    refused: int = 0

    async def answer(self, request: BaseRequest, until_s: float) -> Response:
        """Return the response to one request.

        Args:
            request: the request.
            until_s: time of the event loop at which its body must have arrived.
        """
        from aiohttp import web

        try:
            self.senders.check_host(request.headers)
            if request.path in _STATUS:
                _check_method(request, "GET", "HEAD")
                return web.json_response(
                    {"status": "pass", "samples": self.taken, "refused": self.refused}
                )
            await self._take(request, until_s)
        except MalformedError as error:
            self.refused += 1
            self.channel.malformed(f"request from {request.remote}: {error}")
            return web.json_response({"error": str(error)}, status=400)
        except RefusalError as error:
            self.refuse(error.reason, f"request from {request.remote}: {error}")
            return web.json_response(
                {"error": str(error)}, status=error.status, headers=error.headers
            )
        return web.Response(status=204)

    def refuse(self, reason: str, text: str) -> None:
        """Count and report what is refused.

        Args:
            reason: the reason in a few words, by which refusals are counted.
            text: the sender, the reason and the remedy.
        """
        self.refused += 1
        self.channel.refused(reason, text)

    async def _take(self, request: BaseRequest, until_s: float) -> None:
        if request.path != READING and request.path not in _INFLUX:
            text = f"{request.path[:40]!r} does not exist; POST to {READING}"
            raise RefusalError(404, "unknown path", text)
        _check_method(request, "POST")
        self.senders.check_site(request.headers)
        self.senders.check_token(request.headers)
        body = self._format_of(request).read_body(await _body(request, until_s))
        # Telegraf drops a whole batch that is refused, and the good records with it.
        if body.problems and not body.items:
            raise MalformedError(str(body.problems[0]))
        if body.problems:
            text = f"request from {request.remote}: {body.problems[0]}"
            self.channel.malformed(text, count=len(body.problems))
        self.taken += len(body.items)
        for item in body.items:
            self.channel.deliver(item)

    def _format_of(self, request: BaseRequest) -> Records:
        """Return the format of a request's records; its headers take precedence.

        Raises:
            MalformedError: the precision is unknown.
        """
        format_, usual = self.records.grid.format, self.records.grid.precision
        if request.path in _INFLUX:
            format_ = "influx"
        elif format_ == "auto" and request.content_type == "application/json":
            format_ = "json"
        precision = request.query.get("precision", usual)
        if precision not in PRECISIONS:
            known = ", ".join(PRECISIONS)
            raise MalformedError(f"unknown precision {precision[:20]!r}; give one of {known}")
        return self.records.of_format(format_, precision)


def _check_method(request: BaseRequest, *allowed: str) -> None:
    if request.method not in allowed:
        text = f"use {allowed[0]} for {request.path}"
        raise RefusalError(405, "wrong method", text, Allow=", ".join(allowed))


async def _body(request: BaseRequest, until_s: float) -> str:
    from aiohttp import ClientPayloadError, web

    try:
        async with asyncio.timeout_at(until_s):
            return (await request.read()).decode("utf-8-sig")
    except web.HTTPRequestEntityTooLarge:
        text = f"send at most {MAX_BODY_BYTES >> 20} MiB at once"
        raise RefusalError(413, "too large", text) from None
    except TimeoutError:
        raise RefusalError(408, "too slow", "the request did not arrive in time") from None
    except (ClientPayloadError, web.RequestPayloadError):
        raise MalformedError("the encoding of the body does not match its headers") from None
    except UnicodeDecodeError:
        raise MalformedError("the body is not text in UTF-8") from None
