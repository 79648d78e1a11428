"""The first line of the screen: what is watched, and how it goes."""

from __future__ import annotations

from rich.text import Text

from streamer.dashboard import link
from streamer.dashboard.hints import PAUSED
from streamer.dashboard.history import Snapshot
from streamer.dashboard.words import (
    LABEL,
    STRONG,
    apart,
    line,
)
from streamer.display.bars import done
from streamer.display.durations import duration

_ENDED = "ended"


def title(
    snapshot: Snapshot, speed: str, width: int, *, progress: bool = False, warnings: bool = False
) -> Text:
    """Program, source, model, stream time and speed on one line.

    Args:
        snapshot: what to show.
        speed: how fast the stream runs, in words.
        width: width of the line.
        progress: say here how much of a recording is done, in place of what tells less.
        warnings: let what is wrong stand in place of all that does not change.
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
    wrong = bool(warnings and (link.down(snapshot) or (last and last.alarms)))
    notes = progress_notes(snapshot) if progress and state not in (PAUSED, _ENDED) else []
    if notes:
        long = line(long, (f" · {notes[0]}", LABEL))
        short = short if wrong else line((notes[0], LABEL))
    elif state != _ENDED and (age := link.age(snapshot)):
        long = line(long, (f" · {age}", LABEL))
    right = long if width >= (80 if notes else 60) else short
    if wrong:
        left = link.banner(snapshot, width - right.cell_len - 3)
    return apart(left, right, width) if last is None else apart(line(left, "  "), right, width)


def progress_notes(snapshot: Snapshot) -> list[str]:
    """How much of a recording is done, and how long the rest will take; longest first."""
    vitals = snapshot.vitals
    if vitals is None or vitals.progress is None:
        return []
    share = done(vitals.progress)
    left = [] if vitals.left_s is None else [f"{share} · {duration(vitals.left_s)} left"]
    return [*left, share]
