"""What the feeds that speak HTTP have in common."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamer.errors import LinkError, RefusedError, UsageError
from streamer.feeds.address import Address, Credentials
from streamer.feeds.reasons import system_reason

if TYPE_CHECKING:
    import aiohttp

TIMEOUT_OPTION = {"timeout": "seconds to wait for an answer, 0.5 to 60; 10 if not given"}
"""An option that `Web.of` reads."""

INSECURE_OPTION = {"insecure": "1 to trust any certificate"}
"""Another one, for feeds that know TLS."""


@dataclass(frozen=True)
class Web:
    """How to reach a web server.

    Attributes:
        name: the feed's name, for errors.
        timeout_s: for how long to wait for an answer, from the question to its last byte.
        trusting: whether any certificate will do.
    """

    name: str
    timeout_s: float = 10.0
    trusting: bool = False

    @classmethod
    def of(cls, address: Address) -> Web:
        """What an address says.

        Raises:
            UsageError: it has no host, or an option is wrong.
        """
        if not address.host:
            raise UsageError(f"{address.shown}: it has no host; write {address.scheme}://host")
        token = address.credentials.token
        if token is not None and not token.reveal().isprintable():
            raise UsageError(f"{address.shown}: the token has a line break or the like in it")
        return cls(
            name=address.shown,
            timeout_s=address.number("timeout", 10.0, least=0.5, most=60.0),
            trusting=address.choice("insecure", ("0", "1"), "0") == "1",
        )

    def session(
        self, credentials: Credentials | None = None, *, digest: bool = False
    ) -> aiohttp.ClientSession:
        """A session to ask with; must be closed.

        Args:
            credentials: sent with each question: the token, or else user and password.
            digest: send no password, but prove to know it (RFC 7616).
        """
        import aiohttp

        known = credentials or Credentials()
        headers = {"Accept-Encoding": "identity"}
        middlewares: tuple[aiohttp.ClientMiddlewareType, ...] = ()
        if known.token is not None:
            headers["Authorization"] = f"Bearer {known.token.reveal()}"
        elif known.password is not None and digest:
            middlewares = (aiohttp.DigestAuthMiddleware(known.user or "", known.password.reveal()),)
        elif known.password is not None or known.user is not None:
            password = "" if known.password is None else known.password.reveal()
            pair = b64encode(f"{known.user or ''}:{password}".encode())
            headers["Authorization"] = f"Basic {pair.decode()}"
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=not self.trusting),
            timeout=aiohttp.ClientTimeout(total=self.timeout_s),
            headers=headers,
            middlewares=middlewares,
        )

    def lost(self, error: Exception) -> LinkError:
        """What to raise for an error of aiohttp or of the system."""
        import aiohttp

        # aiohttp's own texts have URLs in them, and so perhaps a key in the query.
        match error:
            case aiohttp.ClientConnectorCertificateError(certificate_error=reason):
                why = getattr(reason, "verify_message", "") or "it cannot be verified"
                return RefusedError(
                    f"{self.name}: its certificate is not trusted: {why}; "
                    "insecure=1 trusts it all the same"
                )
            case aiohttp.ClientSSLError():
                return RefusedError(f"{self.name}: it does not speak TLS at this port")
            case aiohttp.InvalidURL():
                return RefusedError(f"{self.name}: that is no address of a web server")
            case aiohttp.ClientConnectorError(os_error=reason):
                return LinkError(f"{self.name}: cannot connect: {system_reason(reason)}")
            case TimeoutError():
                return LinkError(f"{self.name}: no answer within {self.timeout_s:g} s")
            case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError():
                return LinkError(f"{self.name}: it broke the connection off")
            case aiohttp.ClientResponseError():
                return LinkError(f"{self.name}: what it says is not HTTP")
            case OSError():
                return LinkError(f"{self.name}: {system_reason(error)}")
        return LinkError(f"{self.name}: no answer ({type(error).__name__})")
