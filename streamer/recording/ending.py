"""End of a recording, which is a failure if minutes could not be recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from streamer.errors import RecordError, StreamerError
from streamer.recording.recorder import Recorder


@contextmanager
def closed_without_loss(recorder: Recorder) -> Iterator[None]:
    """Close a recorder at the end, however the stream ends.

    Raises:
        RecordError: minutes are lost; the message includes the error that ended the stream.
    """
    error: StreamerError | None = None
    try:
        yield
    except StreamerError as ended_by:
        error = ended_by
        raise
    finally:
        recorder.close()
        if recorder.loss:
            raise RecordError(f"{error}; {recorder.loss}" if error else recorder.loss) from None
