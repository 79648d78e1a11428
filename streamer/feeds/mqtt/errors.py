"""Errors of a connection to a broker, in words for people."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamer.errors import LinkError, RefusedError

if TYPE_CHECKING:
    from aiomqtt import MqttCodeError, MqttError

    from streamer.feeds.mqtt.bounds import PacketBound
    from streamer.feeds.mqtt.broker import Broker

# Reason codes of MQTT 5, to which paho converts those of 3.1.1 and its own.
_LOGIN = "wrong user or password?"
_REFUSALS = {
    0x84: "try the option version",
    0x85: "try another client_id",
    0x86: _LOGIN,
    0x87: _LOGIN,
    0x8A: "ask the operator of the broker",
    0x8C: _LOGIN,
}
CLOSED = "it closed the connection"
"""End of the message about a connection that the broker has closed, for whatever reason."""

_SILENT = "it does not respond"
_LOSSES = {
    0x80: CLOSED,
    0x8D: _SILENT,
    0x8E: "another client has connected with our client_id",
}


@dataclass
class Attempt:
    """A connection, and how far it has got.

    Attributes:
        connected: whether the broker has accepted it.
    """

    connected: bool = False


@contextmanager
def broker_errors(
    name: str, broker: Broker, bound: PacketBound, too_large: Callable[[int], str]
) -> Iterator[Attempt]:
    """Raise the errors of aiomqtt inside as those of this package.

    Args:
        name: what is connected to the broker, for messages and without secrets.
        broker: the settings of the connection.
        bound: the bound of the packets of this connection.
        too_large: says what a packet beyond the bound means, of its size in bytes.

    Returns:
        The attempt, to be marked as connected inside.

    Raises:
        LinkError: the connection cannot be made, or is lost.
    """
    from aiomqtt import MqttError

    attempt = Attempt()
    try:
        yield attempt
    except MqttError as error:
        if bound.exceeded:
            raise LinkError(f"{name}: {too_large(bound.exceeded)}") from error
        raise explained(name, broker, error, attempt) from error


def explained(name: str, broker: Broker, error: MqttError, attempt: Attempt) -> LinkError:
    """An error of aiomqtt in words, with the remedy where there is one.

    Args:
        name: what is connected to the broker, for messages and without secrets.
        broker: the settings of the connection.
        error: the error, with its cause.
        attempt: the connection.
    """
    from aiomqtt.exceptions import MqttCodeError, MqttConnectError

    # aiomqtt describes the cause in its text; the exception itself is chained.
    cause = error.__cause__ or error.__context__
    if isinstance(error, MqttConnectError):
        code, reason = _code(error), str(error.rc).lower()
        if code not in _REFUSALS:
            return LinkError(f"{name}: the broker refuses the connection: {reason}")
        hint = _REFUSALS[code]
        if hint == _LOGIN and not broker.credentials.user:
            hint = "a user and a password are required"
        return RefusedError(f"{name}: the broker refuses the login: {reason}; {hint}")
    if isinstance(cause, ssl.SSLCertVerificationError):
        return RefusedError(
            f"{name}: the broker's certificate is not trusted: "
            f"{cause.verify_message.rstrip('.')}; give cafile=, or insecure=yes"
        )
    if isinstance(cause, ssl.SSLError) or (broker.tls and isinstance(cause, ConnectionResetError)):
        reason = getattr(cause, "reason", None) or cause.strerror or str(cause)
        kind = RefusedError if reason == "WRONG_VERSION_NUMBER" else LinkError
        return kind(
            f"{name}: TLS with the broker failed: {reason.replace('_', ' ').lower()}; "
            f"does it use TLS on port {broker.port}?"
        )
    if isinstance(cause, TimeoutError) and attempt.connected:
        return LinkError(f"{name}: lost the broker: {_SILENT}")
    if isinstance(cause, TimeoutError):
        return LinkError(
            f"{name}: no answer from the broker on port {broker.port}; is it MQTT "
            f"{'with' if broker.tls else 'without'} TLS?"
        )
    if isinstance(cause, socket.gaierror):
        return LinkError(f"{name}: unknown host: {cause.strerror}")
    if isinstance(cause, OSError):
        return LinkError(f"{name}: no connection to the broker: {cause.strerror}")
    why = _LOSSES.get(_code(cause), "") if isinstance(cause, MqttCodeError) else ""
    return LinkError(f"{name}: lost the broker: {why or cause or error}")


def _code(error: MqttCodeError) -> int:
    return getattr(error.rc, "value", -1)
