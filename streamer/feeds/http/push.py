"""HTTP server for readings sent by scripts, automations or Telegraf.

``POST /reading`` takes one or more records (see `streamer.feeds.lines.records`) and answers
204, or 400 with ``{"error": …}`` if none of them can be read; otherwise those that cannot are
reported and skipped.
``/write`` and ``/api/v2/write`` take line protocol like versions 1 and 2 of InfluxDB, so that
a writer for InfluxDB can send here. ``GET /`` reports the status.

It listens on this machine only, unless the address names another host, and then requires a
token: ``Authorization: Bearer …`` or ``Token …``. Web pages of other sites are refused, and
names that are not of this machine. TLS is not supported; outside a trusted network the server
belongs behind a proxy.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from streamer.errors import UsageError
from streamer.feeds import Feed, FeedKind
from streamer.feeds.address import Address
from streamer.feeds.http.receiver import READING, Receiver
from streamer.feeds.http.senders import HOSTS_OPTION, senders_of
from streamer.feeds.lines.records import RECORD_OPTIONS
from streamer.feeds.lines.sides import SIDE_OPTIONS, Records
from streamer.feeds.pace import pace_of
from streamer.feeds.secretfile import read_secret
from streamer.feeds.session import AsyncFeed, Channel
from streamer.feeds.values import channel_paces
from streamer.web.access import is_loopback

DEFAULT_PORT = 8088

_LOCALHOST = "127.0.0.1"


def _open(address: Address) -> Feed:
    if address.path not in ("", "/", READING):
        raise UsageError(f"{address.shown}: the path is always {READING}; leave it out")
    host = address.host or _LOCALHOST
    port = DEFAULT_PORT if address.port is None else address.port
    records, pace = Records.of(address), pace_of(address)
    channels = channel_paces(address, records.channels, pace)
    token_file = address.text("token_file")
    token = address.credentials.token if token_file is None else read_secret(token_file)
    if token is None and not is_loopback(host):
        raise UsageError(
            f"{address.shown}: anyone who can reach {host} could send readings; give a token "
            "(token_file=…), or listen on 127.0.0.1"
        )

    senders = senders_of(address, host, token)

    async def session(channel: Channel) -> None:
        from streamer.web.server import Limits, Server

        receiver = Receiver(records, senders, channel)
        server = Server(receiver.answer, receiver.refuse, Limits())
        try:
            channel.up(f"listening on {await server.start(host, port)}{READING}")
            await asyncio.Event().wait()
        finally:
            await server.stop()

    name = replace(address, host=host, port=port).shown
    return AsyncFeed(name, session, peer="sender", pace=pace, channels=channels)


KIND = FeedKind(
    about="readings sent over HTTP, as JSON or line protocol (POST /reading)",
    example="push://127.0.0.1:8088?unit=W",
    open=_open,
    options={
        **RECORD_OPTIONS,
        **SIDE_OPTIONS,
        "token_file": "file with the token that senders must know; required unless only this "
        "machine can connect",
        **HOSTS_OPTION,
    },
    extra="http",
    modules=("aiohttp",),
)
