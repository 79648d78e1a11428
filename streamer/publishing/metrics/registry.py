"""Metrics of all meters as a registry of prometheus-client's."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from streamer import __version__
from streamer.publishing.metrics.definitions import (
    COUNTER,
    DEFINITIONS,
    INFO,
    METER,
    Definition,
    Value,
)

_Q = re.compile(r"[01](\.[0-9]{0,3})?")

Rows = Sequence[tuple[str, Value]]
"""Values, each with the key of its meter; that of the whole process is empty."""


class Registry:
    """Metrics of streamer and of its process, in a registry of their own."""

    def __init__(self) -> None:
        self._values = Values()
        self._registry = CollectorRegistry()
        self._registry.register(self._values)
        ProcessCollector(registry=self._registry)

    def exposition(self, rows: Rows, accept: str) -> tuple[bytes, str]:
        """All metrics as text.

        Args:
            rows: the values of those of streamer.
            accept: the formats that are accepted, as the header `Accept` has it.

        Returns:
            The text, in OpenMetrics if that is accepted, and its content type.
        """
        self._values.rows = rows
        if accepts_openmetrics(accept):
            text: bytes = openmetrics.generate_latest(self._registry)  # type: ignore[no-untyped-call]
            return text, openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4


def accepts_openmetrics(accept: str) -> bool:
    """Whether a client accepts OpenMetrics, and prefers nothing else.

    The library's own `choose_encoder` fails on versions that are not numbers.

    Args:
        accept: the header `Accept`.

    >>> accepts_openmetrics("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    True
    >>> accepts_openmetrics("text/plain, application/openmetrics-text;q=0.5, */*;q=0.1")
    False
    """
    shares = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for part in accept.split(","):
        media_type, *parameters = (each.strip().lower() for each in part.split(";"))
        if media_type in shares:
            given = [each[2:].strip() for each in parameters if each.startswith("q=")]
            share = float(given[0]) if given and _Q.fullmatch(given[0]) else 1.0
            shares[media_type] = max(shares[media_type], share)
    return 0.0 < shares["application/openmetrics-text"] >= shares["text/plain"]


class Values(Collector):
    """Metrics of streamer, whose values are set before each exposition.

    Args:
        definitions: the metrics, in the order in which they are exposed.

    Attributes:
        rows: their values.
    """

    def __init__(self, definitions: Sequence[Definition] = DEFINITIONS) -> None:
        self._definitions = definitions
        self.rows: Rows = ()

    def describe(self) -> Iterable[Metric]:
        """The names alone, which the registry compares with those of other collectors."""
        return [_family(definition, []) for definition in self._definitions]

    def collect(self) -> Iterator[Metric]:
        """The metrics that have values."""
        by_name: dict[str, list[tuple[str, Value]]] = {}
        for key, value in (*_of_process(), *self.rows):
            by_name.setdefault(value.name, []).append((key, value))
        for definition in self._definitions:
            rows = by_name.get(definition.name)
            if rows:
                yield _family(definition, rows)


def _of_process() -> Rows:
    versions = (__version__, platform.python_version())
    return [("", Value("streamer_build_info", 1, versions))]


def _family(definition: Definition, rows: Rows) -> Metric:
    name, help, labels = definition.name, definition.help, definition.labels
    if definition.type == INFO:
        info = InfoMetricFamily(name.removesuffix("_info"), help, labels=labels)
        for key, value in rows:
            of_value = _labels(definition, key, value)
            info.add_metric(labels, dict(zip(labels, of_value, strict=True)))
        return info
    kind = CounterMetricFamily if definition.type == COUNTER else GaugeMetricFamily
    family = kind(name, help, labels=labels, unit=definition.unit)
    for key, value in rows:
        family.add_metric(_labels(definition, key, value), value.number)
    return family


def _labels(definition: Definition, key: str, value: Value) -> tuple[str, ...]:
    return (key, *value.labels) if METER in definition.labels else value.labels
