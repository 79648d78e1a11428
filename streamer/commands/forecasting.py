"""Model and pipeline settings, shared by `replay` and `watch`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from streamer.commands.plugins import (
    check_forecaster,
    is_plugin,
    make_challengers,
    make_plugin,
    plugin_inputs,
)
from streamer.errors import UsageError
from streamer.models import find_card, find_model, model_inputs
from streamer.sinks.items import About

if TYPE_CHECKING:
    from streamer.demand.settings import DemandRule
    from streamer.models.inputs import Input
    from streamer.models.plugins import AnyForecaster
    from streamer.pipeline import Pipeline


@dataclass(frozen=True)
class Forecasting:
    """Model, and the settings of its pipeline.

    Attributes:
        model: name or path of the model, or name of a forecaster that is a plug-in.
        engine: `auto`, `compiled`, `numpy` or `tensorflow`.
        gaps: `skip` or `reset`.
        max_gap: longest gap in minutes at which `reset` keeps the ring buffer.
        adapt: whether the forecasts are corrected by what is learnt from the stream.
        confidence: nominal coverage of the prediction intervals, between 0 and 1.
        horizons: whether the mean of the next minutes is shown, if the model forecasts it.
        demand: demand intervals to keep, which need that mean, too; None for none.
        challengers: names of forecasters that run beside the model.
        serve_best: whether the forecast of the best of them is shown.
    """

    model: str = "sceaux"
    engine: str = "auto"
    gaps: str = "skip"
    max_gap: int = 10
    adapt: bool = True
    confidence: float = 0.9
    horizons: bool = True
    demand: DemandRule | None = None
    challengers: tuple[str, ...] = ()
    serve_best: bool = False

    def check(self) -> None:
        """Check that model and challengers exist; a plug-in is made for that, no model is loaded.

        Raises:
            StreamerError: no model has that name, a plug-in cannot be made, or there is no
                challenger to be the best.
        """
        if self.serve_best and not self.challengers:
            raise UsageError("--serve-best needs a challenger; give --challenger MODEL")
        for name in (self.model, *self.challengers):
            check_forecaster(name)

    def inputs(self) -> tuple[Input, ...]:
        """What the model takes beside the power, in its order.

        Raises:
            UsageError: no model has that name.
            ModelError: its card is unreadable.
            PluginError: it is a plug-in, and cannot be made.
        """
        if is_plugin(self.model):
            return plugin_inputs(self.model)
        return model_inputs(self.model)[1:]

    def fingerprint(self) -> dict[str, str]:
        """Settings that a saved state of the pipeline depends on, by name.

        A state can be restored only into a pipeline with the same fingerprint. Demand intervals
        and challengers are left out: what depends on them begins anew by itself.
        """
        return {
            "model": self.model,
            **self._weights(),
            "gaps": f"{self.gaps} {self.max_gap}" if self.gaps == "reset" else self.gaps,
            "adapt": "yes" if self.adapt else "no",
            "confidence": repr(self.confidence),
        }

    def prepare(self, source: str, *, live: bool = False) -> tuple[Pipeline, About]:
        """Load the model and make the pipeline.

        Takes about a second, so the dashboard calls it after its first picture.

        Args:
            source: name of the stream to forecast.
            live: whether the calls of plug-ins are waited for no longer than a budget.
        """
        from streamer.display.lines import one_line
        from streamer.models import load_model

        if is_plugin(self.model):
            pipeline = self._pipeline(make_plugin(self.model, live=live), live=live)
            name = one_line(self.model)
            return pipeline, About(source, name, capacity=pipeline.capacity, engine="plug-in")
        forecaster = load_model(self.model, engine=self.engine)
        pipeline = self._pipeline(forecaster, live=live)
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

    def _pipeline(self, forecaster: AnyForecaster, *, live: bool) -> Pipeline:
        from streamer.display.lines import one_line
        from streamer.pipeline import Pipeline
        from streamer.readings.gaps import GapRule

        return Pipeline(
            forecaster,
            name=one_line(self.model),
            gaps=GapRule(self.gaps, self.max_gap),
            adapt=self.adapt,
            confidence=self.confidence,
            horizons=self._needs_head,
            demand=self.demand,
            challengers=make_challengers(self.challengers, self.engine, live=live),
            serve_best=self.serve_best,
        )

    def _weights(self) -> dict[str, str]:
        """Digests of the model's weights by name; of a plug-in, those of the file that it names."""
        from streamer.models.artefact import sha256_of

        if is_plugin(self.model):
            file = Path(self.model.partition(":")[2])
            return {"weights": sha256_of(file)} if file.is_file() else {}
        card = find_card(self.model)
        horizons = card.horizons if card is not None and self._needs_head else None
        weights = {"weights": sha256_of(find_model(self.model))}
        return weights if horizons is None else {**weights, "horizons": horizons.sha256}

    @property
    def _needs_head(self) -> bool:
        """Whether the mean of the next minutes is forecast: demand intervals need it, too."""
        return self.horizons or self.demand is not None
