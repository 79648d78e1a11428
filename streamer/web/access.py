"""Checks of requests: name of this machine, web pages, token."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_LOCAL_SITES = ("same-origin", "none")


class RefusalError(Exception):
    """A request that is refused.

    Args:
        status: HTTP status of the answer.
        reason: the reason in a few words, by which refusals are counted.
        text: the reason and the remedy, for the sender.
        headers: further headers of the answer.
    """

    def __init__(self, status: int, reason: str, text: str, **headers: str) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        super().__init__(text)


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to a host.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0"), is_loopback("nas")
    (True, True, False, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def names_of_machine(host: str, further: Iterable[str] = ()) -> frozenset[str]:
    """Names of this machine in lower case.

    Args:
        host: host on which a server listens.
        further: further names, such as that of a proxy.
    """
    machine = socket.gethostname()
    names = [host, machine, f"{machine.partition('.')[0]}.local", *further]
    return frozenset(name.strip().lower() for name in names if name.strip())


@dataclass(frozen=True)
class Access:
    """Which requests are accepted.

    A web page that is open in a browser on this machine could send requests, too. Browsers mark
    those with `Sec-Fetch-Site` or `Origin`; and a page whose own name was made to lead to this
    machine (DNS rebinding) still has that name in `Host`.

    Attributes:
        token: token that must be known; None to accept all.
        names: names of this machine, in lower case, besides addresses and localhost.
        purpose: what the requests are for: `send readings`.
        remedy: what to do about a name that is not known.
        basic: whether a browser's dialogue may give the token, as the password.
        trusted: addresses of proxies that have checked already who asks, and under which name.
    """

    token: str | None = field(repr=False)
    names: frozenset[str]
    purpose: str
    remedy: str
    basic: bool = False
    trusted: frozenset[str] = frozenset()

    def trusts(self, peer: str | None) -> bool:
        """Whether a connection is that of a trusted proxy.

        Args:
            peer: address of its other end.

        >>> access = Access(None, frozenset(), "", "", trusted=frozenset({"10.0.0.1"}))
        >>> access.trusts("::ffff:10.0.0.1"), access.trusts("10.0.0.2"), access.trusts(None)
        (True, False, False)
        """
        if peer is None or not self.trusted:
            return False
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        return str(getattr(address, "ipv4_mapped", None) or address) in self.trusted

    def check_host(self, headers: Mapping[str, str]) -> None:
        """Raise RefusalError for a request to a name that is not one of this machine."""
        given = headers.get("Host", "")
        if given and not self._is_here(given):
            text = f"{given[:60]!r} is not a name of this machine; {self.remedy}"
            raise RefusalError(421, "unknown host name", text)

    def check_site(self, headers: Mapping[str, str], *, links: bool = False) -> None:
        """Raise RefusalError for a request of a web page of another site.

        Args:
            headers: headers of the request.
            links: whether a page of another site may have a link to what is requested.
        """
        if headers.get("Sec-Fetch-Site", "none").lower() not in _LOCAL_SITES:
            is_link = headers.get("Sec-Fetch-Mode") == "navigate" and (
                headers.get("Sec-Fetch-Dest") == "document"
            )
            if not (links and is_link):
                text = f"web pages of other sites may not {self.purpose}"
                raise RefusalError(403, "from a web page", text)
        if self.token is None and not _is_own(headers.get("Origin"), headers.get("Host", "")):
            text = f"web pages of other sites may {self.purpose} only with a token"
            raise RefusalError(403, "from a web page", text)

    def check_token(self, headers: Mapping[str, str]) -> None:
        """Raise RefusalError for a request without the token, if there is one."""
        if not self.knows_token(headers):
            challenge = 'Basic realm="streamer", charset="UTF-8"' if self.basic else "Bearer"
            raise RefusalError(
                401,
                "wrong token" if "Authorization" in headers else "missing token",
                "the token is wrong or missing; send Authorization: Bearer TOKEN",
                **{"WWW-Authenticate": challenge},
            )

    def knows_token(self, headers: Mapping[str, str]) -> bool:
        """Whether a request has the token, or none is needed."""
        if self.token is None:
            return True
        scheme, _, given = headers.get("Authorization", "").partition(" ")
        scheme, given = scheme.lower(), given.strip()
        if scheme == "basic" and self.basic:
            given = _password(given)
        elif scheme not in ("bearer", "token"):
            return False
        return hmac.compare_digest(_bytes(given), _bytes(self.token))

    def _is_here(self, given: str) -> bool:
        try:
            name = (urlsplit(f"//{given}").hostname or "").rstrip(".")
        except ValueError:
            return False
        if name == "localhost" or name.endswith(".localhost") or name in self.names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _is_own(origin: str | None, host: str) -> bool:
    """Whether a request is none of a page, or of a page of this server."""
    return origin is None or (bool(host) and origin.partition("://")[2].lower() == host.lower())


def _password(given: str) -> str:
    """The password of basic authentication; empty if it cannot be read."""
    try:
        decoded = base64.b64decode(given, validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[2]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
