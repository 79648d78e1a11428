"""Derived meters: readings combined from those of other meters, minute by minute.

::

    part ──Reading──▶ PartSink ─┐
    part ──Reading──▶ PartSink ─┼─▶ MinuteJoin ──▶ Formula ──▶ DerivedSource.read
    part ──Reading──▶ PartSink ─┘   minutes that         a sum
                                    all parts have
"""

from __future__ import annotations

from streamer.sources.derived.formula import Formula
from streamer.sources.derived.powers import DerivedPowers
from streamer.sources.derived.source import DerivedSource, PartSink

__all__ = ["DerivedPowers", "DerivedSource", "Formula", "PartSink"]
