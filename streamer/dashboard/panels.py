"""The parts of the screen below and above the chart, each as a list of lines."""

from __future__ import annotations

from rich.text import Text

from streamer.dashboard.chart import COMING_GLYPH, FILL, FORECAST_GLYPH
from streamer.dashboard.hints import PAUSED
from streamer.dashboard.history import Snapshot
from streamer.dashboard.words import (
    ACTUAL,
    FORECAST,
    LABEL,
    STRONG,
    WARNING,
    Part,
    apart,
    choose,
    fit,
    heading,
    line,
    number,
    percent,
    significant,
)
from streamer.readings import Notice, Scores
from streamer.words import NOTHING, done, duration

IN_SAMPLE = "in sample: these scores flatter"

_AREA: Part = (FILL[-1] + " ", ACTUAL)
_DOT: Part = (FORECAST_GLYPH + " ", FORECAST)
_DIAMOND: Part = (COMING_GLYPH + " ", FORECAST)
_WIDE_GAP = " " * 6
_ENDED = "ended"

_SKIPPED = {
    Notice.MALFORMED: "malformed",
    Notice.ORDER: "out of order",
    Notice.ABSURD: "absurd",
}


def title(snapshot: Snapshot, speed: str, width: int, *, progress: bool = False) -> Text:
    """Program, source, model, stream time and speed on one line.

    Args:
        snapshot: what to show.
        speed: how fast the stream runs, in words.
        width: width of the line.
        progress: say here how much of a recording is done, in place of what tells less.
    """
    about, last = snapshot.about, snapshot.last
    names = [about.source, about.model] if about else []
    left = line(("streamer", STRONG), *(part for name in names for part in (" · ", name)))
    state = _ENDED if snapshot.ended else speed
    pace = line((state, STRONG if state == PAUSED else LABEL))
    if last is None:
        return apart(left, pace, width)
    at = last.reading.at
    rights = [line(f"{at:{form}}  ", pace) for form in ("%Y-%m-%d %H:%M", "%H:%M")]
    long, short = rights
    notes = _progress(snapshot) if progress and state not in (PAUSED, _ENDED) else []
    if notes:
        long, short = line(long, (f" · {notes[0]}", LABEL)), line((notes[0], LABEL))
    return apart(line(left, "  "), long if width >= (80 if notes else 60) else short, width)


def _progress(snapshot: Snapshot) -> list[str]:
    """How much of a recording is done, and how long the rest will take; longest first."""
    vitals = snapshot.vitals
    if vitals is None or vitals.progress is None:
        return []
    share = done(vitals.progress)
    left = [] if vitals.left_s is None else [f"{share} · {duration(vitals.left_s)} left"]
    return [*left, share]


def now(snapshot: Snapshot, width: int) -> Text:
    """What the house draws, what had been forecast for it, and what comes next.

    Each value has its glyph beside it, so that this line is the chart's legend too.
    """
    last = snapshot.last
    at = f"{last.reading.at:%H:%M}" if last else NOTHING
    coming = last.forecast if last else None
    next_at = f"{coming.at:%H:%M}" if coming else NOTHING
    actual, forecast, error, expected = _now_values(snapshot)
    ahead = line(_DIAMOND, f"next {next_at}", expected)
    bare = line(_DIAMOND, "next", expected)
    beginning = line(_AREA, f"now {at}", actual)
    return choose(
        width,
        line(beginning, _WIDE_GAP, forecast, _WIDE_GAP, error, _WIDE_GAP, ahead),
        line(beginning, "  ", forecast, "  ", error, "   ", ahead),
        line(_AREA, "now", actual, "  ", forecast, "  ", error, "  ", bare),
    )


def now_lines(snapshot: Snapshot, width: int) -> list[Text]:
    """The same on two short lines."""
    last = snapshot.last
    at = f"{last.reading.at:%H:%M}" if last else NOTHING
    coming = last.forecast if last else None
    next_at = f"{coming.at:%H:%M}" if coming else NOTHING
    actual, forecast, error, expected = _now_values(snapshot)
    return [
        choose(
            width,
            line(_AREA, f"now  {at:5}", actual, " ", forecast),
            line(_AREA, f"now  {at:5}", actual),
            line(_AREA, "now ", actual),
            line(_AREA, actual),
        ),
        choose(
            width,
            line(_DIAMOND, f"next {next_at:5}", expected, "   ", error),
            line(_DIAMOND, f"next {next_at:5}", expected),
            line(_DIAMOND, "next", expected),
            line(_DIAMOND, expected),
        ),
    ]


def _now_values(snapshot: Snapshot) -> tuple[Text, Text, Text, Text]:
    """Actual, forecast, error and coming value, each as wide whatever its value."""
    last = snapshot.last
    settled = last.settled if last else None
    coming = last.forecast if last else None
    actual = number(last.reading.kw if last else None, 3)
    forecast = number(settled.kw if settled else None, 3)
    error = number(last.error_kw if last else None, 3, signed=True)
    expected = number(coming.kw if coming else None, 3)
    return (
        line((f"{actual:>7} kW", STRONG)),
        line(_DOT, f"forecast{forecast:>7}"),
        line(("error ", LABEL), f"{error:>7}"),
        line((f"{expected:>7} kW", STRONG)),
    )


def scores(snapshot: Snapshot) -> list[Text]:
    """The model's errors beside those of persistence; 42 cells wide."""
    found = snapshot.last.scores if snapshot.last else Scores()
    rows = [line((f" {'':9}{'model':>10}{'persistence':>12}{'skill':>9}", LABEL))]
    squared: list[tuple[str, float | None, float | None, float | None]] = [
        ("MSE  kW²", found.model.mse_kw2, found.persistence.mse_kw2, found.skill),
        ("  hour", found.model.hour_mse_kw2, found.persistence.hour_mse_kw2, found.hour_skill),
        ("  day", found.model.day_mse_kw2, found.persistence.day_mse_kw2, found.day_skill),
    ]
    for label, mse, reference, skill in squared:
        gain = percent(skill)
        pad = " " * max(0, 9 - gain.cell_len)
        numbers = f"{significant(mse):>10}{significant(reference):>12}"
        rows.append(line(" ", (f"{label:9}", LABEL), numbers, pad, gain))
    absolute = [
        ("RMSE W", found.model.rmse_w, found.persistence.rmse_w),
        ("MAE  W", found.model.mae_w, found.persistence.mae_w),
    ]
    for label, ours, theirs in absolute:
        numbers = f"{number(ours, 1):>10}{number(theirs, 1):>12}"
        rows.append(line(" ", (f"{label:9}", LABEL), numbers))
    if snapshot.in_sample:
        rows.append(line(" ", (f"! {IN_SAMPLE}", WARNING)))
    else:
        rows.append(line((" skill: 1 − MSE / MSE of persistence", LABEL)))
    return rows


def settled(snapshot: Snapshot) -> str:
    """How many minutes the scores rest on."""
    count = snapshot.last.scores.settled if snapshot.last else 0
    return f"scores over {count:,} minute{'' if count == 1 else 's'}"


def stream_heading(snapshot: Snapshot, width: int) -> Text:
    """The line above the stream's figures: a bar, as long as there is an end to see."""
    share = snapshot.vitals.progress if snapshot.vitals else None
    return heading("stream", width, share=share or 0.0, notes=_progress(snapshot))


def stream(snapshot: Snapshot, width: int) -> list[Text]:
    """Buffer, counts and speed of the stream."""
    room = width - 11
    vitals = snapshot.vitals
    rate, latency = NOTHING, [NOTHING]
    if vitals:
        rate = f"{_rate(vitals.readings_per_s)} a second"
        p50, p99 = _milliseconds(vitals.latency_p50_ms), _milliseconds(vitals.latency_p99_ms)
        latency = [f"p50 {p50} ms · p99 {p99} ms", f"{p50} · p99 {p99} ms"]
    counts = snapshot.last.counts if snapshot.last else None
    return [
        _field("buffer", Text(buffer(snapshot)), width),
        _field("readings", Text(f"{counts.readings:,}" if counts else NOTHING), width),
        _field("rate", Text(rate), width),
        _field("latency", choose(room, *map(Text, latency)), width),
        _field("gaps", choose(room, *map(Text, _gaps(snapshot))), width),
        _field("skipped", choose(room, *map(Text, _skipped(snapshot))), width),
        _field("trained", choose(room, *map(Text, _trained(snapshot))), width),
    ]


def _rate(value: float) -> str:
    return f"{value:,.0f}" if 100 <= value < 1e6 else number(value, 1)


def _milliseconds(value: float) -> str:
    return number(value, 2 if value < 10 else 1 if value < 100 else 0)


def buffer(snapshot: Snapshot) -> str:
    """How full the ring buffer is."""
    capacity = snapshot.about.capacity if snapshot.about else 50
    filled = snapshot.last.buffered if snapshot.last else 0
    if filled < capacity:
        return f"warming up {filled}/{capacity}"
    return f"{filled}/{capacity} full"


def _field(label: str, value: Text, width: int) -> Text:
    return fit(line(" ", (f"{label:<10}", LABEL), value), width, pad=False)


def _gaps(snapshot: Snapshot) -> list[str]:
    if snapshot.last is None:
        return [NOTHING]
    counts = snapshot.last.counts
    if not counts.gaps:
        return ["none"]
    short = f"{counts.gaps:,} ({counts.gap_minutes:,} min)"
    resets = f"buffer emptied {counts.resets:,}×" if counts.resets else ""
    return [f"{short} · {resets}" if resets else short, short]


def _skipped(snapshot: Snapshot) -> list[str]:
    tallies = [(name, snapshot.tallies.get(kind, 0)) for kind, name in _SKIPPED.items()]
    if not any(count for _, count in tallies):
        return ["none" if snapshot.last else NOTHING]
    return [
        " · ".join(f"{count:,} {name}" for name, count in tallies),
        " · ".join(f"{count:,} {name}" for name, count in tallies if count),
        " · ".join(f"{count:,} {name.split()[-1]}" for name, count in tallies if count),
        f"{sum(count for _, count in tallies):,} rows",
    ]


def _trained(snapshot: Snapshot) -> list[str]:
    about = snapshot.about
    if about is None or about.trained_from is None or about.trained_to is None:
        return [NOTHING]
    start, end = about.trained_from, about.trained_to
    return [f"{start:%Y-%m-%d} – {end:%Y-%m-%d}", f"{start:%Y-%m} – {end:%Y-%m}"]


def recent(snapshot: Snapshot, height: int) -> list[Text]:
    """The latest minutes as a table, newest last; 59 cells wide."""
    heading = f" {'':7}{'actual':>9}{'forecast':>10}{'error':>9}{'persistence':>13}{'error':>9}"
    rows = [line((heading, LABEL))]
    for step in snapshot.steps[1 - height :] if height > 1 else ():
        actual = number(step.reading.kw, 3)
        forecast = error = naive = naive_error = NOTHING
        if step.settled is not None:
            forecast, naive = number(step.settled.kw, 3), number(step.settled.last_kw, 3)
            error = number(step.error_kw, 3, signed=True)
            naive_error = number(step.reading.kw - step.settled.last_kw, 3, signed=True)
        numbers = f"{actual:>9}{forecast:>10}{error:>9}{naive:>13}{naive_error:>9}"
        rows.append(line(" ", (f"{step.reading.at:%H:%M}  ", LABEL), numbers))
    return rows


def events(snapshot: Snapshot, width: int, height: int) -> list[Text]:
    """The latest events, newest last."""
    if not snapshot.events:
        return [line((" nothing to report", LABEL))]
    form = "%Y-%m-%d %H:%M" if width >= 50 else "%H:%M"
    blank = " " * len("2000-01-01 00:00" if width >= 50 else "00:00")
    rows = []
    for event in snapshot.events[-height:] if height else ():
        when = f"{event.at:{form}}" if event.at else blank
        warns = event.kind == Notice.WARNING
        text: Part = ("! " + event.text, WARNING) if warns else event.text
        rows.append(fit(line(" ", (when, LABEL), "  ", text), width, pad=False))
    return rows
