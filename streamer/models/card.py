"""Model card: inputs, outputs, training data and scores of a network."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from streamer.models.bounded import parse_json, read_regular
from streamer.models.bounds import MAX_JSON_BYTES, MAX_OUTPUTS, MAX_SHIFT_KW, MAX_WINDOW
from streamer.models.cardhorizons import SHA256, CardHorizons, read_horizons
from streamer.models.cardhouses import read_houses
from streamer.models.cardscores import CardScores, read_scores
from streamer.models.fields import Fields
from streamer.models.inputs import Input, read_inputs

MEAN = "mean"
LEVEL = "level"
CHANGE = "change"

_TARGETS = (LEVEL, CHANGE)
_QUANTILE = re.compile(r"0?\.[0-9]{1,6}")
_MAX_NAME = 255
_APART = "horizons_test"
_MAX_LIMITS, _MAX_LIMIT_TEXT = 50, 1000


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
        inputs: what the network takes of each reading, the power first; empty for the power
            alone, less `shift_kw`.
        sha256: of the `.keras` file; None for a network that is not from one.
        trained_from: first minute of the training data.
        trained_to: last minute of the training data.
        horizons: what the head for the mean of the next minutes forecasts; None without one.
        facts: all other entries: recipe, seed, versions, scores, data, limits.
    """

    name: str
    window: int = 49
    target: str = LEVEL
    outputs: tuple[str, ...] = (MEAN,)
    shift_kw: float = 0.0
    inputs: tuple[Input, ...] = ()
    sha256: str | None = None
    trained_from: datetime | None = None
    trained_to: datetime | None = None
    horizons: CardHorizons | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the inputs after the power."""
        return tuple(each.name for each in self.inputs[1:])

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels of the quantiles among the outputs, in rising order."""
        return tuple(sorted(float(name) for name in self.outputs if name != MEAN))

    @property
    def trained_spans(self) -> tuple[tuple[datetime, datetime], ...]:
        """First and last minute of the training data of each house, as far as known.

        The span from `trained_from` to `trained_to` is around all of them, and has years in it
        that no house was trained on if there are several.
        """
        houses = [(each.trained_from, each.trained_to) for each in read_houses(self._fields)]
        known = [(first, last) for first, last in houses if first is not None and last is not None]
        if len(known) > 1:
            return tuple(known)
        first, last = self.trained_from, self.trained_to
        return () if first is None or last is None else ((first, last),)

    @property
    def scores(self) -> CardScores | None:
        """Scores on the part that was not trained on, if the card has them."""
        return read_scores(self._fields, "test")

    @property
    def horizon_scores(self) -> CardScores | None:
        """Those with the horizons: of their own test part, if they were trained apart."""
        return read_scores(self._fields, _APART) or self.scores

    @property
    def limits(self) -> tuple[str, ...]:
        """Limits of the model, one sentence each; empty if the card has none."""
        if "limits" not in self.facts:
            return ()
        return self._fields.texts("limits", _MAX_LIMITS, _MAX_LIMIT_TEXT)

    @property
    def others(self) -> Mapping[str, Any]:
        """The other facts, as they are."""
        return self._fields.without("test", _APART, "limits")

    @property
    def _fields(self) -> Fields:
        return Fields(f"card of {self.name!r}", self.facts)

    def to_json(self) -> str:
        """The text of `card.json`."""
        known: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        facts = known.pop("facts")
        known["outputs"] = list(self.outputs)
        known["inputs"] = [each.entry() for each in self.inputs]
        if not self.inputs:
            del known["inputs"]
        for key in ("trained_from", "trained_to"):
            known[key] = None if known[key] is None else known[key].isoformat()
        horizons = known.pop("horizons")
        if horizons is not None:
            known["horizons"] = horizons.to_plain()
        return json.dumps({**known, **facts}, indent=2, ensure_ascii=False) + "\n"


def read_card(path: Path) -> Card:
    """Read a `card.json`: every field by its type and bounds.

    Raises:
        ModelError: it does not exist, is not JSON, or has an invalid value; the message
            names the key.
    """
    content = read_regular(path, MAX_JSON_BYTES)
    given = Fields(str(path), parse_json(str(path), content))
    name = given.text("name", _MAX_NAME)
    shift_kw = given.number("shift_kw", -MAX_SHIFT_KW, MAX_SHIFT_KW)
    card = Card(
        name=name,
        window=given.whole("window", 1, MAX_WINDOW),
        target=given.text("target"),
        outputs=given.texts("outputs", MAX_OUTPUTS),
        shift_kw=shift_kw,
        inputs=read_inputs(given, shift_kw),
        sha256=given.text("sha256"),
        trained_from=given.moment("trained_from"),
        trained_to=given.moment("trained_to"),
        horizons=read_horizons(given),
        facts=given.without(*(f.name for f in fields(Card))),
    )
    if card.target not in _TARGETS:
        raise given.wrong("target", f"give one of: {', '.join(_TARGETS)}")
    if not SHA256.fullmatch(str(card.sha256)):
        raise given.wrong("sha256", "give 64 hexadecimal digits")
    _check_outputs(given, card)
    _check_facts(given, card)
    return card


def _check_outputs(given: Fields, card: Card) -> None:
    quantiles = [name for name in card.outputs if name != MEAN]
    sane = all(map(_QUANTILE.fullmatch, quantiles)) and 0.0 not in card.levels
    if not sane or len(card.outputs) != 1 + len({*card.levels}):
        raise given.wrong(
            "outputs", f"give {MEAN!r} once, and different levels between 0 and 1, such as '0.05'"
        )


def _check_facts(given: Fields, card: Card) -> None:
    """Read what is shown of the facts, for the errors."""
    read_scores(given, "test")
    read_scores(given, _APART)
    read_houses(given)
    if "limits" in card.facts:
        given.texts("limits", _MAX_LIMITS, _MAX_LIMIT_TEXT)
