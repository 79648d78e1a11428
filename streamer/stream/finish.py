"""Orderly end of a stream of lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

from streamer.errors import StreamerError
from streamer.sinks import Sink
from streamer.stream.standard import HangupError, ReaderGoneError


class Summing(Protocol):
    """A `Summary`, or the summaries of several meters."""

    @property
    def begun(self) -> bool:
        """Whether anything has come from a source."""

    def lines(self) -> list[str]:
        """The lines to print at the end."""


@contextmanager
def summed_up(summary: Summing, sinks: Sequence[Sink]) -> Iterator[None]:
    """Close the sinks at the end, and print the summary to standard error.

    If the reader of standard output has gone, the stream ends normally, but no summary is
    printed; nor is it after an error that comes before the stream's beginning, such as a model
    that cannot be loaded. A terminal that has hung up ends it like SIGHUP: standard error may be
    a file.

    Args:
        summary: summary of the stream.
        sinks: sinks of the stream, the summary among them.
    """
    reader_has_gone = failed = False
    try:
        yield
        sys.stdout.flush()
    except HangupError:
        raise
    except StreamerError:
        failed = True
        raise
    except ReaderGoneError:
        reader_has_gone = True
    finally:
        # The error that ended the stream takes precedence over a failure to flush its output.
        with suppress(ReaderGoneError, OSError):
            sys.stdout.flush()
        for sink in sinks:
            with suppress(ReaderGoneError):
                sink.close()
        if not reader_has_gone and (summary.begun or not failed):
            with suppress(ReaderGoneError):
                print("\n".join(summary.lines()), file=sys.stderr)
