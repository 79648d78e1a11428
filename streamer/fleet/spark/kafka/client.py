"""Clients of confluent-kafka, and what goes wrong with them put in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from streamer.display.lines import one_line
from streamer.errors import LinkError, RefusedError, StreamerError, UsageError
from streamer.extras import optional_import
from streamer.fleet.spark.kafka.options import KafkaOptions

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Producer
    from confluent_kafka.admin import AdminClient

_T = TypeVar("_T")

_ASK_S = 5.0
_PAUSE_S = 0.1

_VAGUE = frozenset({"_ALL_BROKERS_DOWN", "_TIMED_OUT", "_DESTROY_BROKER", "_NOENT"})
"""Errors that only say that something has gone wrong, not what."""

_REFUSED = frozenset(
    {
        "_AUTHENTICATION",
        "CLUSTER_AUTHORIZATION_FAILED",
        "INVALID_RECORD",
        "MSG_SIZE_TOO_LARGE",
        "SASL_AUTHENTICATION_FAILED",
        "TOPIC_AUTHORIZATION_FAILED",
        "TOPIC_EXCEPTION",
        "UNKNOWN_TOPIC_OR_PART",
        "UNSUPPORTED_SASL_MECHANISM",
    }
)
"""Errors that stay, however often one tries. Not so that a group is refused: it is not needed."""


def import_kafka() -> Any:
    """Import confluent_kafka.

    Raises:
        MissingExtraError: it is not installed.
    """
    with optional_import("Kafka without Spark's own connector", "kafka"):
        import confluent_kafka
    return confluent_kafka


class Trouble:
    """Keeps what a client complained of, to be said if it comes to giving up.

    Args:
        options: names the brokers and the topic.
    """

    def __init__(self, options: KafkaOptions) -> None:
        self._place = f"Kafka at {options.servers or options.config}, topic {options.topic}"
        self._errors: dict[str, KafkaError] = {}

    def note(self, error: KafkaError) -> None:
        """Take note of an error; none is too small."""
        self._errors[error.name()] = error

    def forget(self) -> None:
        """All is well again."""
        self._errors.clear()

    @property
    def is_final(self) -> bool:
        """Whether trying again would not help."""
        return bool(self._errors.keys() & _REFUSED) or any(
            error.fatal() for error in self._errors.values()
        )

    def told(self, what: str) -> StreamerError:
        """The error to raise.

        Args:
            what: what could not be done.
        """
        names = sorted(
            self._errors, key=lambda name: (name in _REFUSED, name not in _VAGUE), reverse=True
        )
        text = f"{self._place}: {what}"
        if names:
            text += f": {one_line(self._errors[names[0]].str())}"
        if "UNKNOWN_TOPIC_OR_PART" in names:
            text += "; create the topic, or check its name"
        return RefusedError(text) if self.is_final else LinkError(text)


def open_admin(options: KafkaOptions, trouble: Trouble) -> AdminClient:
    """A client that asks for partitions and offsets.

    Raises:
        MissingExtraError: confluent-kafka is not installed.
        UsageError: a property is wrong.
    """
    import_kafka()
    from confluent_kafka.admin import AdminClient

    return _opened(AdminClient, options, trouble)


def open_consumer(options: KafkaOptions, trouble: Trouble) -> Consumer:
    """A client that reads; it belongs to no group and commits nothing.

    Raises:
        MissingExtraError: confluent-kafka is not installed.
        UsageError: a property is wrong.
    """
    ours = {
        # librdkafka wants the name of a group even from one that joins none.
        "group.id": "streamer",
        # A task reads to its end and no further; what is fetched beyond is thrown away.
        "queued.max.messages.kbytes": "16384",
        "fetch.queue.backoff.ms": "10",
    }
    fixed = {
        "auto.offset.reset": "error",
        "enable.auto.commit": "false",
        "enable.auto.offset.store": "false",
        "enable.partition.eof": "true",
    }
    return _opened(import_kafka().Consumer, options, trouble, ours, fixed)


def open_producer(options: KafkaOptions, trouble: Trouble) -> Producer:
    """A client that writes; what the network makes it send twice arrives once.

    Raises:
        MissingExtraError: confluent-kafka is not installed.
        UsageError: a property is wrong.
    """
    ours = {
        "linger.ms": "20",
        # As Java's clients do it, so that a key's partition does not hang on who writes.
        "partitioner": "murmur2_random",
    }
    fixed = {
        "enable.idempotence": "true",
        "message.timeout.ms": str(max(1, round(options.timeout_s * 1000))),
    }
    return _opened(import_kafka().Producer, options, trouble, ours, fixed)


def _opened(
    kind: Callable[[dict[str, Any]], Any],
    options: KafkaOptions,
    trouble: Trouble,
    ours: dict[str, str] | None = None,
    fixed: dict[str, str] | None = None,
) -> Any:
    # What it would log, we say ourselves, once and not at every attempt.
    defaults = {"client.id": "streamer", "log_level": "2"}
    said = options.properties()
    properties = defaults | (ours or {}) | said | (fixed or {})
    kafka = import_kafka()
    try:
        return kind({**properties, "error_cb": trouble.note})
    except kafka.KafkaException as error:
        where = options.config or f"Kafka at {options.servers}"
        # It shows the value of a property with a few choices; what has slipped in may be secret.
        reason = error.args[0].str()
        for value in said.values():
            reason = reason.replace(f'"{value}" ', "") if value else reason
        raise UsageError(f"{where}: {one_line(reason)}") from None


def ask(
    question: Callable[[float], _T],
    what: str,
    client: AdminClient,
    trouble: Trouble,
    timeout_s: float,
) -> _T:
    """Ask until there is an answer: a broker may be starting again, or another taking over.

    Args:
        question: asks once, with the seconds it may take.
        what: what cannot be done without an answer.
        client: who asks.
        trouble: its troubles.
        timeout_s: for how long to try.

    Raises:
        RefusedError: the broker does not let us in, or has no such topic.
        LinkError: there was no answer.
    """
    kafka = import_kafka()
    deadline = time.monotonic() + timeout_s
    trouble.forget()
    while True:
        left_s = deadline - time.monotonic()
        try:
            return question(max(_PAUSE_S, min(_ASK_S, left_s)))
        except kafka.KafkaException as error:
            trouble.note(error.args[0])
        client.poll(_PAUSE_S)
        if trouble.is_final or time.monotonic() >= deadline:
            raise trouble.told(what)
