"""Configuration fixed in a checkpoint: the distribution of meters, and their forecasts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from streamer.display.numbers import plural
from streamer.errors import StateError, UsageError
from streamer.fleet.jsonrecords import from_json
from streamer.fleet.spark.locations import Notation

if TYPE_CHECKING:
    from streamer.fleet.settings import FleetSettings
    from streamer.fleet.spark.storage import ReadableFolder

NAME = "streamer-fleet.json"
VERSION = 1
SPARK_FOLDERS = ("metadata", "offsets", "commits", "state")

_NEW = "give another --checkpoint"


@dataclass(frozen=True, kw_only=True)
class CheckpointOptions:
    """Options that a checkpoint is created with, by the names of the command line.

    Attributes:
        shards: number of shards that the meters are distributed over.
        model: name or path of the model.
        columns: names of the source's columns of meter, minute and power.
        unit: unit of the power, `kW` or `W`.
        delimiter: the character between the fields of CSV files.
        decimal: the decimal separator of numbers as text, `.` or `,`.
        time_unit: unit of times that are numbers, `s`, `ms`, `us` or `ns`, since 1970; `auto`
            for the one that gives a date from 1973 to the present.
        adapt: whether forecasts are corrected by what is learnt of each meter.
        confidence: nominal coverage of the prediction intervals, between 0 and 1.
        gaps: `skip` or `reset`.
        max_gap: longest gap in minutes at which `reset` keeps the window.
        silent_after: minutes after which a meter is reported as silent; 0 for never.
        horizons: whether the mean power of the next 15 and 60 minutes is forecast too.
        zone: IANA name of the meters' time zone.
        demand: minutes of a demand interval, `15` or `60`, or `none`.
        peak_floor: lowest peak that is charged, in kW.
        peak_alarms: false alarms about demand intervals that are accepted a month.
    """

    shards: int = 16
    model: str = "homes"
    columns: str = "meter=meter,minute=minute,kw=kw"
    unit: str = "kW"
    delimiter: str = ","
    decimal: str = "."
    time_unit: str = "auto"
    adapt: bool = True
    confidence: float = 0.9
    gaps: str = "skip"
    max_gap: int = 10
    silent_after: int = 15
    horizons: bool = True
    zone: str = "UTC"
    demand: str = "15"
    peak_floor: float = 0.0
    peak_alarms: float = 3.0

    @property
    def notation(self) -> Notation:
        """The notation of the source's values."""
        return Notation(self.unit, self.decimal, self.time_unit)

    @property
    def fleet(self) -> FleetSettings:
        """The settings of a shard."""
        from streamer.fleet.settings import FleetSettings

        return FleetSettings(
            adapt=self.adapt,
            confidence=self.confidence,
            gaps=self.gaps,
            max_gap=self.max_gap,
            silent_after=self.silent_after,
            horizons=self.horizons,
            zone=self.zone,
            demand=0 if self.demand == "none" else int(self.demand),
            peak_floor_kw=self.peak_floor,
            peak_alarms=self.peak_alarms,
        )


@dataclass(frozen=True)
class FormerModel:
    """A model that a checkpoint had before.

    Attributes:
        model: its name or path.
        weights: SHA-256 of its file.
        until: number of the first batch without it.
    """

    model: str
    weights: str
    until: int


@dataclass(frozen=True)
class CheckpointConfig:
    """Configuration that is fixed for the lifetime of a checkpoint.

    Attributes:
        choices: options that it was created with.
        weights: SHA-256 of the model's file.
        partitions: number of partitions that the shards are distributed over; each is processed
            by one core at a time.
        former: the models before, oldest first.
        resharding: whether the state is being replaced by that of another number of shards.
    """

    choices: CheckpointOptions
    weights: str
    partitions: int
    former: tuple[FormerModel, ...] = ()
    resharding: bool = False

    @property
    def first_weights(self) -> str:
        """SHA-256 of the model that the checkpoint was created with."""
        return self.former[0].weights if self.former else self.weights

    def continued(self, choices: CheckpointOptions, weights: str, batch: int) -> CheckpointConfig:
        """The configuration with other options, from a batch on.

        Args:
            choices: the options.
            weights: SHA-256 of their model's file.
            batch: number of the first batch with them.
        """
        former = self.former
        if weights != self.weights:
            former += (FormerModel(self.choices.model, self.weights, batch),)
        return replace(self, choices=choices, weights=weights, former=former)

    def to_text(self) -> str:
        """The text stored with the checkpoint."""
        return json.dumps({"version": VERSION, **asdict(self)}, indent=2) + "\n"

    @classmethod
    def parse(cls, text: str, checkpoint: str) -> Self:
        """Parse the text that `to_text` returned.

        Raises:
            StateError: the text is damaged, or has another version.
        """
        where = f"{checkpoint}/{NAME}"
        try:
            kept: dict[str, Any] = json.loads(text)
            version = kept.pop("version")
            if version == VERSION:
                # Without an option of a later version, the forecasts would be others.
                return from_json(cls, json.dumps(kept), others="forbid")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StateError(f"{where} is damaged: restore it, or {_NEW}") from None
        raise StateError(f"{where}: unknown version {version!r}: {_NEW}")


def read_config(storage: ReadableFolder, checkpoint: str) -> CheckpointConfig | None:
    """Read the configuration of a checkpoint; None for a new one.

    Raises:
        StateError: it is damaged, or the checkpoint is not one of `streamer fleet`.
    """
    if storage.exists(NAME):
        return CheckpointConfig.parse(storage.read(NAME), checkpoint)
    if any(storage.exists(name) for name in SPARK_FOLDERS):
        raise StateError(
            f"{checkpoint} is a Spark checkpoint without {NAME}, so not one of "
            f"`streamer fleet`: {_NEW}"
        )
    return None


CHANGEABLE = ("model", "gaps", "max_gap", "silent_after")
"""Options that may be changed later: what they affect begins with the next reading."""


def check_given(config: CheckpointConfig, given: Mapping[str, Any], checkpoint: str) -> None:
    """Reject options that differ from those stored in the checkpoint and cannot be changed.

    Args:
        config: configuration of the checkpoint.
        given: options of the command line by name, without those not given.
        checkpoint: the checkpoint's folder.

    Raises:
        UsageError: an option differs.
    """
    for name, value in given.items():
        stored = getattr(config.choices, name)
        if value == stored or name in CHANGEABLE:
            continue
        if name == "shards":
            raise UsageError(
                f"{checkpoint} has {plural(stored, 'shard')}, not {value}: give the same --shards "
                "or none; `streamer fleet reshard` changes their number"
            )
        raise UsageError(
            f"{checkpoint} was created with {_as_option(name, stored)}, not "
            f"{_as_option(name, value)}: give the same or nothing, or {_NEW}"
        )


def changes(former: CheckpointConfig, config: CheckpointConfig) -> Iterator[str]:
    """A line about each difference that affects the forecasts.

    Args:
        former: configuration of the run before.
        config: that of this run.
    """
    if config.weights != former.weights:
        yield (
            f"the model was {former.choices.model} before, and is {config.choices.model} from "
            f"batch {config.former[-1].until} on: each meter's corrections begin anew, which its "
            "next row reports"
        )
    for name in CHANGEABLE:
        before, now = getattr(former.choices, name), getattr(config.choices, name)
        if name != "model" and now != before:
            yield f"{_as_option(name, now)} from here, {before} before"


def _as_option(name: str, value: Any) -> str:
    option = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{option}" if value else f"--no-{option}"
    return f"--{option} {value}"
