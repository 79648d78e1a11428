"""Clients of confluent-kafka, and explanations of their errors."""

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
"""Errors that give no reason."""

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
"""Errors that no retry can resolve. A refused group is not among them, because none is needed."""


def import_kafka() -> Any:
    """Import confluent_kafka.

    Raises:
        MissingExtraError: it is not installed.
    """
    with optional_import("Kafka without Spark's own connector", "kafka"):
        import confluent_kafka
    return confluent_kafka


class KafkaErrors:
    """Collects the errors of a client, to be reported if it gives up.

    Args:
        options: brokers and topic of the client.
    """

    def __init__(self, options: KafkaOptions) -> None:
        self._place = f"Kafka at {options.servers or options.config}, topic {options.topic}"
        self._errors: dict[str, KafkaError] = {}

    def note(self, error: KafkaError) -> None:
        """Add an error."""
        self._errors[error.name()] = error

    def forget(self) -> None:
        """Discard all errors, after a success."""
        self._errors.clear()

    @property
    def is_final(self) -> bool:
        """Whether one of the errors cannot be resolved by a retry."""
        return bool(self._errors.keys() & _REFUSED) or any(
            error.fatal() for error in self._errors.values()
        )

    def to_error(self, what: str) -> StreamerError:
        """Make the error to raise, with the most specific of the collected reasons.

        Args:
            what: the operation that failed.
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


def open_admin(options: KafkaOptions, errors: KafkaErrors) -> AdminClient:
    """Open a client that looks up partitions and offsets.

    Raises:
        MissingExtraError: confluent-kafka is not installed.
        UsageError: a property is wrong.
    """
    import_kafka()
    from confluent_kafka.admin import AdminClient

    return _opened(AdminClient, options, errors)


def open_consumer(options: KafkaOptions, errors: KafkaErrors) -> Consumer:
    """Open a client that reads; it belongs to no group and commits nothing.

    Raises:
        MissingExtraError: confluent-kafka is not installed.
        UsageError: a property is wrong.
    """
    ours = {
        # librdkafka requires the name of a group even for a client that joins none.
        "group.id": "streamer",
        # A task reads to its end and discards everything fetched beyond it.
        "queued.max.messages.kbytes": "16384",
        "fetch.queue.backoff.ms": "10",
    }
    fixed = {
        "auto.offset.reset": "error",
        "enable.auto.commit": "false",
        "enable.auto.offset.store": "false",
        "enable.partition.eof": "true",
    }
    return _opened(import_kafka().Consumer, options, errors, ours, fixed)


def open_producer(options: KafkaOptions, errors: KafkaErrors) -> Producer:
    """Open an idempotent client that writes; records resent after a network error arrive once.

    Raises:
        MissingExtraError: confluent-kafka is not installed.
        UsageError: a property is wrong.
    """
    ours = {
        "linger.ms": "20",
        # The default of Java's clients, so that a key's partition does not depend on the client.
        "partitioner": "murmur2_random",
    }
    fixed = {
        "enable.idempotence": "true",
        "message.timeout.ms": str(max(1, round(options.timeout_s * 1000))),
    }
    return _opened(import_kafka().Producer, options, errors, ours, fixed)


def _opened(
    kind: Callable[[dict[str, Any]], Any],
    options: KafkaOptions,
    errors: KafkaErrors,
    ours: dict[str, str] | None = None,
    fixed: dict[str, str] | None = None,
) -> Any:
    # Errors are reported once by us instead of logged at every attempt.
    defaults = {"client.id": "streamer", "log_level": "2"}
    given = options.properties()
    properties = defaults | (ours or {}) | given | (fixed or {})
    kafka = import_kafka()
    try:
        return kind({**properties, "error_cb": errors.note})
    except kafka.KafkaException as error:
        where = options.config or f"Kafka at {options.servers}"
        # The message may contain the value of a property, and a misplaced value may be secret.
        reason = error.args[0].str()
        for value in given.values():
            reason = reason.replace(f'"{value}" ', "") if value else reason
        raise UsageError(f"{where}: {one_line(reason)}") from None


def ask(
    question: Callable[[float], _T],
    what: str,
    client: AdminClient,
    errors: KafkaErrors,
    timeout_s: float,
) -> _T:
    """Send a request until it succeeds; a broker may be restarting or handing over.

    Args:
        question: sends the request once, with a time-out in seconds.
        what: the operation, for the error.
        client: client of the request.
        errors: errors of that client.
        timeout_s: seconds before giving up.

    Raises:
        RefusedError: the broker refuses, or the topic does not exist.
        LinkError: the broker does not answer.
    """
    kafka = import_kafka()
    deadline = time.monotonic() + timeout_s
    errors.forget()
    while True:
        left_s = deadline - time.monotonic()
        try:
            return question(max(_PAUSE_S, min(_ASK_S, left_s)))
        except kafka.KafkaException as error:
            errors.note(error.args[0])
        client.poll(_PAUSE_S)
        if errors.is_final or time.monotonic() >= deadline:
            raise errors.to_error(what)
