"""The top of the screen: what is watched, and what it draws now and next."""

from __future__ import annotations

from rich.text import Text

from streamer.dashboard.alarms import banner
from streamer.dashboard.chart import COMING_GLYPH, FILL, FORECAST_GLYPH
from streamer.dashboard.hints import PAUSED
from streamer.dashboard.history import Snapshot
from streamer.dashboard.words import (
    ACTUAL,
    FORECAST,
    LABEL,
    STRONG,
    Part,
    apart,
    choose,
    line,
    number,
)
from streamer.readings import Forecast
from streamer.words import NOTHING, done, duration

_AREA: Part = (FILL[-1] + " ", ACTUAL)
_DOT: Part = (FORECAST_GLYPH + " ", FORECAST)
_DIAMOND: Part = (COMING_GLYPH + " ", FORECAST)
_WIDE_GAP = " " * 6
_ENDED = "ended"
_BAND_WIDTH = len("(0.25 to 0.75)")


def title(
    snapshot: Snapshot, speed: str, width: int, *, progress: bool = False, alarms: bool = False
) -> Text:
    """Program, source, model, stream time and speed on one line.

    Args:
        snapshot: what to show.
        speed: how fast the stream runs, in words.
        width: width of the line.
        progress: say here how much of a recording is done, in place of what tells less.
        alarms: let the alarms that are on stand in place of all that does not change.
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
    on = last.alarms if alarms else ()
    notes = progress_notes(snapshot) if progress and state not in (PAUSED, _ENDED) else []
    if notes:
        long = line(long, (f" · {notes[0]}", LABEL))
        short = short if on else line((notes[0], LABEL))
    right = long if width >= (80 if notes else 60) else short
    if on:
        left = banner(on, at, width - right.cell_len - 3)
    return apart(line(left, "  "), right, width)


def progress_notes(snapshot: Snapshot) -> list[str]:
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
    at, next_at, coming = _now_times(snapshot)
    actual, forecast, error, expected = _now_values(snapshot)
    ahead = line(_DIAMOND, f"next {next_at}", expected)
    bare = line(_DIAMOND, "next", expected)
    beginning, short = line(_AREA, f"now {at}", actual), line(_AREA, "now", actual)
    candidates = []
    if coming:
        # Where not all has room, how sure the next value is tells more than the last error.
        band = _band(coming)
        candidates = [
            line(*_between(_WIDE_GAP, beginning, forecast, error, ahead), "  ", band),
            line(*_between("   ", beginning, forecast, error, ahead), "  ", band),
            line(*_between("   ", short, forecast, ahead), "  ", band),
            line(*_between("  ", short, forecast, bare), " ", band),
        ]
    return choose(
        width,
        *candidates,
        line(*_between(_WIDE_GAP, beginning, forecast, error, ahead)),
        line(beginning, "  ", forecast, "  ", error, "   ", ahead),
        line(*_between("  ", short, forecast, error, bare)),
    )


def _between(space: str, *parts: Text) -> list[Text | str]:
    """Parts with a space between them."""
    return [item for part in parts for item in (space, part)][1:]


def now_lines(snapshot: Snapshot, width: int) -> list[Text]:
    """The same on two short lines."""
    at, next_at, coming = _now_times(snapshot)
    actual, forecast, error, expected = _now_values(snapshot)
    ahead = line(_DIAMOND, f"next {next_at:5}", expected)
    band = _band(coming) if coming else Text()
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
            *([line(ahead, " ", band, "  ", error), line(ahead, " ", band)] if coming else []),
            line(ahead, "   ", error),
            ahead,
            line(_DIAMOND, "next", expected),
            line(_DIAMOND, expected),
        ),
    ]


def _now_times(snapshot: Snapshot) -> tuple[str, str, Forecast | None]:
    """Minute of the latest reading, that of the coming one, and the forecast for it."""
    last = snapshot.last
    coming = last.forecast if last else None
    at = f"{last.reading.at:%H:%M}" if last else NOTHING
    return at, f"{coming.at:%H:%M}" if coming else NOTHING, coming


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


def _band(forecast: Forecast) -> Text:
    """From where to where a reading is expected, as wide whatever the usual values."""
    text = f"({number(forecast.low_kw, 2)} to {number(forecast.high_kw, 2)})"
    return line(f"{text:{_BAND_WIDTH}}")
