"""Expositions of metrics, read by prometheus-client's own parser."""

from __future__ import annotations

from datetime import datetime

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from streamer.publishing.metrics import Metrics

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples_of(metrics: Metrics, now: datetime, accept: str = "") -> Samples:
    """Each sample of an exposition: its value by name and labels, but for the process's own."""
    text = metrics.exposition(now, accept)[0].decode()
    families = openmetrics(text) if accept else text_string_to_metric_families(text)
    found: Samples = {}
    for family in families:
        for sample in family.samples:
            if not sample.name.startswith("process_"):
                key = sample.name, frozenset(sample.labels.items())
                assert key not in found
                found[key] = sample.value
    return found


def value_of(samples: Samples, name: str, /, **labels: str) -> float | None:
    """The value of one sample; None if it is absent."""
    return samples.get((f"streamer_{name}", frozenset(labels.items())))


def names_of(samples: Samples) -> set[str]:
    """Names of the samples."""
    return {name for name, _ in samples}
