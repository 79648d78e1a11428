"""Tests of sinks that are plug-ins: their exceptions do not end the stream."""

from __future__ import annotations

from typing import Any

import pytest

from streamer.readings import Notice
from streamer.sinks.plugins import GuardedSink


class Failing:
    def __init__(self) -> None:
        self.errors: list[Exception | None] = []

    def write(self, item: Any) -> None:
        self._raise()

    def close(self) -> None:
        self._raise()

    def _raise(self) -> None:
        error = self.errors.pop(0)
        if error is not None:
            raise error


def test_each_class_of_exception_is_reported_once() -> None:
    reported: list[Notice] = []
    sink = Failing()
    sink.errors = [None, OSError("full\ndisk"), OSError("full"), KeyError("x"), None, OSError("f")]
    guarded = GuardedSink(sink, "mine:Lamp", reported.append)
    for _ in range(5):
        guarded.write(Notice(Notice.EVENT, "something"))
    guarded.close()
    assert [notice.text for notice in reported] == [
        "sink mine:Lamp: write() raised OSError: full disk; it misses that item",
        "sink mine:Lamp: write() raised KeyError: 'x'; it misses that item",
        "sink mine:Lamp: close() raised OSError: f; what it had not written yet may be lost",
    ]
    assert {(each.kind, each.reason) for each in reported} == {("warning", Notice.PLUGIN)}


def test_an_interrupt_is_passed_on() -> None:
    sink = Failing()
    sink.errors = [KeyboardInterrupt()]  # type: ignore[list-item] # no Exception, on purpose
    with pytest.raises(KeyboardInterrupt):
        GuardedSink(sink, "mine", lambda notice: None).write(Notice(Notice.EVENT, "something"))
