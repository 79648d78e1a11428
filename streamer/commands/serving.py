"""Settings of the HTTP server of `watch` and `replay`: `--serve` and the table `[serve]`."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from streamer.commands.tables import Table
from streamer.errors import MissingExtraError, UsageError
from streamer.extras import check_installed

if TYPE_CHECKING:
    from streamer.publishing import Publisher, Report
    from streamer.publishing.metrics import Metrics

TOKEN_VARIABLE = "STREAMER_SERVE_TOKEN"  # noqa: S105 - the name of a variable
"""Variable with the token that clients must know; it takes precedence over the table."""

KEYS = ("listen", "token", "token_file", "hosts", "trusted")
"""Keys of the table."""

_LISTEN = re.compile(r"(?:\[(?P<v6>[\w:.%]+)\]|(?P<host>[^\s:/\[\]]+)):(?P<port>[0-9]{1,5})")
_MAX_PORT = 65_535


def parse_listen(text: str) -> tuple[str, int]:
    """Host and port of a text like `127.0.0.1:8090` or `[::1]:8090`.

    Raises:
        ValueError: it is something else; the message states the remedy.

    >>> parse_listen("127.0.0.1:8090"), parse_listen("[::1]:8090")
    (('127.0.0.1', 8090), ('::1', 8090))
    """
    match = _LISTEN.fullmatch(text)
    if match is None or not 1 <= int(match["port"]) <= _MAX_PORT:
        raise ValueError(
            f"{text[:60]!r} is not a host and a port; write it like 127.0.0.1:8090 or [::1]:8090"
        )
    return match["v6"] or match["host"], int(match["port"])


def web_server(
    serve: str | None, table: Table, environ: Mapping[str, str] = os.environ
) -> Callable[[Report], Publisher] | None:
    """What makes the HTTP server that the settings ask for; None if they ask for none.

    Args:
        serve: host and port by option or variable; None for those of the table.
        table: the table `[serve]`.
        environ: variables of the environment.

    Raises:
        UsageError: a setting is wrong, or the token is missing.
        MissingExtraError: aiohttp is not installed.
    """
    table.check(KEYS)
    if serve is None and not table:
        return None
    host, port = _listen(serve, table)
    secret = environ.get(TOKEN_VARIABLE) or None
    if secret is None and (found := table.secret("token")) is not None:
        secret = found.reveal()
    hosts, trusted = table.texts("hosts"), _trusted(table)
    from streamer.web.access import Access, is_loopback, names_of_machine

    if secret is None and trusted:
        secret = secrets.token_urlsafe()  # nobody knows it: all come through the proxy
    if secret is None and not is_loopback(host):
        text = (
            f"anyone who can reach {host} could look; give a token (token or token_file in "
            f"[serve], or {TOKEN_VARIABLE}), or listen on 127.0.0.1"
        )
        raise table.wrong("listen", text) if serve is None else UsageError(f"--serve: {text}")
    check_installed("aiohttp", "--serve", "http")
    access = Access(
        token=secret,
        names=names_of_machine(host, hosts),
        purpose="read from here",
        remedy="open its IP address, or add the name to hosts in the table [serve]",
        basic=True,
        trusted=trusted,
    )

    def make(report: Report) -> Publisher:
        from streamer.publishing.web.publisher import Listen, WebServer

        return WebServer(Listen(host, port), access, report, metrics=_metrics())

    return make


def _trusted(table: Table) -> frozenset[str]:
    """Addresses of proxies that are trusted."""
    try:
        return frozenset(str(ipaddress.ip_address(text)) for text in table.texts("trusted"))
    except ValueError as error:
        raise table.wrong("trusted", f"{error}; give the address of a proxy") from None


def _metrics() -> Metrics | None:
    """The metrics of all meters; None if their library is not installed."""
    from streamer.publishing.metrics import Metrics

    try:
        return Metrics()
    except MissingExtraError:
        return None


def _listen(serve: str | None, table: Table) -> tuple[str, int]:
    if serve is not None:
        try:
            return parse_listen(serve)
        except ValueError as error:
            raise UsageError(f"--serve {error}") from None
    text = table.text("listen")
    if text is None:
        raise table.wrong("listen", 'give host and port, like "127.0.0.1:8090"')
    try:
        return parse_listen(text)
    except ValueError as error:
        raise table.wrong("listen", str(error)) from None
