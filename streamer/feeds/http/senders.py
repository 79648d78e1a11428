"""Checks of the requests that may send readings: host name, web pages, token."""

from __future__ import annotations

import hmac
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from streamer.feeds.address import Address, Secret

HOSTS_OPTION = {
    "hosts": "further names of this machine in the URL that senders use, such as that of a proxy: "
    "a.example,b.example"
}
"""The option that `Senders.of` reads."""

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


@dataclass(frozen=True)
class Senders:
    """Which requests are accepted.

    A web page that is open in a browser on this machine could send requests, too. Browsers mark
    those with `Sec-Fetch-Site` or `Origin`; and a page whose own name was made to lead to this
    machine (DNS rebinding) still has that name in `Host`.

    Attributes:
        token: token that senders must know; None to accept all.
        names: names of this machine, in lower case, besides addresses and localhost.
    """

    token: Secret | None
    names: frozenset[str]

    @classmethod
    def of(cls, address: Address, host: str, token: Secret | None) -> Senders:
        """Read the options of an address.

        Args:
            address: the address.
            host: host on which the server listens.
            token: token that senders must know, if any.
        """
        machine = socket.gethostname()
        names = [host, machine, f"{machine.partition('.')[0]}.local"]
        names += address.text("hosts", "").split(",")
        return cls(token, frozenset(name.strip().lower() for name in names if name.strip()))

    def check_host(self, headers: Mapping[str, str]) -> None:
        """Raise RefusalError for a request to a name that is not one of this machine."""
        given = headers.get("Host", "")
        if given and not self._is_here(given):
            raise RefusalError(
                421,
                "unknown host name",
                f"{given[:60]!r} is not a name of this machine; send to its IP address, or add "
                "the name to hosts= in streamer's address",
            )

    def check_sender(self, headers: Mapping[str, str]) -> None:
        """Raise RefusalError for a request of a web page, or without the token."""
        if headers.get("Sec-Fetch-Site", "none").lower() not in _LOCAL_SITES:
            raise RefusalError(
                403, "from a web page", "web pages of other sites may not send readings"
            )
        if self.token is None:
            if "Origin" in headers:
                raise RefusalError(
                    403, "from a web page", "web pages may send readings only with a token"
                )
            return
        scheme, _, given = headers.get("Authorization", "").partition(" ")
        right = hmac.compare_digest(_bytes(given.strip()), _bytes(self.token.reveal()))
        if not right or scheme.lower() not in ("bearer", "token"):
            raise RefusalError(
                401,
                "wrong or missing token",
                "the token is wrong or missing; send Authorization: Bearer TOKEN",
                **{"WWW-Authenticate": "Bearer"},
            )

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


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
