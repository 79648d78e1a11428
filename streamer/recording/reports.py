"""Notices of a recorder about its file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from streamer.display.lines import one_line
from streamer.display.numbers import plural
from streamer.errors import RecordError
from streamer.readings import Notice


class Reports:
    """Notices about failures, their end, and their cost.

    Args:
        path: the recording.
        notify: takes the notices.
    """

    def __init__(self, path: Path, notify: Callable[[Notice], None]) -> None:
        self._name = one_line(path)
        self.notify = notify

    def warn(self, text: str) -> None:
        """Report any warning."""
        self.notify(Notice(Notice.WARNING, text))

    def failure(self, error: RecordError, waiting: str) -> None:
        """Report that nothing can be written."""
        self.warn(f"not recording: {error}; watching continues, {waiting}")

    def start_without(self, error: RecordError) -> None:
        """Report that the recording cannot be read at the start."""
        self.warn(f"{error}: starting without it; the next start continues the recording")

    def other_meter(self, was: str, meter: str) -> Notice:
        """Report that another meter is recorded from now on; returns the notice."""
        notice = Notice(Notice.WARNING, f"the recording of {was} is continued by {meter}")
        self.notify(notice)
        return notice

    def recovery(self, minutes: int, lost: int, *, elsewhere: bool) -> None:
        """Report the end of a failure.

        Args:
            minutes: number of waiting minutes that were written.
            lost: number of minutes before them that were dropped.
            elsewhere: whether they are in another file than the minutes before; what happened
                to that one was reported.
        """
        what = f"recording again: {plural(minutes, 'waiting minute')} written"
        if lost:
            self.warn(f"{what}, the {plural(lost, 'minute')} before are lost")
        else:
            self.notify(Notice(Notice.EVENT, what + ("" if elsewhere else ", nothing is lost")))

    def kept(self, minutes: int) -> None:
        """Report that a new file contains minutes of the damaged one."""
        what = plural(minutes, "minute")
        self.notify(
            Notice(Notice.EVENT, f"the new file begins with the last {what}, kept in memory")
        )

    def week(self) -> None:
        """Report that too many minutes wait."""
        self.warn("not recording for a week: the oldest minutes are lost from now on")

    def duplicates(self) -> None:
        """Report that recorded minutes are not replaced."""
        self.warn(
            f"{self._name} already contains minutes that arrive now: they are left as they were"
        )

    def wait(self, seconds: int, waiting: str) -> None:
        """Report the wait for a lock at the end."""
        self.warn(
            f"{self._name} is locked by another program: waiting for up to {seconds} s, {waiting}"
        )

    def loss(self, minutes: int) -> str:
        """A line about the minutes that are lost at the end."""
        return f"{self._name}: not recorded, and lost: {plural(minutes, 'minute')}"
