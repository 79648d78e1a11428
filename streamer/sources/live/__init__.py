"""Live sources: the samples of a feed, averaged to one reading a minute.

::

    feed ──▶ FeedReader ──▶ SampleProcessor ──▶ LiveSource.read
             a thread;           │ Screening        samples that cannot be right
             reconnects          │ Channels         grid, solar and others: joined by minute
             for ever            │ SampleMeans      MinuteMeans of powers, weighted by time, or
                                 │                  CounterMeans of an energy register
                                 │ Rest             an inverter that sleeps at night
                                 │ Spacing          usual pace: validity of a value, silence
                                 │ Timeline         closes minutes; absences, a clock that is set
                                 │ MeterClock       clock skew of the meter
                                 │ LinkWatch        up, silent, lost, and since when
                                 │ Remarks          too rare, unknown: reported once
                                 │ Reports          notices: the first in full, later ones gathered
"""

from __future__ import annotations

from streamer.sources.live.opening import open_source
from streamer.sources.live.source import LiveSource

__all__ = ["LiveSource", "open_source"]
