"""A topic's partitions, and the first and last offsets of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from streamer.errors import SourceError
from streamer.fleet.spark.kafka.client import KafkaErrors, ask, import_kafka, open_admin
from streamer.fleet.spark.kafka.offsets import Offsets
from streamer.fleet.spark.kafka.options import SourceOptions

if TYPE_CHECKING:
    from confluent_kafka import IsolationLevel
    from confluent_kafka.admin import AdminClient


class Topic:
    """Looks up a topic at its brokers; connects at the first request.

    It can be pickled, without its connection.

    Args:
        options: brokers and topic.
    """

    def __init__(self, options: SourceOptions) -> None:
        self._options = options
        self._errors = KafkaErrors(options)
        self._client: AdminClient | None = None
        self._level: IsolationLevel | None = None

    def __reduce__(self) -> tuple[type[Topic], tuple[SourceOptions]]:
        return Topic, (self._options,)

    def starts(self, partitions: Iterable[int] | None = None) -> Offsets:
        """The earliest available offset of some partitions, or of all.

        Raises:
            LinkError: the brokers do not answer, or refuse.
        """
        return self._offsets("earliest", partitions)

    def ends(self) -> Offsets:
        """The offset after the last readable record of each partition.

        Raises:
            LinkError: the brokers do not answer, or refuse.
        """
        return self._offsets("latest", None)

    def close(self) -> None:
        """Close the connection."""
        self._client = None

    def _offsets(
        self, kind: Literal["earliest", "latest"], partitions: Iterable[int] | None
    ) -> Offsets:
        kafka = import_kafka()
        admin = self._admin()
        spec = getattr(kafka.admin.OffsetSpec, kind)()

        def question(seconds: float) -> Offsets:
            asked = self._partitions(seconds) if partitions is None else partitions
            places = {kafka.TopicPartition(self._options.topic, at): spec for at in asked}
            if not places:
                return {}
            answers = admin.list_offsets(
                places, isolation_level=self._level, request_timeout=seconds
            )
            return {place.partition: it.result().offset for place, it in answers.items()}

        return ask(
            question, "its offsets cannot be read", admin, self._errors, self._options.timeout_s
        )

    def _partitions(self, seconds: float) -> list[int]:
        # Not by list_topics, which makes the broker create an unknown topic.
        topics = import_kafka().TopicCollection([self._options.topic])
        answer = self._admin().describe_topics(topics, request_timeout=seconds)
        found = [it.id for it in answer[self._options.topic].result().partitions]
        if not found:
            raise SourceError(f"Kafka: topic {self._options.topic} has no partitions")
        return found

    def _admin(self) -> AdminClient:
        if self._client is None:
            level = self._options.properties().get("isolation.level", "read_committed")
            levels = import_kafka().IsolationLevel
            # The end must match the records that are read: open transactions are waited for.
            self._level = (
                levels.READ_UNCOMMITTED if level == "read_uncommitted" else levels.READ_COMMITTED
            )
            self._client = open_admin(self._options, self._errors)
        return self._client
