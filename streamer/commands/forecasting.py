"""Model and pipeline settings, shared by `replay` and `watch`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamer.models import find_card, find_model, model_inputs
from streamer.sinks.items import About

if TYPE_CHECKING:
    from streamer.demand.settings import DemandRule
    from streamer.models.inputs import Input
    from streamer.pipeline import Pipeline


@dataclass(frozen=True)
class Forecasting:
    """Model, and the settings of its pipeline.

    Attributes:
        model: name or path of the model.
        engine: `auto`, `compiled`, `numpy` or `tensorflow`.
        gaps: `skip` or `reset`.
        max_gap: longest gap in minutes at which `reset` keeps the ring buffer.
        adapt: whether the forecasts are corrected by what is learnt from the stream.
        confidence: nominal coverage of the prediction intervals, between 0 and 1.
        horizons: whether the mean of the next minutes is shown, if the model forecasts it.
        demand: demand intervals to keep, which need that mean, too; None for none.
    """

    model: str = "sceaux"
    engine: str = "auto"
    gaps: str = "skip"
    max_gap: int = 10
    adapt: bool = True
    confidence: float = 0.9
    horizons: bool = True
    demand: DemandRule | None = None

    def check(self) -> None:
        """Check that the model exists, without loading it.

        Raises:
            ModelError: no model has that name.
        """
        find_model(self.model)

    def inputs(self) -> tuple[Input, ...]:
        """What the model takes beside the power, in its order.

        Raises:
            UsageError: no model has that name.
            ModelError: its card is unreadable.
        """
        return model_inputs(self.model)[1:]

    def fingerprint(self) -> dict[str, str]:
        """Settings that a saved state of the pipeline depends on, by name.

        A state can be restored only into a pipeline with the same fingerprint. Demand intervals
        are left out: what depends on them begins anew by itself.
        """
        from streamer.models.artefact import sha256_of

        card = find_card(self.model)
        horizons = card.horizons if card is not None and self._needs_head else None
        return {
            "model": self.model,
            "weights": sha256_of(find_model(self.model)),
            **({} if horizons is None else {"horizons": horizons.sha256}),
            "gaps": f"{self.gaps} {self.max_gap}" if self.gaps == "reset" else self.gaps,
            "adapt": "yes" if self.adapt else "no",
            "confidence": repr(self.confidence),
        }

    def prepare(self, source: str) -> tuple[Pipeline, About]:
        """Load the model and make the pipeline.

        Takes about a second, so the dashboard calls it after its first picture.

        Args:
            source: name of the stream to forecast.
        """
        from streamer.display.lines import one_line
        from streamer.models import load_model
        from streamer.pipeline import Pipeline
        from streamer.readings.gaps import GapRule

        forecaster = load_model(self.model, engine=self.engine)
        pipeline = Pipeline(
            forecaster,
            gaps=GapRule(self.gaps, self.max_gap),
            adapt=self.adapt,
            confidence=self.confidence,
            horizons=self._needs_head,
            demand=self.demand,
        )
        card = forecaster.card
        about = About(
            source=source,
            model=one_line(card.name),
            trained_from=card.trained_from,
            trained_to=card.trained_to,
            capacity=pipeline.capacity,
            engine=forecaster.engine,
            trained_spans=card.trained_spans,
        )
        return pipeline, about

    @property
    def _needs_head(self) -> bool:
        """Whether the mean of the next minutes is forecast: demand intervals need it, too."""
        return self.horizons or self.demand is not None
