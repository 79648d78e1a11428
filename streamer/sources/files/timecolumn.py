"""Choice of the time column, or of the columns of date and time of day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamer.sources.files.clocks import is_time_of_day
from streamer.sources.files.fields import is_missing
from streamer.sources.files.timestamps import has_only_date, is_epoch, looks_like_time
from streamer.sources.files.units import words_of

# In each tier, the first that matches any column decides.
_NAMES = (
    {"timestamp", "datetime", "date time", "time", "at", "date time utc", "localminute"},
    {"date", "ts", "local time", "time utc", "timestamp utc", "utc", "epoch", "unix", "unixtime"}
    | {"unix ts", "zeit", "datum", "datum uhrzeit", "zeitpunkt", "messzeitpunkt", "horodate"}
    | {"last changed", "datum zeit", "zeitstempel", "tijd", "fecha", "heure", "data", "tid"},
)
_BEGIN_WORDS = {"start", "from", "begin", "beginning", "von", "debut", "début", "since", "inicio"}
_END_WORDS = {"end", "ending", "until", "till", "bis", "fin", "stop", "ende", "einde", "updated"}
_TIERS_OF_NAMES = len(_NAMES)
_OTHER_TIER = _TIERS_OF_NAMES + 1
_END_TIER = _TIERS_OF_NAMES + 2
_MIN_SHARE = 0.8
_CHECKED_ROWS = 40


@dataclass(frozen=True, slots=True)
class TimeColumns:
    """Columns that together hold the time of a row.

    Attributes:
        time: column of the time, or of the date.
        clock: column of the time of day, if it is separate from the date.
        is_end: whether the name says that it is the end of the interval of the row.
    """

    time: int
    clock: int | None = None
    is_end: bool = False


def time_candidates(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[TimeColumns]:
    """Return the columns that may hold the time, the best first; equals stay together.

    Args:
        names: names of the columns.
        rows: the first rows; without any, the names alone decide.

    Returns:
        The candidates of the best tier; several if none is better than the others.
    """
    kinds = _kinds(names, rows)
    named = _named_pair(names, kinds)
    if named is not None:
        return [named]
    clocks = [i for i, kind in enumerate(kinds) if kind == "clock"]
    found: dict[int, list[TimeColumns]] = {}
    for i, kind in enumerate(kinds):
        if kind not in ("stamp", "date"):
            continue
        clock = _clock_of(i, clocks) if kind == "date" else None
        words = _words(names[i]) | (set() if clock is None else _words(names[clock]))
        is_end = bool(words & _END_WORDS) and not words & _BEGIN_WORDS
        tier = _tier(names[i], words, is_paired=clock is not None)
        found.setdefault(tier, []).append(TimeColumns(i, clock, is_end))
    return found[min(found)] if found else []


def pair_with(time: int, names: Sequence[str], rows: Sequence[Sequence[str]]) -> TimeColumns:
    """Return a requested time column, with its time of day if it holds only a date."""
    kinds = _kinds(names, rows)
    named = _named_pair(names, kinds)
    if named is not None and named.time == time:
        return named
    clocks = [i for i, kind in enumerate(kinds) if kind == "clock"]
    clock = _clock_of(time, clocks) if kinds[time] in ("date", "") else None
    words = _words(names[time])
    return TimeColumns(time, clock, bool(words & _END_WORDS) and not words & _BEGIN_WORDS)


def has_clock_without_date(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the rows have times of day, but no dates."""
    kinds = _kinds(names, rows)
    return "clock" in kinds and not {"stamp", "date"} & set(kinds)


def _kinds(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Of each column: ``stamp``, ``date``, ``clock``, or nothing."""
    if not rows:
        named = [_key(name) for name in names]
        if "date" in named and "time" in named:
            return [{"date": "date", "time": "clock"}.get(key, "") for key in named]
        return ["stamp" if any(key in tier for tier in _NAMES) else "" for key in named]
    kinds = [_kind([row[i] for row in rows[:_CHECKED_ROWS]], name) for i, name in enumerate(names)]
    constant = [len({row[i] for row in rows}) == 1 for i in range(len(names))]
    if len(rows) > 1:
        # InfluxDB repeats the bounds of a query in each row; a date may be that of one day.
        changing = [kind for kind, same in zip(kinds, constant, strict=True) if not same]
        if "stamp" in changing:
            kinds = ["" if kind == "stamp" and same else kind
                     for kind, same in zip(kinds, constant, strict=True)]  # fmt: skip
    return kinds


def _kind(values: Sequence[str], name: str) -> str:
    given = [value.strip() for value in values if not is_missing(value)]
    if not given:
        return ""
    for kind, fits in (
        ("clock", is_time_of_day),
        ("date", has_only_date),
        ("stamp", looks_like_time),
    ):
        if sum(map(fits, given)) >= _MIN_SHARE * len(given):
            return kind
    if all(len(value) == 8 and value.isdecimal() for value in given):
        return "date" if "date" in words_of(name) or "datum" in words_of(name) else ""
    if all(len(value) in (12, 14) and value.isdecimal() and value[:2] in ("19", "20")
           for value in given):  # fmt: skip
        return "stamp"
    if all(map(is_epoch, given)) and _is_monotone([float(value) for value in given]):
        return "stamp"
    return ""


def _named_pair(names: Sequence[str], kinds: Sequence[str]) -> TimeColumns | None:
    """The columns ``Date`` and ``Time``, unless one of them holds both."""
    keys = [_key(name) for name in names]
    if keys.count("date") != 1 or keys.count("time") != 1:
        return None
    date, clock = keys.index("date"), keys.index("time")
    return None if "stamp" in (kinds[date], kinds[clock]) else TimeColumns(date, clock)


def _is_monotone(numbers: Sequence[float]) -> bool:
    """Whether numbers only rise or only fall, as times do and identifiers do not."""
    if len(numbers) > 1 and numbers[0] == numbers[-1]:
        return False
    ordered = sorted(numbers)
    return list(numbers) in (ordered, ordered[::-1])


def _clock_of(date: int, clocks: Sequence[int]) -> int | None:
    """The time of day that belongs to a date: the column beside it, or the only one."""
    if date + 1 in clocks:
        return date + 1
    return clocks[0] if len(clocks) == 1 else None


def _tier(name: str, words: set[str], *, is_paired: bool) -> int:
    if words & _END_WORDS and not words & _BEGIN_WORDS:
        return _END_TIER
    if is_paired:
        return -1
    key = _key(name)
    for tier, names in enumerate(_NAMES):
        if key in names:
            return tier
    return _TIERS_OF_NAMES if words & _BEGIN_WORDS or "time" in words else _OTHER_TIER


def _key(name: str) -> str:
    return " ".join(words_of(name))


def _words(name: str) -> set[str]:
    return set(words_of(name))
