"""Row counts of a file, and the share of it that has been read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from streamer.readings.span import Span
from streamer.sources.files.screening import Rules


@dataclass(slots=True)
class RowCounts:
    """Rows of a file by outcome.

    Attributes:
        rows: rows so far.
        missing: rows without a value.
        outside: rows before the start or beyond the end.
        unmeasured: minutes without solar or battery power or another channel, which are gaps.
        readings: readings returned.
        first_at: time of the first reading, if any.
        last_at: time of the last reading, if any.
        outside_at: time of the last row before the start or beyond the end.
    """

    rows: int = 0
    missing: int = 0
    outside: int = 0
    unmeasured: int = 0
    readings: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    outside_at: datetime | None = None

    def leave_out(self, at: datetime, count: int = 1) -> None:
        """Count rows before the start or beyond the end."""
        self.outside += count
        self.outside_at = at

    def lack(self, at: datetime, span: Span) -> None:
        """Count a row without a value."""
        if span.starts_after(at) or span.ends_by(at):
            self.leave_out(at)
        else:
            self.missing += 1

    def parts(self) -> list[str]:
        """Describe the rows, and those that did not become readings, for display."""
        parts = [f"{self.rows} rows"]
        if self.missing:
            parts.append(f"{self.missing} without a value (if others have one, give --column)")
        if self.unmeasured:
            parts.append(
                f"{self.unmeasured} minutes without solar or battery power or another channel (if "
                "another column has it, give --solar, --battery or --channel)"
            )
        if self.outside:
            parts.append(
                f"{self.outside} before --start or from --end on, the last at {self.outside_at} "
                "(correct --start or --end)"
            )
        return parts


class ReadProgress:
    """Share of a recording that has been read, which never decreases.

    Args:
        rules: rules for which rows become readings.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._share: float | None = None

    def share(self, counts: RowCounts, of_bytes: float | None, *, complete: bool) -> float | None:
        """Return the highest of the shares of bytes, limit and end time, 0 to 1.

        Args:
            counts: the rows so far.
            of_bytes: share of the bytes that has been read; None if unknown.
            complete: whether everything has been read.

        Returns:
            None if all shares are unknown, as for a pipe without a limit or an end time.
        """
        rules = self._rules
        known = [share for share in (self._share, of_bytes) if share is not None]
        if rules.limit is not None:
            known.append(counts.readings / rules.limit)
        if rules.span.end is not None and counts.first_at is not None:
            assert counts.last_at is not None  # noqa: S101 - set with the first reading
            known.append(rules.span.share_done(counts.first_at, counts.last_at))
        if known and complete:
            known.append(1.0)
        self._share = max(known, default=None)
        return self._share
