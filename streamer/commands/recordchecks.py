"""Checks of a recording before anything is shown."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path

from streamer.errors import RecordError, UsageError


def check_meter_of(path: Path, meter: Mapping[str, str]) -> None:
    """Check that a recording, if there is one, is of a meter, before anything is shown."""
    from streamer.recording.database import explained, open_for_reading
    from streamer.recording.meter import OtherMeterError, check_meter

    # All else that may be wrong with the file is for the recorder, which mends some of it.
    with suppress(RecordError):
        try:
            with explained(path), closing(open_for_reading(path)) as connection:
                check_meter(connection, path, meter)
        except OtherMeterError as error:
            raise UsageError(str(error)) from None


def check_record(path: Path) -> None:
    """Check that a recording can be written there.

    Raises:
        StreamerError: it cannot.
    """
    from streamer.recording.database import (
        DamagedError,
        TransientError,
        check_place,
        open_for_reading,
    )

    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path}: folder {path.absolute().parent} does not exist")
    check_place(path)
    if path.exists() and path.stat().st_size:
        # A recorder moves a damaged file aside, and waits for a locked one.
        with suppress(DamagedError, TransientError):
            open_for_reading(path).close()
