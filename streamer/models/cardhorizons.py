"""Part of a model card about the head for the mean power of the next minutes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from streamer.models.bounds import MAX_HORIZON_MINUTES, MAX_HORIZONS
from streamer.models.features import FEATURES
from streamer.models.fields import Fields

OUTPUTS = ("mean", "0.05", "0.5", "0.95")
"""What is forecast for each horizon: the mean, and three quantiles."""

SHA256 = re.compile(r"[0-9a-f]{64}")

_MIN_SCALE_KW, _MAX_SCALE_KW = 1e-6, 1e6


@dataclass(frozen=True)
class CardHorizons:
    """What the outputs of `horizons.keras` are.

    Attributes:
        minutes: numbers of minutes whose mean is forecast, in rising order, from 2 on: the
            forecast for 1 minute is that of the network itself.
        outputs: the names in `OUTPUTS`, in the order of the file's outputs for each horizon.
        features: names of the features that follow the hidden state among its inputs
            (`streamer.models.features`).
        scales_kw: for each horizon, the power in kW that an output of 1 means: the change
            from the last reading to that mean or quantile.
        sha256: of the file.
    """

    minutes: tuple[int, ...]
    outputs: tuple[str, ...]
    features: tuple[str, ...]
    scales_kw: tuple[float, ...]
    sha256: str

    def to_plain(self) -> dict[str, Any]:
        """Its entry in `card.json`."""
        return {
            "minutes": list(self.minutes),
            "outputs": list(self.outputs),
            "features": list(self.features),
            "scales_kw": list(self.scales_kw),
            "sha256": self.sha256,
        }


def read_horizons(card: Fields) -> CardHorizons | None:
    """The part of a card about horizons; None if it has none.

    Raises:
        ModelError: a field is missing, or has another type or value; the message names it.
    """
    if not card.has("horizons"):
        return None
    given = card.part("horizons")
    found = CardHorizons(
        minutes=given.wholes("minutes", MAX_HORIZONS, 2, MAX_HORIZON_MINUTES),
        outputs=given.texts("outputs", len(OUTPUTS)),
        features=given.texts("features", len(FEATURES)),
        scales_kw=given.numbers("scales_kw", MAX_HORIZONS, _MIN_SCALE_KW, _MAX_SCALE_KW),
        sha256=given.text("sha256"),
    )
    if not found.minutes or list(found.minutes) != sorted(set(found.minutes)):
        raise given.wrong("minutes", "give one horizon at least, in rising order")
    if sorted(found.outputs) != sorted(OUTPUTS):
        raise given.wrong("outputs", f"give each of: {', '.join(OUTPUTS)}")
    unknown = [name for name in found.features if name not in FEATURES]
    if unknown or len(set(found.features)) != len(found.features):
        raise given.wrong("features", f"give different ones of: {', '.join(FEATURES)}")
    if len(found.scales_kw) != len(found.minutes):
        raise given.wrong("scales_kw", f"give {len(found.minutes)} numbers, one for each horizon")
    if not SHA256.fullmatch(found.sha256):
        raise given.wrong("sha256", "give 64 hexadecimal digits")
    return found
