"""Dashboard of a command: shown, and followed by the summary."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from streamer.errors import StreamerError
from streamer.stream.finish import Summing
from streamer.stream.pacing import Pacer
from streamer.stream.signals import SecondSignal, stopping
from streamer.stream.standard import HANGUP_CODE, ReaderGoneError

if TYPE_CHECKING:
    from streamer.dashboard.fullscreen import FullScreen


def show(
    dashboard: FullScreen,
    summary: Summing,
    pacer: Pacer,
    stream: Callable[[], None],
    *,
    finish: Callable[[], None] | None = None,
) -> int:
    """Show a stream on the full screen, and print the summary to standard output at the end.

    Args:
        dashboard: the dashboard, whose standard output is a terminal.
        summary: summary of the stream.
        pacer: ends the stream when it is stopped.
        stream: runs the whole stream.
        finish: what the dashboard does not wait for, before the summary.

    Returns:
        The exit code: 0, or 128 and the number of the signal that ended it. A terminal that has
        hung up counts as SIGHUP, which may arrive later.
    """
    # The dashboard handles the signals itself while it is shown.
    with stopping(pacer) as ending:
        failed = False
        try:
            dashboard.run(stream)
            if finish is not None:
                finish()
        except SecondSignal as second:
            second.end()
        except StreamerError:
            failed = True
            raise
        finally:
            if summary.begun or not failed:
                with suppress(ReaderGoneError):
                    print("\n".join(summary.lines()))
                    sys.stdout.flush()
    number: signal.Signals | None = dashboard.ended_by or ending.number
    if number is not None:
        return 128 + number
    return 0 if sys.stdout.isatty() else HANGUP_CODE
