"""Panels about the stream below the chart, each as a list of lines."""

from __future__ import annotations

from rich.text import Text

from streamer.dashboard.head import progress_notes
from streamer.dashboard.link import state_since
from streamer.dashboard.words import LABEL, WARNING, Part, choose, fit, heading, line, wrap
from streamer.display.numbers import NOTHING, fixed
from streamer.history import ALARM, CAPACITY, OVER, HistorySnapshot
from streamer.readings import MINUTE, Link, Notice

_SKIPPED = {
    Notice.MALFORMED: "malformed",
    Notice.ORDER: "out of order",
    Notice.ABSURD: "implausible",
    Notice.REFUSED: "refused",
}
_WARNING = (Notice.WARNING, ALARM, Link.LOST, Link.SILENT)


def stream_heading(snapshot: HistorySnapshot, width: int) -> Text:
    """Heading of the stream's figures, with a progress bar if the end is known."""
    share = snapshot.vitals.progress if snapshot.vitals else None
    return heading("stream", width, share=share or 0.0, notes=progress_notes(snapshot))


def stream(snapshot: HistorySnapshot, width: int) -> list[Text]:
    """Buffer, counts and rate of the stream, or state of the connection to a meter."""
    room = width - 11
    vitals = snapshot.vitals
    rate, latency = NOTHING, [NOTHING]
    if vitals and (snapshot.last or not snapshot.live):
        rate = f"{_rate(vitals.readings_per_s)} a second"
        p50, p99 = _milliseconds(vitals.latency_p50_ms), _milliseconds(vitals.latency_p99_ms)
        latency = [f"p50 {p50} ms · p99 {p99} ms", f"{p50} · p99 {p99} ms"]
    counts = snapshot.last.counts if snapshot.last else None
    return [
        _field("buffer", Text(buffer(snapshot)), width),
        _field("readings", Text(f"{counts.readings:,}" if counts else NOTHING), width),
        _field("link", choose(room, *map(Text, state_since(snapshot))), width)
        if snapshot.live
        else _field("rate", Text(rate), width),
        _field("latency", choose(room, *map(Text, latency)), width),
        _field("gaps", choose(room, *map(Text, _gaps(snapshot))), width),
        _field("skipped", choose(room, *map(Text, _skipped(snapshot))), width),
        _field("trained", choose(room, *map(Text, _trained(snapshot))), width),
    ]


def _rate(value: float) -> str:
    return f"{value:,.0f}" if 100 <= value < 1e6 else fixed(value, 1)


def _milliseconds(value: float) -> str:
    return fixed(value, 2 if value < 10 else 1 if value < 100 else 0)


def buffer(snapshot: HistorySnapshot) -> str:
    """Fill level of the ring buffer."""
    capacity = snapshot.about.capacity if snapshot.about else CAPACITY
    filled = snapshot.last.buffered if snapshot.last else 0
    if filled < capacity:
        return f"warming up {filled}/{capacity}"
    return f"{filled}/{capacity} full"


def _field(label: str, value: Text, width: int) -> Text:
    return fit(line(" ", (f"{label:<10}", LABEL), value), width, pad=False)


def gap_totals(snapshot: HistorySnapshot) -> tuple[int, int, bool]:
    """Gaps, the minutes missing in them, and whether the last one continues at present."""
    last = snapshot.last
    if last is None:
        return 0, 0, False
    gaps, minutes, missing = last.counts.gaps, last.counts.gap_minutes, 0
    if snapshot.now is not None and not snapshot.ended and last.reading.at.tzinfo is not None:
        # The minute before the present one may still be on its way.
        missing = (snapshot.now - last.reading.at) // MINUTE - 2
    if missing < 1:
        return gaps, minutes, False
    return gaps + 1, minutes + missing, True


def _gaps(snapshot: HistorySnapshot) -> list[str]:
    if snapshot.last is None:
        return [NOTHING]
    gaps, minutes, ongoing = gap_totals(snapshot)
    if not gaps:
        return ["none"]
    short = f"{gaps:,} ({minutes:,} min)"
    now = [f"{short}, one at present", f"{short} now"] if ongoing else []
    resets = snapshot.last.counts.resets
    emptied = [f"{short} · buffer emptied {resets:,}×"] if resets else []
    return [*now, *emptied, short]


def _skipped(snapshot: HistorySnapshot) -> list[str]:
    tallies = [(name, snapshot.tallies.get(kind, 0)) for kind, name in _SKIPPED.items()]
    if not any(count for _, count in tallies):
        return ["none" if snapshot.last else NOTHING]
    return [
        " · ".join(f"{count:,} {name}" for name, count in tallies),
        " · ".join(f"{count:,} {name}" for name, count in tallies if count),
        " · ".join(f"{count:,} {name.split()[-1]}" for name, count in tallies if count),
        f"{sum(count for _, count in tallies):,} rows",
    ]


def _trained(snapshot: HistorySnapshot) -> list[str]:
    about = snapshot.about
    if about is None or about.trained_from is None or about.trained_to is None:
        return [NOTHING]
    start, end = about.trained_from, about.trained_to
    return [f"{start:%Y-%m-%d} – {end:%Y-%m-%d}", f"{start:%Y-%m} – {end:%Y-%m}"]


def events(
    snapshot: HistorySnapshot, width: int, height: int, *, alarms: bool = True
) -> list[Text]:
    """The latest events, newest last; as many as fit with all of their text.

    Args:
        snapshot: state of the stream.
        width: width in cells.
        height: number of lines.
        alarms: whether alarms are among them.
    """
    found = [event for event in snapshot.events if alarms or event.kind not in (ALARM, OVER)]
    if not found:
        return [line((" nothing to report", LABEL))]
    form = "%m-%d %H:%M" if width >= 50 else "%H:%M"
    blank = " " * len("01-01 00:00" if width >= 50 else "00:00")
    rows: list[Text] = []
    for event in reversed(found):
        when = f"{event.at:{form}}" if event.at else blank
        text: Part = ("! " + event.text, WARNING) if event.kind in _WARNING else event.text
        lines = wrap(line(" ", (when, LABEL), "  "), text, width, height - len(rows))
        if not lines:
            break
        rows = lines + rows
    return rows
