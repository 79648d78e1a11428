"""Summary of a stream, printed when it has ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from streamer.display.durations import lasting
from streamer.display.horizons import SHOWN
from streamer.display.lines import printable
from streamer.display.numbers import plural
from streamer.readings import (
    Alarm,
    Counts,
    Link,
    Notice,
    Step,
)
from streamer.sinks import Item
from streamer.sinks.challengers import challenger_lines
from streamer.sinks.intervals import IntervalTotals
from streamer.sinks.items import About
from streamer.sinks.means import score_lines as mean_score_lines
from streamer.sinks.scores import score_lines
from streamer.sinks.solar import SolarEnergy
from streamer.sinks.watch import OutageWatch

if TYPE_CHECKING:
    from streamer.energy.tariff import Tariff
    from streamer.readings.blocks import BlockResult


class Summary:
    """Keeps the last step and counts readings, notices and alarms; `lines` is the summary.

    Of a resumed recording it receives only the new steps, while the counts and scores in a step
    cover the whole recording.

    Args:
        verbose: whether to name the model and its engine.
        horizons: horizons whose scores are in it, in minutes.
        tariff: what the energy costs; None if that is not known.
    """

    def __init__(
        self,
        *,
        verbose: bool = False,
        horizons: Sequence[int] = SHOWN,
        tariff: Tariff | None = None,
    ) -> None:
        self._verbose = verbose
        self._horizons = horizons
        self._about: About | None = None
        self._first_at: datetime | None = None
        self._last: Step | None = None
        self._readings = 0
        self._before = 0
        self._scored_in_sample = False
        self._notices: Counter[str] = Counter()
        self._remarks: list[str] = []
        self._alarms: Counter[str] = Counter()
        self._solar = SolarEnergy()
        self._intervals = IntervalTotals(tariff)
        self._refusals: Counter[str] = Counter()
        self._link = OutageWatch()
        self._linked = False

    def write(self, item: Item) -> None:
        """Count one item."""
        if isinstance(item, Step):
            self._add(item)
        elif isinstance(item, Notice):
            self._notices[item.kind] += item.count
            if item.kind == Notice.REFUSED:
                self._refusals[item.reason or "other"] += item.count
            if item.kind == Notice.CONVERSION or item.reason == Notice.PLUGIN:
                self._remarks.append(item.text)
        elif isinstance(item, Link):
            self._link.see(item)
            self._linked = True
        elif isinstance(item, About):
            self._about = item

    def write_block(self, result: BlockResult) -> None:
        """Count a block of readings."""
        if self._first_at is None:
            self._first_at = result.readings[0].at
            self._before = result.last.counts.readings - len(result.readings)
        self._last = result.last
        self._readings += len(result.readings)
        self._solar.add_block(result.readings)
        self._intervals.add_block(result)
        self._count(result.alarms)
        if self._about is not None and not self._scored_in_sample:
            self._scored_in_sample = any(
                result.settled_between(*span) for span in self._about.spans
            )

    @property
    def begun(self) -> bool:
        """Whether anything has come from the source."""
        return self._last is not None or self._linked or bool(self._notices)

    def close(self) -> None:
        """Do nothing: the summary holds no resource."""

    def lines(self) -> list[str]:
        """The lines of the summary, printable whatever names and texts are in them."""
        return [printable(line) for line in self._lines()]

    def _lines(self) -> list[str]:
        if self._first_at is None or self._last is None:
            return ["no readings", *self._away(), *self._skipped(), *self._refused()]
        counts = self._last.counts
        before = self._before
        gaps = self._gaps(counts)
        recorded = [f"with the {before:,} recorded before:", gaps] if before else []
        shown = "adapted" if self._last.champion is None else "shown"
        lines = [
            f"{self._source()}: {plural(self._readings, 'reading')}, "
            f"{self._first_at:%Y-%m-%d %H:%M} to {self._last.reading.at:%Y-%m-%d %H:%M}",
            *self._remarks,
            *([] if recorded else [gaps]),
            *self._away(),
            *self._skipped(),
            *self._refused(),
            self._raised(),
            *self._solar.lines(),
            *self._intervals.lines(self._last),
            *recorded,
            *score_lines(self._last.scores, shown),
            *mean_score_lines(self._last.mean_scores, self._horizons),
            *challenger_lines(self._last.challengers, self._last.champion),
        ]
        if self._verbose and self._about is not None:
            lines.append(f"model {self._about.model}, engine {self._about.engine}")
        if self._scored_in_sample:
            lines.append(
                "in sample: the model was trained on some of these minutes, so these scores flatter"
            )
        return lines

    def _add(self, step: Step) -> None:
        if self._first_at is None:
            self._first_at = step.reading.at
            self._before = step.counts.readings - 1
        self._last = step
        self._readings += 1
        reading = step.reading
        if reading.solar_kw is not None:
            self._solar.add(reading.kw, reading.solar_kw, reading.consumption_kw)
        if step.demand is not None:
            self._intervals.add(step)
        if step.alarms:
            self._count(alarm for alarm in step.alarms if alarm.at == step.reading.at)
        if step.settled is not None and not self._scored_in_sample:
            self._scored_in_sample = self._about is not None and self._about.in_sample(
                step.reading.at
            )

    def _count(self, raised: Iterable[Alarm]) -> None:
        self._alarms.update(alarm.kind for alarm in raised)

    def _source(self) -> str:
        return "stream" if self._about is None else self._about.source

    def _gaps(self, counts: Counts) -> str:
        if not counts.gaps:
            return "no gaps"
        text = f"{plural(counts.gaps, 'gap')} of {plural(counts.gap_minutes, 'minute')} in all"
        return text + (f", buffer emptied {plural(counts.resets, 'time')}" if counts.resets else "")

    def _away(self) -> list[str]:
        """Lines about the connection to a meter, if it was lost or never reached."""
        link, away = self._link, self._link.away
        if away and not link.reached:
            return [f"{away.peer} never reached" + (f": {away.text}" if away.text else "")]
        if not link.lost:
            return []
        over = f", {lasting(link.away_s)} in all" if link.away_s else ""
        on = f", the last since {away.since:%Y-%m-%d %H:%M}" if away and away.since else ""
        return [f"connection lost {plural(link.lost, 'time')}{over}{on}"]

    def _skipped(self) -> list[str]:
        phrases = {
            Notice.MALFORMED: ("malformed row", ""),
            Notice.ORDER: ("row", " out of order"),
            Notice.ABSURD: ("implausible value", ""),
        }
        skipped = [
            plural(self._notices[kind], noun) + rest
            for kind, (noun, rest) in phrases.items()
            if self._notices[kind]
        ]
        return [f"skipped: {', '.join(skipped)}"] if skipped else []

    def _refused(self) -> list[str]:
        if not self._refusals:
            return []
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in self._refusals.most_common())
        return [f"refused: {plural(self._refusals.total(), 'request')} ({reasons})"]

    def _raised(self) -> str:
        if not self._alarms:
            return "no alarms"
        counted = (f"{count:,} {kind}" for kind, count in self._alarms.most_common())
        return f"alarms: {', '.join(counted)}"
