"""What is fixed with a checkpoint: how meters are dealt out, and how they are forecast."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Self

from streamer.errors import StateError, UsageError

if TYPE_CHECKING:
    from streamer.fleet.settings import FleetSettings
    from streamer.fleet.spark.storage import Storage

NAME = "streamer-fleet.json"
VERSION = 1
SPARKS_OWN = ("metadata", "offsets", "commits", "state")

_NEW = "give another --checkpoint"


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What a checkpoint is begun with, by the names of the options; each has its default.

    Attributes:
        shards: how many the meters are dealt out to.
        model: name or path of the model.
        columns: of the source, those of meter, minute and power.
        unit: of the power, `kW` or `W`.
        adapt: whether forecasts are corrected by what is learnt on the way.
        confidence: share of the readings that is to lie inside the band.
        gaps: `skip` or `reset`.
        max_gap: the longest gap in minutes that `reset` goes on over.
        silent_after: minutes after which a meter is reported as silent; 0 for never.
    """

    shards: int = 16
    model: str = "sceaux"
    columns: str = "meter=meter,minute=minute,kw=kw"
    unit: str = "kW"
    adapt: bool = True
    confidence: float = 0.9
    gaps: str = "skip"
    max_gap: int = 10
    silent_after: int = 15

    @property
    def fleet(self) -> FleetSettings:
        """Those that a shard is told."""
        from streamer.fleet.settings import FleetSettings

        return FleetSettings(
            adapt=self.adapt,
            confidence=self.confidence,
            gaps=self.gaps,
            max_gap=self.max_gap,
            silent_after=self.silent_after,
        )


@dataclass(frozen=True)
class Fixed:
    """What holds for as long as a checkpoint does.

    Attributes:
        choices: what it was begun with.
        weights: SHA-256 of the model's file.
        partitions: how many the shards are dealt out to; one is one core's work at a time.
    """

    choices: Choices
    weights: str
    partitions: int

    def to_text(self) -> str:
        """As it is kept with the checkpoint."""
        return json.dumps({"version": VERSION, **asdict(self)}, indent=2) + "\n"

    @classmethod
    def parse(cls, text: str, checkpoint: str) -> Self:
        """Read what `to_text` has written.

        Raises:
            StateError: it is damaged, or of another version.
        """
        where = f"{checkpoint}/{NAME}"
        try:
            kept: dict[str, Any] = json.loads(text)
            version = kept.pop("version")
            if version == VERSION:
                choices = Choices(**kept.pop("choices"))
                fixed = cls(choices=choices, **kept)
                _check_types(choices)
                _check_types(fixed, but="choices")
                return fixed
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StateError(f"{where} is damaged: put it back as it was, or {_NEW}") from None
        raise StateError(f"{where}: version {version!r} is not one that is known here: {_NEW}")


def read_fixed(storage: Storage, checkpoint: str) -> Fixed | None:
    """What a checkpoint was begun with; None for a new one.

    Raises:
        StateError: it is damaged, or not one of ours.
    """
    if storage.exists(NAME):
        return Fixed.parse(storage.read(NAME), checkpoint)
    if any(storage.exists(name) for name in SPARKS_OWN):
        raise StateError(
            f"{checkpoint} is a checkpoint of Spark's without {NAME}, so not one of "
            f"`streamer fleet`: {_NEW}"
        )
    return None


def check_said(fixed: Fixed, said: Mapping[str, Any], weights: str, checkpoint: str) -> None:
    """See that nothing is said that a checkpoint was not begun with.

    Args:
        fixed: what it was begun with.
        said: choices by name, without those that are left as they are.
        weights: of the model that is there now.
        checkpoint: the folder.

    Raises:
        UsageError: something is.
    """
    for name, value in said.items():
        was = getattr(fixed.choices, name)
        if name == "shards" and value != was:
            raise UsageError(
                f"{checkpoint} has {was} shards, and --shards says {value}: say the same or "
                f"nothing, or {_NEW}"
            )
        if name != "model" and value != was:
            raise UsageError(
                f"{checkpoint} was begun with {_as_option(name, was)}, not "
                f"{_as_option(name, value)}: say the same or nothing, or {_NEW}"
            )
    if weights != fixed.weights:
        model = said.get("model", fixed.choices.model)
        raise UsageError(
            f"{checkpoint} was begun with other weights than the model {model!r} has: put the "
            f"model back, or {_NEW}"
        )


def _as_option(name: str, value: Any) -> str:
    option = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{option}" if value else f"--no-{option}"
    return f"--{option} {value}"


def _check_types(value: Any, but: str = "") -> None:
    """See that each field holds what it is declared to."""
    kinds: dict[Any, Any] = {"str": str, "int": int, "bool": bool, "float": float}
    for field in fields(value):
        if field.name != but and type(getattr(value, field.name)) is not kinds[field.type]:
            raise TypeError(field.name)
