"""Model card: inputs, outputs, training data and scores of a network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from streamer.errors import ModelError

MEAN = "mean"
LEVEL = "level"
CHANGE = "change"

_TARGETS = (LEVEL, CHANGE)


@dataclass(frozen=True)
class Card:
    """Everything needed to use a network, and the facts of its training.

    A `.keras` file without a card is read with the defaults: kW in, kW out, not centred.

    Attributes:
        name: the model's name.
        window: number of readings in a window.
        target: meaning of the outputs: the next value's `level` (less the shift), or its
            `change` since the last reading.
        outputs: one name per output of the head: `mean`, or a quantile such as `0.05`.
        shift_kw: subtracted from every reading, in kW.
        sha256: of the `.keras` file; None without a card.
        trained_from: first minute of the training data.
        trained_to: last minute of the training data.
        facts: all other entries: recipe, seed, versions, scores, data, limits.
    """

    name: str
    window: int = 49
    target: str = LEVEL
    outputs: tuple[str, ...] = (MEAN,)
    shift_kw: float = 0.0
    sha256: str | None = None
    trained_from: datetime | None = None
    trained_to: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels of the quantiles among the outputs, in rising order."""
        return tuple(sorted(float(name) for name in self.outputs if name != MEAN))

    def to_json(self) -> str:
        """The text of `card.json`."""
        known: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        facts = known.pop("facts")
        known["outputs"] = list(self.outputs)
        for key in ("trained_from", "trained_to"):
            known[key] = None if known[key] is None else known[key].isoformat()
        return json.dumps({**known, **facts}, indent=2, ensure_ascii=False) + "\n"


def read_card(path: Path) -> Card:
    """Read a `card.json`.

    Raises:
        ModelError: it does not exist, is not JSON, or has an invalid value; the message
            names the key.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: not a readable card ({error})") from None
    if not isinstance(raw, dict):
        raise ModelError(f"{path}: a card is a JSON object")
    return _parsed(path, raw)


def _parsed(path: Path, raw: dict[str, Any]) -> Card:
    def take(key: str, kinds: type | tuple[type, ...]) -> Any:
        value = raw.pop(key, None)
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise ModelError(f"{path}: {key!r} is {value!r}")
        return value

    def moment(key: str) -> datetime | None:
        value = raw.pop(key, None)
        try:
            return None if value is None else datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise ModelError(f"{path}: {key!r} is {value!r}, not an ISO 8601 time") from None

    card = Card(
        name=take("name", str),
        window=take("window", int),
        target=take("target", str),
        outputs=tuple(take("outputs", list)),
        shift_kw=float(take("shift_kw", (int, float))),
        sha256=take("sha256", str),
        trained_from=moment("trained_from"),
        trained_to=moment("trained_to"),
        facts=raw,
    )
    if card.window < 1:
        raise ModelError(f"{path}: 'window' is {card.window}")
    if card.target not in _TARGETS:
        raise ModelError(f"{path}: 'target' is {card.target!r}, not one of {', '.join(_TARGETS)}")
    _check_outputs(path, card)
    return card


def _check_outputs(path: Path, card: Card) -> None:
    try:
        sane = all(0.0 < level < 1.0 for level in card.levels)
    except (TypeError, ValueError):
        sane = False
    if not sane or card.outputs.count(MEAN) != 1 or len(set(card.outputs)) != len(card.outputs):
        raise ModelError(
            f"{path}: 'outputs' is {list(card.outputs)}; expected {MEAN!r} once, and levels "
            "between 0 and 1"
        )
