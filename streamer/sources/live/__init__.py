"""Live sources: the samples of a feed, averaged to one reading a minute.

::

    feed ──▶ FeedReader ──▶ SampleProcessor ──▶ LiveSource.read
             a thread;           │ MinuteMeans      means, weighted by time
             reconnects          │ MeterClock       clock skew of the meter
             for ever            │ LinkWatch        up, silent, lost, and since when
                                 │ NoticeThrottles  the first in full, later ones gathered
"""

from __future__ import annotations

from streamer.sources.live.source import LiveSource, open_source

__all__ = ["LiveSource", "open_source"]
