"""Settings of a pipeline, as they are after its arguments have been checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from streamer.demand.settings import DemandRule
from streamer.models import MeansHead
from streamer.models.plugins import AnyForecaster
from streamer.models.plugins.traits import Traits
from streamer.online.layer import Adapt
from streamer.readings import Notice

if TYPE_CHECKING:
    from streamer.pipeline.race import Entry


@runtime_checkable
class Gathering(Protocol):
    """Part of a pipeline that gathers notices, as those that ask a forecaster do."""

    def gathered(self) -> list[Notice]:
        """Notices since the last call."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a pipeline; see `streamer.pipeline.Pipeline`.

    Attributes:
        forecaster: model that forecasts the next reading from a window.
        traits: its window, levels and channels.
        adapt: whether the forecasts are corrected online, and how.
        confidence: nominal coverage of the bands.
        head: forecaster of the next minutes' mean; None if that is not forecast.
        demand: demand intervals; None if they are not kept.
        challengers: forecasters that run beside the model.
        serve_best: whether the forecast of the best of them is shown.
    """

    forecaster: AnyForecaster
    traits: Traits
    adapt: Adapt
    confidence: float
    head: MeansHead | None
    demand: DemandRule | None
    challengers: tuple[Entry, ...] = ()
    serve_best: bool = False
