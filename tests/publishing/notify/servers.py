"""Receivers on loopback: a web server for apprise's `json://`, and a mail server."""

from __future__ import annotations

import asyncio
import email
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.smtp import SMTP


class JsonServer:
    """A web server that keeps the messages it takes; it may be stopped and started again.

    Attributes:
        taken: the messages.
        status: HTTP status of its answers; messages are taken if that is 200.
        port: its port.
        has_taken: set when it has taken a message.
        hold: until it is set, a message that was taken is not answered.
    """

    def __init__(self) -> None:
        self.has_taken, self.hold = threading.Event(), threading.Event()
        self.hold.set()
        self.taken: list[dict[str, Any]] = []
        self.status = 200
        self.port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def address(self) -> str:
        return f"json://user:swordfish@127.0.0.1:{self.port}/secret"

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.taken]

    def start(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if outer.status == 200:
                    outer.taken.append(json.loads(body))
                    outer.has_taken.set()
                outer.hold.wait()
                with suppress(ConnectionError):
                    self.send_response(outer.status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        # The same port again, after a stop.
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def json_server() -> Iterator[JsonServer]:
    """A running web server."""
    server = JsonServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


class _Mailbox:
    def __init__(self) -> None:
        self.mails: list[Message] = []

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: object, session: object, envelope: Any
    ) -> str:
        self.mails.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[tuple[int, list[Message]]]:
    """A running mail server: its port, and the mails that it has taken."""
    mailbox, loop = _Mailbox(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> asyncio.Server:
        return await loop.create_server(lambda: SMTP(mailbox, loop=loop), "127.0.0.1", 0)

    async def stop(server: asyncio.Server) -> None:
        server.close()
        await server.wait_closed()

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield server.sockets[0].getsockname()[1], mailbox.mails
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
