"""MQTT broker settings: address, login, TLS and session."""

from __future__ import annotations

import logging
import secrets
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streamer.errors import UsageError
from streamer.feeds.address import Address, Credentials
from streamer.feeds.mqtt.bounds import MAX_PACKET_BYTES

if TYPE_CHECKING:
    from aiomqtt import Client, Will

LOG = logging.getLogger("streamer.feeds.mqtt")
"""Log of the libraries; without a handler it would be printed."""
LOG.addHandler(logging.NullHandler())

_MAX_SESSION_S = 7 * 86400


@dataclass(frozen=True)
class Broker:
    """Settings for the connection to a broker."""

    host: str
    port: int
    credentials: Credentials
    version: int
    qos: int
    session_s: int
    client_id: str
    keepalive_s: int
    tls: ssl.SSLContext | None = field(repr=False)
    insecure: bool

    @classmethod
    def of(cls, address: Address, *, dated: bool) -> Broker:
        """Read the options of an address.

        Args:
            address: the address.
            dated: whether the messages contain their time.

        Raises:
            UsageError: an option is missing or wrong.
        """
        if not address.host or address.port == 0:
            raise UsageError(
                f"{address.shown}: the host is missing; write it like mqtt://host:1883/topic"
            )
        user, password = address.credentials.user, address.credentials.password
        if password is not None and not user:
            raise UsageError(f"{address.shown}: a password is given, but no user")
        if not _is_utf8(user, address.text("client_id"), password.reveal() if password else None):
            raise UsageError(f"{address.shown}: user, password and client_id must be UTF-8")
        tls = address.scheme == "mqtts"
        for option in ("cafile", "insecure"):
            if option in address.options and not tls:
                raise address.wrong(option, "it is for mqtts:// only")
        session = int(address.number("session", 0, least=0, most=_MAX_SESSION_S))
        if session:
            address.need("client_id", "the broker keeps messages by the name of the client")
            if not dated:
                raise address.wrong("session", "give time too, or kept messages count as new")
        insecure = address.choice("insecure", ("yes", "no"), "no") == "yes"
        return cls(
            host=address.host,
            port=address.port or (8883 if tls else 1883),
            credentials=address.credentials,
            version=int(address.choice("version", ("3", "5"), "3")),
            qos=int(address.choice("qos", ("0", "1"), "1" if session else "0")),
            session_s=session,
            client_id=address.text("client_id") or f"streamer-{secrets.token_hex(4)}",
            keepalive_s=int(address.number("keepalive", 20, least=1, most=65535)),
            tls=_tls(address, insecure=insecure) if tls else None,
            insecure=insecure,
        )

    def client(self, answer_s: float, will: Will | None = None) -> Client:
        """Return a client, not connected yet.

        Args:
            answer_s: seconds that it waits for each answer.
            will: message that the broker publishes when the connection is lost.
        """
        from aiomqtt import Client, ProtocolVersion
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        password = self.credentials.password
        kept: dict[str, Any] = {"clean_session": not self.session_s}
        if self.version == 5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = self.session_s
            properties.MaximumPacketSize = MAX_PACKET_BYTES
            kept = {"clean_start": not self.session_s, "properties": properties}
        return Client(
            self.host,
            self.port,
            username=self.credentials.user or None,
            password=None if password is None else password.reveal(),
            logger=LOG,
            identifier=self.client_id,
            protocol=ProtocolVersion.V5 if self.version == 5 else ProtocolVersion.V311,
            will=will,
            timeout=answer_s,
            keepalive=self.keepalive_s,
            tls_context=self.tls,
            tls_insecure=self.insecure if self.tls else None,
            **kept,
        )


def _tls(address: Address, *, insecure: bool) -> ssl.SSLContext:
    cafile = address.text("cafile")
    try:
        context = ssl.create_default_context(cafile=cafile or None)
    except ssl.SSLError:
        raise address.wrong("cafile", "the file contains no certificate (PEM)") from None
    except OSError as error:
        raise address.wrong("cafile", error.strerror or str(error)) from None
    context.sslsocket_class = _TidySocket
    if cafile:
        # From Python 3.13 on, a certificate that does not state its usage is refused: mosquitto's
        # manual makes such ones, and this file is trusted by choice.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class _TidySocket(ssl.SSLSocket):
    """A socket that is closed when its handshake fails, which paho omits."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _is_utf8(*texts: str | None) -> bool:
    try:
        "".join(filter(None, texts)).encode()
    except UnicodeEncodeError:
        return False
    return True
