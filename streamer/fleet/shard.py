"""A shard: about a thousand meters, each forecast as by a pipeline of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.errors import StateError, UsageError
from streamer.fleet.arranged import MINUTE_US, NEVER, RoundBlock, accept, plan, round_blocks
from streamer.fleet.columns import SILENT, Column, Outcome
from streamer.fleet.demand import peak_columns
from streamer.fleet.nextreadings import waiting_columns
from streamer.fleet.records import RecordKeeper
from streamer.fleet.rows import some_of
from streamer.fleet.running import running_columns, running_scores
from streamer.fleet.settings import FleetSettings
from streamer.fleet.silence import fall_silent, latest_of
from streamer.fleet.summary import ShardSummary, summarise
from streamer.fleet.table import MeterTable
from streamer.fleet.windows import forecast_windows, put_in_windows
from streamer.models.forecaster import NetworkForecaster
from streamer.readings.arrays import DoubleArray, Records, TimeArray


class Shard:
    """State of some meters, and the processing of their readings.

    Does with NumPy, for all meters with a reading in the same round, what
    `streamer.pipeline.Pipeline` does for one meter; the network computes all windows of a call
    together. The output rows equal those of a pipeline per meter with ``adapt="light"``,
    forecasts and bands to 1e-5 kW and five millionths of the power, for any order in which the
    readings of different meters arrive. Without adapting, those of the next reading equal a
    pipeline's with ``adapt=False``, whose longer horizons and demand intervals are the full ones.
    The alarm of drift and the scores of the last hour and day are left out, because their state is
    too large for a fleet.

    Args:
        forecaster: the model.
        settings: settings of all meters; None for the defaults.

    Raises:
        UsageError: the model takes channels beside the power.

    >>> import numpy as np
    >>> from streamer.models import load_model
    >>> shard = Shard(load_model())
    >>> minutes = np.datetime64("2010-03-19T17:00", "us") + np.arange(50) * np.timedelta64(1, "m")
    >>> outcome = shard.push(["attic"] * 50, minutes, np.full(50, 0.3))
    >>> outcome.columns["settled"][-1].item(), round(outcome.columns["next_kw"][-1].item(), 1)
    (1, 0.3)
    """

    def __init__(
        self, forecaster: NetworkForecaster, settings: FleetSettings | None = None
    ) -> None:
        if forecaster.channels:
            raise UsageError(
                f"model {forecaster.card.name!r} takes the channels "
                f"{', '.join(forecaster.channels)}, which the meters of a fleet do not have; give "
                "a model of the power alone"
            )
        self._settings = FleetSettings() if settings is None else settings
        self._forecaster = forecaster
        self._window = forecaster.window
        self._keeper = RecordKeeper(self._settings, forecaster)
        self._table = MeterTable(self._keeper.first)
        self.late = self.doubled = self.invalid = 0

    @property
    def meters(self) -> list[str]:
        """Names of all meters so far."""
        return self._table.names

    @property
    def latest(self) -> np.datetime64 | None:
        """The latest minute that more than one meter in a hundred has reached; None before any.

        Not the latest minute of all, because a meter whose clock is ahead would make all others
        appear silent. With more than four meters, at least two must have reached it.
        """
        return latest_of(self._table.records["last_at"])

    @property
    def is_silent(self) -> bool:
        """Whether all meters that have sent readings are reported as silent."""
        records = self._table.records
        return bool(records["silent"][records["last_at"] != NEVER].all())

    def push(
        self,
        meter: Sequence[str] | NDArray[Any],
        minute: TimeArray,
        kw: DoubleArray,
    ) -> Outcome:
        """Process readings, in any order.

        The readings of a meter are processed in order of time. One that is not after the last
        reading of its meter from an earlier call, or has the time of another, is late or a
        duplicate: it is counted and dropped, so that readings may be delivered again.

        Args:
            meter: (readings,) names of the meters.
            minute: (readings,) times without a zone, all in the same zone, such as UTC.
            kw: (readings,) mean active power in kW. Values that are not finite are counted and
                dropped.

        Returns:
            One row per processed reading, and one per silence that a reading has ended and that
            was not reported before: so the same silences are reported however the readings are
            distributed over calls.
        """
        names = meter.tolist() if isinstance(meter, np.ndarray) else list(meter)
        rows = self._table.rows(names)
        at = np.asarray(minute).astype("datetime64[us]").astype(np.int64)
        records = self._table.records
        readings = accept(rows, at, np.asarray(kw, np.float64), records["last_at"])
        self.late += readings.late
        self.doubled += readings.doubled
        self.invalid += readings.invalid
        names_of = np.array(self._table.names, object)
        parts = []
        with np.errstate(over="ignore"):  # values that are too large are clipped where needed
            for block in round_blocks(readings):
                with some_of(records, block.rows) as some:
                    outcomes = self._push_block(some, block)
                for outcome in outcomes:
                    outcome.columns["meter"] = names_of[block.rows[outcome.columns["meter"]]]
                parts += outcomes
        return Outcome.joined(parts)

    def silent(self, now: np.datetime64) -> Outcome:
        """Report the meters that have been silent for too long, each once until its next reading.

        Args:
            now: the present minute.

        Returns:
            One row per silent meter, at its first minute without a reading.
        """
        names = np.array(self._table.names, object)
        now_us = now.astype("datetime64[us]").astype(np.int64)
        after_us = self._settings.silent_after * MINUTE_US
        return fall_silent(self._table.records, names, now_us, after_us)

    def summary(self) -> Outcome:
        """One row per meter: its last reading, its waiting forecast and its scores so far."""
        records = self._table.records
        columns: dict[str, Column] = {
            "meter": np.array(self._table.names, object),
            "minute": records["last_at"].view("datetime64[us]"),
            "actual_kw": records["last_kw"].copy(),
            **waiting_columns(records),
            **(peak_columns(records["demand"]) if self._settings.demand else {}),
            **running_columns(records),
            "alarms": np.array(
                [SILENT if silent else None for silent in records["silent"]], object
            ),
        }
        return Outcome.of(len(records), columns)

    def tally(self) -> ShardSummary:
        """Totals of all meters, and the worst of them, for the status of a fleet."""
        latest, records = self.latest, self._table.records
        return summarise(
            self._table.names,
            records,
            {str(minutes): each for minutes, each in running_scores(records).items()},
            latest_us=None if latest is None else int(latest.astype("datetime64[us]").astype(int)),
            late=self.late,
            doubled=self.doubled,
            invalid=self.invalid,
        )

    def state(self) -> bytes:
        """Saved state: everything that the next row depends on."""
        return self._table.state(
            {
                "late": self.late,
                "doubled": self.doubled,
                "invalid": self.invalid,
                "intervals": self._intervals,
                "with": self._fingerprint(),
            }
        )

    def restore(self, state: bytes, *, unnamed: str | None = None) -> None:
        """Continue from a saved state, with bit-identical results.

        The state may be that of a shard with another model. Then windows, forecasts that wait,
        scores and alarms are carried over, and what was learnt of the errors of that model is not;
        each meter reports the change with its next reading. Demand intervals of another length
        begin anew.

        Args:
            state: the state.
            unnamed: SHA-256 of the model of a state of a former version, which does not name it;
                None for the present one.

        Raises:
            StateError: the state has another version or settings, or is damaged.
        """
        about = self._table.restore(state, self._forecaster.to_kw)
        made_with, ours = about.get("with"), self._fingerprint()
        if not isinstance(made_with, dict) or not made_with.keys() >= ours.keys() - {"model"}:
            raise StateError("state of a shard is damaged: its settings are missing")
        is_named = "model" in made_with
        theirs = {"model": unnamed or ours["model"], **made_with}
        for name in ("adapt", "confidence"):
            if theirs[name] != ours[name]:
                raise StateError(
                    f"state of a shard has {name} {theirs[name]}, this one has {ours[name]}"
                )
        records = self._table.records
        if self._settings.demand and about.get("intervals") != self._intervals:
            records["demand"] = self._keeper.first["demand"]
        self._keeper.check(records)
        if any(theirs[name] != ours[name] for name in ("model", "window", "levels")):
            self._keeper.renew(records, tuple(theirs["levels"]))
            if not is_named:
                records["held"] = 0  # its windows were in the units of that model
        self.late, self.doubled, self.invalid = (
            int(str(about.get(name))) for name in ("late", "doubled", "invalid")
        )

    def records(self) -> list[bytes]:
        """Record of each of `meters`, for another shard to `adopt`."""
        return [record.tobytes() for record in self._table.records]

    def adopt(self, meters: Sequence[str], records: Sequence[bytes]) -> None:
        """Continue the forecasts of meters from another shard, with bit-identical results.

        Args:
            meters: names of meters that this shard does not have.
            records: their `records` in a shard with the same model and settings.

        Raises:
            StateError: this shard has one of the meters, or a record is damaged.
        """
        self._table.adopt(meters, records)
        self._keeper.check(self._table.records)

    @property
    def _intervals(self) -> list[object]:
        return [self._settings.demand, self._settings.net]

    def _fingerprint(self) -> dict[str, object]:
        settings = self._settings
        return {
            "model": self._forecaster.card.sha256,
            "window": self._window,
            "levels": list(self._forecaster.levels),
            "adapt": settings.adapt,
            "confidence": settings.confidence,
        }

    def _push_block(self, some: Records, block: RoundBlock) -> list[Outcome]:
        """Process a block of rounds; "meter" in the outcomes is an index into `some`."""
        rounds = plan(
            block,
            last_at=some["last_at"],
            held=some["held"],
            window=self._window,
            gaps=self._settings.gap_rule,
        )
        inputs = put_in_windows(some, block)
        self._forecaster.to_inputs(inputs, out=inputs)
        mean, quantiles, hidden = forecast_windows(self._forecaster, inputs, block.kw, rounds.full)
        outcomes = []
        for number, here in enumerate(rounds.present):
            part = slice(None) if here.all() else here
            with some_of(some, here) as now:
                outcome = self._keeper.push(
                    now,
                    np.flatnonzero(here),
                    at=block.at[number, part],
                    kw=block.kw[number, part],
                    rounds=rounds.of(number, part),
                    mean=mean[number, part],
                    quantiles=quantiles[number, part],
                    hidden=hidden[number, part],
                )
            outcomes.append(outcome)
        return outcomes
