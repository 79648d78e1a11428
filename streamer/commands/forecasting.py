"""Model and settings that a stream is forecast with, replayed or watched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamer.models import find_model
from streamer.sinks.items import About

if TYPE_CHECKING:
    from streamer.pipeline import Pipeline


@dataclass(frozen=True)
class Forecasting:
    """Model, and how the pipeline is to run it.

    Attributes:
        model: name or path of the model.
        engine: `auto`, `compiled`, `numpy` or `tensorflow`.
        gaps: `skip` or `reset`.
        max_gap: the longest gap in minutes that `reset` goes on over.
        adapt: whether the forecasts are corrected by what is learnt on the way.
        confidence: share of the readings that is to lie inside the bands.
    """

    model: str = "sceaux"
    engine: str = "auto"
    gaps: str = "skip"
    max_gap: int = 10
    adapt: bool = True
    confidence: float = 0.9

    def check(self) -> None:
        """Find the model, without loading it.

        Raises:
            ModelError: there is none of that name.
        """
        find_model(self.model)

    def fingerprint(self) -> dict[str, str]:
        """What a saved state of the pipeline goes with; of another, it is of no use."""
        from streamer.models.artefact import sha256_of

        return {
            "model": self.model,
            "weights": sha256_of(find_model(self.model)),
            "gaps": f"{self.gaps} {self.max_gap}" if self.gaps == "reset" else self.gaps,
            "adapt": "yes" if self.adapt else "no",
            "confidence": repr(self.confidence),
        }

    def prepare(self, source: str) -> tuple[Pipeline, About]:
        """Load the model; a second's work, so it is kept behind the first picture.

        Args:
            source: name of what is to be forecast.
        """
        from streamer.models import load_model
        from streamer.pipeline import Pipeline
        from streamer.readings.gaps import GapRule

        forecaster = load_model(self.model, engine=self.engine)
        pipeline = Pipeline(
            forecaster,
            gaps=GapRule(self.gaps, self.max_gap),
            adapt=self.adapt,
            confidence=self.confidence,
        )
        card = forecaster.card
        about = About(
            source=source,
            model=card.name,
            trained_from=card.trained_from,
            trained_to=card.trained_to,
            capacity=pipeline.capacity,
            engine=forecaster.engine,
        )
        return pipeline, about
