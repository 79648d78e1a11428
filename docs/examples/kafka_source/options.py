"""Options of the source and the sink, their clients, and the errors of these."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException

Properties = dict[str, str]

_OURS = {"startingoffsets", "maxoffsetspertrigger", "failondataloss", "timeout"}
_SPARKS = {"checkpointlocation", "path", "queryname"}  # which are passed on with ours
_FIXED = {"enable.auto.commit", "enable.idempotence", "group.id", "transactional.id"}
_VAGUE = {"_ALL_BROKERS_DOWN", "_TIMED_OUT", "_DESTROY_BROKER"}
_FINAL = {
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
"""Errors that no retry can resolve."""


class KafkaSourceError(RuntimeError):
    """The brokers do not answer, refuse, or have lost records."""


@dataclass(frozen=True)
class Options:
    """Options of the source or the sink.

    Attributes:
        topic: name of the topic.
        properties: properties of librdkafka, which may be secret.
        latest: whether a new checkpoint begins with new records only.
        max_offsets: largest number of offsets in a batch.
        fail_on_data_loss: whether lost records are an error.
        timeout_s: seconds without an answer before an error.
    """

    topic: str
    properties: Properties = field(repr=False)
    latest: bool = False
    max_offsets: int = 1_000_000
    fail_on_data_loss: bool = True
    timeout_s: float = 20.0

    @classmethod
    def parse(cls, options: Mapping[str, str], topic: str) -> Options:
        """Parse the options that Spark was given; names are case-insensitive.

        Args:
            options: the options.
            topic: name of the option for the topic.

        Raises:
            ValueError: an option is missing, wrong, or unknown.
        """
        given = {name.lower(): str(value).strip() for name, value in options.items()}
        properties = {
            name.removeprefix("kafka."): given.pop(name)
            for name in list(given)
            if name.startswith("kafka.")
        }
        for name in [*(given.keys() - _OURS - _SPARKS - {topic}), *(properties.keys() & _FIXED)]:
            raise ValueError(f"option {name} is not one of Kafka's, or must not be set")
        if not properties.get("bootstrap.servers"):
            raise ValueError("kafka.bootstrap.servers is missing: give HOST:PORT")
        if not re.fullmatch(r"[\w.-]{1,249}", given.get(topic, "")):
            raise ValueError(f"{topic} {given.get(topic)!r} is not the name of one topic")
        return cls(
            topic=given[topic],
            properties=properties,
            latest=_choice(given, "startingoffsets", ("earliest", "latest")) == 1,
            max_offsets=int(_positive(given, "maxoffsetspertrigger", cls.max_offsets)),
            fail_on_data_loss=_choice(given, "failondataloss", ("true", "false")) == 0,
            timeout_s=_positive(given, "timeout", cls.timeout_s),
        )


def _choice(given: Mapping[str, str], name: str, values: tuple[str, str]) -> int:
    text = given.get(name, values[0]).lower()
    if text not in values:
        raise ValueError(f"{name} {text!r} must be {values[0]} or {values[1]}")
    return values.index(text)


def _positive(given: Mapping[str, str], name: str, default: float) -> float:
    text = given.get(name, str(default))
    if not re.fullmatch(r"\d{1,15}(\.\d+)?", text) or not float(text):
        raise ValueError(f"{name} {text!r} must be a number above 0")
    return float(text)


class Errors:
    """Collects the errors of a client, to report the most specific one if it gives up."""

    def __init__(self, options: Options) -> None:
        self._place = f"Kafka at {options.properties['bootstrap.servers']}, topic {options.topic}"
        self._found: dict[str, KafkaError] = {}

    def note(self, error: KafkaError) -> None:
        """Add an error."""
        self._found[error.name()] = error

    def forget(self) -> None:
        """Discard all errors, after a success."""
        self._found.clear()

    @property
    def is_final(self) -> bool:
        """Whether one of the errors cannot be resolved by a retry."""
        return bool(self._found.keys() & _FINAL) or any(it.fatal() for it in self._found.values())

    def to_error(self, what: str) -> KafkaSourceError:
        """Make the error to raise for an operation that failed."""
        names = sorted(self._found, key=lambda name: (name in _FINAL, name not in _VAGUE))
        why = f": {self._found[names[-1]].str()}" if names else ""
        return KafkaSourceError(f"{self._place}: {what}{why}")


def connect(
    kind: Callable[[dict[str, Any]], Any], options: Options, errors: Errors, **ours: Any
) -> Any:
    """A client of the brokers; it connects at its first request.

    Args:
        kind: class of the client.
        options: the options.
        errors: takes the errors of the client.
        ours: properties, with underscores instead of points.

    Raises:
        ValueError: a property is wrong; its value is not shown, because it may be secret.
    """
    properties = {name.replace("_", "."): value for name, value in ours.items()}
    defaults = {"client.id": "python-kafka", "log_level": 2}
    try:
        return kind({**defaults, **options.properties, **properties, "error_cb": errors.note})
    except KafkaException as error:
        why = str(error.args[0].str())
        for value in options.properties.values():
            why = why.replace(f'"{value}" ', "") if value else why
        raise ValueError(f"Kafka: {why}") from None
