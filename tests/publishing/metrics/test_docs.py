"""Tests of the page about Prometheus: its table has all metrics, its queries only such."""

from __future__ import annotations

import re

from streamer.publishing.metrics.definitions import DEFINITIONS
from streamer.publishing.metrics.tally import ALARMS, NOTICES
from tests.docs.pages import ROOT, read

PAGE = ROOT / "docs" / "prometheus.md"
RULES = ROOT / "docs" / "prometheus" / "streamer.rules.yml"
NAMES = {each.name for each in DEFINITIONS}


def test_the_table_has_every_metric_as_it_is_defined() -> None:
    rows = re.findall(
        r"^\| `(streamer_\w+)` \| (\w+) \| (.*?) \| (.*) \|$", read(PAGE), re.MULTILINE
    )
    assert rows == [
        (each.name, each.type, ", ".join(f"`{label}`" for label in each.labels), each.help)
        for each in DEFINITIONS
    ]


def test_queries_and_rules_name_existing_metrics() -> None:
    for text in (read(PAGE), read(RULES)):
        named = set(re.findall(r"\b(?<!:)streamer_\w+", text))
        assert named
        assert named <= NAMES


def test_every_kind_is_documented() -> None:
    text = read(PAGE)
    assert all(f"`{kind}`" in text for kind in (*ALARMS, *NOTICES.values()))


def test_every_alert_is_documented() -> None:
    alerts = re.findall(r"- alert: (\w+)", read(RULES))
    assert re.findall(r"^\| `(Streamer\w+)` \|", read(PAGE), re.MULTILINE) == alerts
