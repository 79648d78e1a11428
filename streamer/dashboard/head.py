"""The first line of the screen: source, model, time and speed of the stream."""

from __future__ import annotations

from rich.text import Text

from streamer.dashboard import link
from streamer.dashboard.hints import PAUSED
from streamer.dashboard.words import (
    LABEL,
    STRONG,
    apart,
    line,
)
from streamer.display.bars import done
from streamer.display.durations import duration
from streamer.history import HistorySnapshot, outage

_ENDED = "ended"


def title(
    snapshot: HistorySnapshot,
    speed: str,
    width: int,
    *,
    progress: bool = False,
    warnings: bool = False,
) -> Text:
    """Program, source, model, stream time and speed on one line.

    Args:
        snapshot: state of the stream.
        speed: label of the speed.
        width: width of the line in cells.
        progress: show the progress of a recording here, instead of less important parts.
        warnings: show outages and alarms instead of the names.
    """
    about, last = snapshot.about, snapshot.last
    names = [about.source, about.model] if about else []
    left = line(("streamer", STRONG), *(part for name in names for part in (" · ", name)))
    state = _ENDED if snapshot.ended else link.state(snapshot, speed)
    pace = line((state, LABEL if state in (speed, _ENDED) and state != PAUSED else STRONG))
    long = short = pace
    if last is not None:
        at = last.reading.at
        long, short = (line(f"{at:{form}}  ", pace) for form in ("%Y-%m-%d %H:%M", "%H:%M"))
    wrong = bool(warnings and (outage.is_down(snapshot) or (last and last.alarms)))
    notes = progress_notes(snapshot) if progress and state not in (PAUSED, _ENDED) else []
    if notes:
        long = line(long, (f" · {notes[0]}", LABEL))
        short = short if wrong else line((notes[0], LABEL))
    elif state != _ENDED and (age := outage.age(snapshot)):
        long = line(long, (f" · {age}", LABEL))
    right = long if width >= (80 if notes else 60) else short
    if wrong:
        left = link.banner(snapshot, width - right.cell_len - 3)
    return apart(left, right, width) if last is None else apart(line(left, "  "), right, width)


def progress_notes(snapshot: HistorySnapshot) -> list[str]:
    """Progress of a recording and the time left, in several lengths, longest first."""
    vitals = snapshot.vitals
    if vitals is None or vitals.progress is None:
        return []
    share = done(vitals.progress)
    left = [] if vitals.left_s is None else [f"{share} · {duration(vitals.left_s)} left"]
    return [*left, share]
