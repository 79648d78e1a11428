"""Panels about the stream below the chart, each as a list of lines."""

from __future__ import annotations

from rich.text import Text

from streamer.dashboard.head import progress_notes
from streamer.dashboard.history import ALARM, CAPACITY, HistorySnapshot
from streamer.dashboard.link import state_since
from streamer.dashboard.words import LABEL, WARNING, Part, choose, fit, heading, line
from streamer.display.numbers import NOTHING, fixed
from streamer.readings import Link, Notice

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


def _gaps(snapshot: HistorySnapshot) -> list[str]:
    if snapshot.last is None:
        return [NOTHING]
    counts = snapshot.last.counts
    if not counts.gaps:
        return ["none"]
    short = f"{counts.gaps:,} ({counts.gap_minutes:,} min)"
    resets = f"buffer emptied {counts.resets:,}×" if counts.resets else ""
    return [f"{short} · {resets}" if resets else short, short]


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


def recent(snapshot: HistorySnapshot, height: int) -> list[Text]:
    """The latest minutes as a table, newest last; 59 cells wide."""
    heading = f" {'':7}{'actual':>9}{'forecast':>10}{'error':>9}{'persistence':>13}{'error':>9}"
    rows = [line((heading, LABEL))]
    for step in snapshot.steps[1 - height :] if height > 1 else ():
        actual = fixed(step.reading.kw, 3)
        forecast = error = naive = naive_error = NOTHING
        if step.settled is not None:
            forecast, naive = fixed(step.settled.kw, 3), fixed(step.settled.last_kw, 3)
            error = fixed(step.error_kw, 3, signed=True)
            naive_error = fixed(step.reading.kw - step.settled.last_kw, 3, signed=True)
        numbers = f"{actual:>9}{forecast:>10}{error:>9}{naive:>13}{naive_error:>9}"
        rows.append(line(" ", (f"{step.reading.at:%H:%M}  ", LABEL), numbers))
    return rows


def events(snapshot: HistorySnapshot, width: int, height: int) -> list[Text]:
    """The latest events, newest last."""
    if not snapshot.events:
        return [line((" nothing to report", LABEL))]
    form = "%Y-%m-%d %H:%M" if width >= 50 else "%H:%M"
    blank = " " * len("2000-01-01 00:00" if width >= 50 else "00:00")
    rows = []
    for event in snapshot.events[-height:] if height else ():
        when = f"{event.at:{form}}" if event.at else blank
        text: Part = ("! " + event.text, WARNING) if event.kind in _WARNING else event.text
        rows.append(fit(line(" ", (when, LABEL), "  ", text), width, pad=False))
    return rows
