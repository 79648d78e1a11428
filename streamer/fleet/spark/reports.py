"""What a query says of a batch and of itself, as it is kept."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Self

from streamer.fleet.spark.waiting import Report, observed

VERSION = 1
RUNNING, DONE, STOPPED, FAILED = "running", "done", "stopped", "failed"
DIED, OVERDUE = "died", "overdue"

_LARGEST = 1e11
"""No time in seconds since 1970 is larger that has a year of four digits, nor any count."""

_UNIT_S = {"second": 1.0, "minute": 60.0, "hour": 3600.0}

WORD_S = 30.0
"""How often a run that is going on says so, at least."""

_OVERDUE_S = 6 * WORD_S


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What is counted, of a batch or of several.

    Attributes:
        read: rows that came from the source.
        unusable: those of them without a meter, a minute or a power.
        readings: the others.
        late: readings that were before the last of their meter.
        doubled: readings that there had been already.
        invalid: readings of no finite power.
        rows: how many were written.
        silent: meters found to be silent.
        alarms: rows with an alarm, silent meters among them.
    """

    read: int = 0
    unusable: int = 0
    readings: int = 0
    late: int = 0
    doubled: int = 0
    invalid: int = 0
    rows: int = 0
    silent: int = 0
    alarms: int = 0


@dataclass(frozen=True, kw_only=True)
class Batch(Counts):
    """A batch that is done, and what is counted of it.

    Attributes:
        number: Spark's.
        began: when, in seconds since 1970.
        seconds: how long it took.
        parts_s: how that splits, by Spark's names of the parts.
        behind: records that wait at the source; None if it does not say.
    """

    number: int
    began: float
    seconds: float
    parts_s: Mapping[str, float] = field(default_factory=dict)
    behind: int | None = None

    @property
    def ended(self) -> float:
        """When, in seconds since 1970."""
        return self.began + self.seconds

    @classmethod
    def of(cls, report: Report) -> Self:
        """What matters of Spark's report."""
        read, written = observed(report)
        durations = {name: ms / 1000.0 for name, ms in report["durationMs"].items()}
        named = {"late", "doubled", "invalid", "rows", "silent", "alarms", "readings"}
        return cls(
            number=report["batchId"],
            began=datetime.fromisoformat(report["timestamp"]).timestamp(),
            seconds=durations.pop("triggerExecution", 0.0),
            parts_s=durations,
            read=read.get("rows") or 0,
            unusable=read.get("unusable") or 0,
            behind=_behind(report["sources"]),
            **{name: written.get(name) or 0 for name in named},
        )


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run of the query, as it tells of itself.

    Attributes:
        began: when, in seconds since 1970.
        source: where its readings come from.
        sink: where its rows go.
        every_s: how long from one batch to the next; 0 if it is to end when it is done.
        said: when it last had a word to say.
        state: `running`; or how it ended: `done`, `stopped` or `failed`.
        cause: what it failed of.
        host: the machine's name.
        pid: of the process there.
    """

    began: float
    source: str
    sink: str
    every_s: float = 0.0
    said: float = 0.0
    state: str = RUNNING
    cause: str | None = None
    host: str = ""
    pid: int = 0

    def state_at(self, now: float) -> str:
        """The state, as far as can be told from outside.

        Args:
            now: seconds since 1970.

        Returns:
            The state; if that is `running`, `died` if the process is not there any more, and
            `overdue` if nothing has been heard for minutes.
        """
        if self.state != RUNNING:
            return self.state
        if self.host == platform.node() and not _is_there(self.pid):
            return DIED
        return OVERDUE if now - self.said > _OVERDUE_S else RUNNING


def seconds_of(every: str) -> float | None:
    """The time that Spark is told as a trigger's; None if it is not written like one.

    >>> seconds_of("10 seconds"), seconds_of("1 minute"), seconds_of("0 minutes")
    (10.0, 60.0, None)
    """
    found = re.fullmatch(r"\s*([1-9]\d*)\s+(second|minute|hour)s?\s*", every)
    return int(found[1]) * _UNIT_S[found[2]] if found else None


def made(kind: type[Any], values: dict[str, Any]) -> Any:
    """An instance, once all its values are seen to be of the declared types.

    Raises:
        ValueError: one is not, or is missing.
    """
    kinds: dict[Any, tuple[type, ...]] = {
        "str": (str,),
        "str | None": (str, type(None)),
        "int": (int,),
        "int | None": (int, type(None)),
        "float": (float, int),
        "Mapping[str, float]": (dict,),
    }
    for each in fields(kind):
        if each.name in values and type(values[each.name]) not in kinds[each.type]:
            raise ValueError(f"{each.name} is {values[each.name]!r}")
    parts = list(values.get("parts_s", {}).values())
    if any(type(part) not in (float, int) for part in parts):
        raise ValueError("a part's time is no number")
    numbers = [it for it in (*values.values(), *parts) if isinstance(it, float | int)]
    if not all(0 <= it <= _LARGEST for it in numbers):
        raise ValueError("a number is out of its range")
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(str(error)) from None


def object_of(line: str) -> dict[str, Any]:
    """The JSON object in a line.

    Raises:
        ValueError: there is none.
    """
    found = json.loads(line, parse_constant=_refuse)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def line_of(batch: Batch) -> str:
    """A batch as a line, without its end."""
    return json.dumps(asdict(batch), separators=(",", ":"))


def _behind(sources: Iterable[Any]) -> int | None:
    """Records that wait, of sources whose offsets are numbers by topic and partition."""
    total = None
    for source in sources:
        try:
            latest, end = (
                {
                    (topic, partition): int(offset)
                    for topic, offsets in json.loads(source[name]).items()
                    for partition, offset in offsets.items()
                }
                for name in ("latestOffset", "endOffset")
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        waiting = sum(max(0, offset - end.get(at, 0)) for at, offset in latest.items())
        total = waiting + (total or 0)
    return total


def _is_there(pid: int) -> bool:
    """Whether a process of this machine is there, as far as can be asked."""
    if os.name != "posix" or pid <= 0:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
