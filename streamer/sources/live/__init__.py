"""A meter as a source: the samples of a feed, into one reading a minute.

::

    feed ──▶ Pump ──▶ Intake ──▶ LiveSource.read
             a thread; connects     │ MinuteMeans   means, weighted by time
             again for ever         │ MeterClock    how far the meter's clock is off
                                    │ LinkWatch     up, silent, lost, and since when
                                    │ Mishaps       the first in full, later ones summed up
"""

from __future__ import annotations

from streamer.sources.live.source import LiveSource, open_source

__all__ = ["LiveSource", "open_source"]
