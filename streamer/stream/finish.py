"""Orderly end of a stream of lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from streamer.sinks import Sink
from streamer.sinks.summary import Summary
from streamer.stream.standard import ReaderGoneError


@contextmanager
def summed_up(summary: Summary, sinks: Sequence[Sink]) -> Iterator[None]:
    """Close the sinks at the end, and print the summary to standard error.

    When whoever read standard output has gone, that is an end like another, but nobody is
    left to read a summary.

    Args:
        summary: of the stream.
        sinks: those of the stream, the summary among them.
    """
    reader_has_gone = False
    try:
        yield
        sys.stdout.flush()
    except ReaderGoneError:
        reader_has_gone = True
    finally:
        # Whatever has ended the stream is told, rather than that its last lines had no place.
        with suppress(ReaderGoneError, OSError):
            sys.stdout.flush()
        for sink in sinks:
            sink.close()
        if not reader_has_gone:
            print("\n".join(summary.lines()), file=sys.stderr)
