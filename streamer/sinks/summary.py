"""Summary of a stream, printed when it has ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from streamer.display.durations import lasting
from streamer.display.horizons import SHOWN
from streamer.display.lines import printable
from streamer.display.numbers import number, percent, plural
from streamer.display.verdict import UNCLEAR, began_later, verdict
from streamer.readings import (
    Alarm,
    BandScores,
    Counts,
    ErrorScores,
    Link,
    Notice,
    Scores,
    Step,
    skill,
)
from streamer.sinks import Item
from streamer.sinks.items import About
from streamer.sinks.means import score_lines
from streamer.sinks.watch import OutageWatch

if TYPE_CHECKING:
    from streamer.readings.blocks import BlockResult, ReadingBlock


class Summary:
    """Keeps the last step and counts readings, notices and alarms; `lines` is the summary.

    Of a resumed recording it receives only the new steps, while the counts and scores in a step
    cover the whole recording.

    Args:
        verbose: whether to name the model and its engine.
        horizons: horizons whose scores are in it, in minutes.
    """

    def __init__(self, *, verbose: bool = False, horizons: Sequence[int] = SHOWN) -> None:
        self._verbose = verbose
        self._horizons = horizons
        self._about: About | None = None
        self._first_at: datetime | None = None
        self._last: Step | None = None
        self._readings = 0
        self._before = 0
        self._scored_in_sample = False
        self._notices: Counter[str] = Counter()
        self._conversions: list[str] = []
        self._alarms: Counter[str] = Counter()
        self._solar = _SolarEnergy()
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
            if item.kind == Notice.CONVERSION:
                self._conversions.append(item.text)
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
        lines = [
            f"{self._source()}: {plural(self._readings, 'reading')}, "
            f"{self._first_at:%Y-%m-%d %H:%M} to {self._last.reading.at:%Y-%m-%d %H:%M}",
            *self._conversions,
            *([] if recorded else [gaps]),
            *self._away(),
            *self._skipped(),
            *self._refused(),
            self._raised(),
            *self._solar.lines(),
            *recorded,
            *self._scores(self._last.scores),
            *score_lines(self._last.mean_scores, self._horizons),
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

    def _scores(self, scores: Scores) -> list[str]:
        if not scores.settled:
            return ["no forecast settled yet: the first comes with the 50th reading"]
        frozen, point = scores.frozen, scores.point
        rows = [
            ("point", ErrorScores(point.mse_kw2, point.mae_kw)),
            ("mean", scores.model),
            *([] if frozen is None else [("frozen", frozen)]),
            ("persistence", scores.persistence),
        ]
        width = max(len(name) for name, _ in rows)
        sign, (words, _) = verdict(scores.skill, scores.skill_is_clear)
        return [
            f"{plural(scores.settled, 'forecast')} settled: "
            f"{words if sign == UNCLEAR else f'mean {words}'}",
            *(f"{name:<{width}}  {_errors(errors)}" for name, errors in rows),
            *_same_minutes(scores),
            *([] if frozen is None else [_gained(scores, frozen)]),
            _band(scores.band),
        ]


class _SolarEnergy:
    """Energy of the readings with solar power."""

    def __init__(self) -> None:
        self._minutes = 0
        self._imported = self._exported = self._solar = self._consumed = 0.0

    def add(self, kw: float, solar_kw: float, consumption_kw: float) -> None:
        """Add the powers of one minute."""
        self._minutes += 1
        if kw < 0.0:
            self._exported -= kw
        else:
            self._imported += kw
        self._solar += solar_kw
        self._consumed += consumption_kw

    def add_block(self, readings: ReadingBlock) -> None:
        """Add a block of readings; nothing where solar power is not measured."""
        solar_kw = readings.solar_kw
        if solar_kw is None:
            return
        self._minutes += len(readings)
        self._exported -= float(readings.kw.clip(max=0.0).sum())
        self._imported += float(readings.kw.clip(min=0.0).sum())
        self._solar += float(solar_kw.sum())
        self._consumed += float(readings.consumption_kw.sum())

    def lines(self) -> list[str]:
        """The energy on one line; none without solar power."""
        if not self._minutes:
            return []
        parts = {
            "solar": self._solar,
            "consumption": self._consumed,
            "import": self._imported,
            "export": self._exported,
        }
        energy = ", ".join(f"{name} {number(kw / 60.0, '.2f')} kWh" for name, kw in parts.items())
        return [f"{energy} in {plural(self._minutes, 'minute')}"]


def _same_minutes(scores: Scores) -> list[str]:
    """Errors of persistence in the minutes of the point forecast, if they are fewer."""
    point = scores.point
    if not began_later(point.persistence_mse_kw2, scores.persistence.mse_kw2):
        return []
    theirs = ErrorScores(point.persistence_mse_kw2, point.persistence_mae_kw)
    return [f"point is scored over fewer minutes: persistence there {_errors(theirs)}"]


def _gained(scores: Scores, frozen: ErrorScores) -> str:
    """Gain of the adapted mean over the frozen one, for the whole stream."""
    gain = skill(scores.model.mse_kw2, frozen.mse_kw2) or 0.0
    minutes = f"over all {plural(scores.settled, 'minute')}"
    share = percent(abs(gain), signed=False)
    if share == percent(0.0, signed=False):
        return f"adapted mean: MSE as frozen, {minutes}"
    better = "better" if gain > 0 else "worse"
    return f"adapted mean: MSE {share} {better} than frozen, {minutes}"


def _band(band: BandScores) -> str:
    return (
        f"{100 * band.confidence:g} % band: covered {percent(band.coverage, signed=False)}, "
        f"mean width {number(band.width_kw, '.3g')} kW, "
        f"Winkler score {number(band.winkler_kw, '.3g')} kW"
    )


def _errors(errors: ErrorScores) -> str:
    return (
        f"MSE {number(errors.mse_kw2, '.5f')} kW²  RMSE {number(errors.rmse_w, '.1f')} W"
        f"  MAE {number(errors.mae_w, '.1f')} W"
    )
