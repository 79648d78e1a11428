"""Connection settings and errors common to the feeds that use HTTP."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamer.errors import LinkError, RefusedError, UsageError
from streamer.feeds.address import Address, Credentials
from streamer.feeds.reasons import system_reason

if TYPE_CHECKING:
    import aiohttp

TIMEOUT_OPTION = {"timeout": "seconds to wait for an answer, 0.5 to 60; 10 if not given"}
"""The option for the timeout, read by `WebClient.of`."""

INSECURE_OPTION = {"insecure": "1 to trust any certificate"}
"""The option to accept any certificate, for feeds with TLS."""


@dataclass(frozen=True)
class WebClient:
    """Settings for requests to a web server.

    Attributes:
        name: the feed's name, for errors.
        timeout_s: seconds from the request to the last byte of the response.
        trusting: whether any certificate is accepted.
    """

    name: str
    timeout_s: float = 10.0
    trusting: bool = False

    @classmethod
    def of(cls, address: Address) -> WebClient:
        """Read the options of an address.

        Raises:
            UsageError: the host is missing, or an option is wrong.
        """
        if not address.host:
            raise UsageError(f"{address.shown}: the host is missing; write {address.scheme}://host")
        token = address.credentials.token
        if token is not None and not token.reveal().isprintable():
            raise UsageError(
                f"{address.shown}: the token contains a line break or another control character"
            )
        return cls(
            name=address.shown,
            timeout_s=address.number("timeout", 10.0, least=0.5, most=60.0),
            trusting=address.choice("insecure", ("0", "1"), "0") == "1",
        )

    def session(
        self,
        credentials: Credentials | None = None,
        *,
        digest: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> aiohttp.ClientSession:
        """Make a session for requests; the caller must close it.

        Args:
            credentials: sent with each request: the token, or else user and password.
            digest: use digest authentication (RFC 7616) instead of sending the password.
            headers: further headers of each request.
        """
        import aiohttp

        known = credentials or Credentials()
        sent = {"Accept-Encoding": "identity", **(headers or {})}
        middlewares: tuple[aiohttp.ClientMiddlewareType, ...] = ()
        if known.token is not None:
            sent["Authorization"] = f"Bearer {known.token.reveal()}"
        elif known.password is not None and digest:
            middlewares = (aiohttp.DigestAuthMiddleware(known.user or "", known.password.reveal()),)
        elif known.password is not None or known.user is not None:
            password = "" if known.password is None else known.password.reveal()
            pair = b64encode(f"{known.user or ''}:{password}".encode())
            sent["Authorization"] = f"Basic {pair.decode()}"
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=not self.trusting),
            timeout=aiohttp.ClientTimeout(total=self.timeout_s),
            headers=sent,
            middlewares=middlewares,
        )

    def lost(self, error: Exception) -> LinkError:
        """Translate an error of aiohttp or of the system; returns the error to raise."""
        import aiohttp

        # The texts of aiohttp quote URLs, whose query may contain a key.
        match error:
            case aiohttp.ClientConnectorCertificateError(certificate_error=reason):
                why = getattr(reason, "verify_message", "") or "it cannot be verified"
                return RefusedError(
                    f"{self.name}: its certificate is not trusted: {why}; "
                    "insecure=1 accepts it anyway"
                )
            case aiohttp.ClientSSLError():
                return RefusedError(f"{self.name}: the server does not use TLS on this port")
            case aiohttp.InvalidURL():
                return RefusedError(f"{self.name}: not the address of a web server")
            case aiohttp.ClientConnectorError(os_error=reason):
                return LinkError(f"{self.name}: cannot connect: {system_reason(reason)}")
            case TimeoutError():
                return LinkError(f"{self.name}: no answer within {self.timeout_s:g} s")
            case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError():
                return LinkError(f"{self.name}: the server closed the connection too early")
            case aiohttp.ClientResponseError():
                return LinkError(f"{self.name}: the response is not valid HTTP")
            case OSError():
                return LinkError(f"{self.name}: {system_reason(error)}")
        return LinkError(f"{self.name}: no answer ({type(error).__name__})")
