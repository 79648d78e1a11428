"""Present and coming power, energy of the day and skill, in large figures."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from streamer.dashboard.digits import HEIGHT, large
from streamer.dashboard.now import AREA, DOT, Values
from streamer.dashboard.words import BAD, FORECAST, GOOD, LABEL, STRONG, choose, fit, line
from streamer.display.numbers import fixed
from streamer.display.verdict import BETTER, UNCLEAR, verdict
from streamer.history import HistorySnapshot

ROWS = HEIGHT + 2
"""Lines of the overview: labels, figures, and notes."""

MIN_WIDTH = 96
"""Width from which the figures fit side by side."""


@dataclass(frozen=True, slots=True)
class _Figure:
    """A value in large figures, with a label above and a note below."""

    label: Text
    value: str
    unit: str
    note: Text
    style: str = STRONG


def overview(snapshot: HistorySnapshot, width: int, *, ascii: bool = False) -> list[Text]:
    """The figures side by side.

    Args:
        snapshot: state of the stream.
        width: width in cells, at least `MIN_WIDTH`.
        ascii: use only ASCII characters.

    Returns:
        `ROWS` lines.
    """
    values = Values(snapshot)
    skill = _skill(snapshot)
    each = width // (3 if skill is None else 4)
    figures = [_present(values, snapshot, each - 2), _coming(values), _energy(snapshot, each - 2)]
    figures += [] if skill is None else [skill]
    rows = [Text(no_wrap=True, end="") for _ in range(ROWS)]
    for figure in figures:
        for row, part in zip(rows, _drawn(figure, ascii=ascii), strict=True):
            row.append_text(fit(part, each - 1)).append(" ")
    return rows


def _drawn(figure: _Figure, *, ascii: bool) -> list[Text]:
    digits = [line(" ", (row, figure.style)) for row in large(figure.value, ascii=ascii)]
    digits[-1].append(f" {figure.unit}")
    return [line(" ", figure.label), *digits, line(" ", figure.note)]


def _present(values: Values, snapshot: HistorySnapshot, width: int) -> _Figure:
    forecast = line(DOT, ("forecast ", LABEL), values.forecast_kw.strip())
    if snapshot.live:
        actual, expected = values.actual.strip(), values.forecast_kw.strip()
        mean = line(AREA, f"{values.at} {actual}  ")
        shorter = line(mean, DOT, expected), line(AREA, actual, "  ", DOT, expected)
        note = choose(width, line(mean, forecast), *shorter)
        return _Figure(Text("now"), values.sample_kw.strip(), "kW", note)
    note = line(forecast, f" ({values.error_kw.strip()})")
    return _Figure(line(AREA, f"now {values.at}"), values.actual.strip(), "kW", note)


def _coming(values: Values) -> _Figure:
    label = line(DOT, f"next {values.next_at}")
    note = values.band if values.coming else values.patience
    return _Figure(label, values.expected.strip(), "kW", note, FORECAST)


def _energy(snapshot: HistorySnapshot, width: int) -> _Figure:
    """Energy of the day in the minutes that were seen; those that were not count for nothing.

    With solar power, what was imported, and in the note what was exported and produced.
    """
    day = snapshot.day
    if not day.minutes:
        return _Figure(Text("today"), fixed(None, 2), "kWh", Text())
    label = line(f"{snapshot.steps[-1].reading.at:%Y-%m-%d}", (" so far", LABEL))
    if day.solar_kwh is not None:
        label.append(", import", LABEL)
        exported, solar = fixed(day.exported_kwh, 2), fixed(day.solar_kwh, 2)
        note = choose(
            width,
            line((f"export {exported} kWh · solar {solar} kWh", LABEL)),
            line((f"export {exported} · solar {solar}", LABEL)),
            line((f"export {exported}", LABEL)),
        )
        return _Figure(label, fixed(day.kwh + day.exported_kwh, 2), "kWh", note)
    if day.exported:
        label.append(", net", LABEL)
    seen = f"{day.minutes:,} of {day.elapsed:,} minutes seen"
    if day.minutes >= day.elapsed:
        seen = "every minute since midnight"
    return _Figure(label, fixed(day.kwh, 2), "kWh", line((seen, LABEL)))


def _skill(snapshot: HistorySnapshot) -> _Figure | None:
    """The skill as a large figure, once it means something."""
    scores = snapshot.last.scores if snapshot.last else None
    if scores is None or scores.skill is None:
        return None
    sign, _ = verdict(scores.skill, scores.skill_is_clear)
    if sign == UNCLEAR:
        return None
    better = sign == BETTER
    label = line(("better" if better else "worse", GOOD if better else BAD), " than persistence by")
    note = line((f"mean, over {scores.settled:,} minutes", LABEL))
    value = fixed(100.0 * abs(scores.skill), 1)
    return _Figure(label, value, "%", note, GOOD if better else BAD)
