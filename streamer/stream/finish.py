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

    If the reader of standard output has gone, the stream ends normally, but no summary is
    printed.

    Args:
        summary: summary of the stream.
        sinks: sinks of the stream, the summary among them.
    """
    reader_has_gone = False
    try:
        yield
        sys.stdout.flush()
    except ReaderGoneError:
        reader_has_gone = True
    finally:
        # The error that ended the stream takes precedence over a failure to flush its output.
        with suppress(ReaderGoneError, OSError):
            sys.stdout.flush()
        for sink in sinks:
            sink.close()
        if not reader_has_gone:
            print("\n".join(summary.lines()), file=sys.stderr)
