"""Evaluation of models and baselines on a stretch, from their forecasts to their scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from streamer.demand.settings import DemandRule
from streamer.display.lines import one_line
from streamer.errors import UsageError
from streamer.evaluation.adapted import Adapted
from streamer.evaluation.assess import Evaluation, assess
from streamer.evaluation.baselines import (
    BASELINES,
    LIGHTGBM,
    MIN_TRAINING,
    Baseline,
    usable_baselines,
)
from streamer.evaluation.challengers import forecast_challengers
from streamer.evaluation.demand import DemandEvaluation, assess_demand, run_demand
from streamer.evaluation.forecasts import Advance, Forecasts, forecast_stretch
from streamer.evaluation.insample import seen_in_training
from streamer.evaluation.means import (
    LIGHTLY,
    MeanForecasts,
    assess_means,
    forecast_boosted_means,
    model_means,
    offered_horizons,
    shown_horizons,
)
from streamer.evaluation.means.scores import FROZEN_CONFIDENCE
from streamer.evaluation.stretch import Stretch
from streamer.models.forecaster import NetworkForecaster
from streamer.models.plugins import AnyForecaster

Task = Callable[[str, int], Advance]
"""Begins a part of the work, by its name and its number of minutes."""

_NONE: Mapping[str, AnyForecaster] = MappingProxyType({})


@dataclass(frozen=True)
class Settings:
    """How models are scored.

    Attributes:
        adapt: whether each model is also scored with its forecasts adapted.
        light: whether each model is also scored with the light adapter of a fleet.
        confidence: nominal coverage of the adapted prediction intervals, between 0 and 1.
        horizons: for how many next minutes forecasts of their mean are scored, in rising order;
            empty for none, None for the default ones that a model has.
        demand: demand intervals whose forecasts and alarms are scored; None for none.
    """

    adapt: bool = True
    light: bool = False
    confidence: float = 0.9
    horizons: tuple[int, ...] | None = None
    demand: DemandRule | None = None

    def shown(self, models: Mapping[str, NetworkForecaster]) -> tuple[int, ...]:
        """The horizons to score, in rising order.

        Raises:
            UsageError: a model does not have a horizon that is asked for, or no model has any,
                which demand intervals need, too.
        """
        offers = {name: offered_horizons(forecaster) for name, forecaster in models.items()}
        shown = shown_horizons(self.horizons, offers)
        if self.demand is not None and not any(offers.values()):
            raise UsageError(
                f"--demand: model {next(iter(offers))!r} does not forecast the mean of the next "
                "minutes; give a --model that does, or leave the option out"
            )
        return shown


def evaluate_models(
    models: Mapping[str, NetworkForecaster],
    baselines: Sequence[Baseline],
    stretch: Stretch,
    settings: Settings,
    task: Task,
    *,
    challengers: Mapping[str, AnyForecaster] = _NONE,
    peers: Mapping[str, AnyForecaster] = _NONE,
    insist: bool = False,
) -> Evaluation:
    """Score models, challengers and baselines on the same minutes.

    Args:
        models: the models by the names that they are to have in the result; the first one is the
            one that the others are compared with.
        baselines: the baselines.
        stretch: the minutes.
        settings: how the models are scored.
        task: begins a part of the work.
        challengers: forecasters of one's own, or of other libraries, each by its name.
        peers: likewise, but as baselines, which see the day before the stretch as well.
        insist: whether to fail if there are too few readings to fit a baseline on; otherwise, it
            is left out.

    Raises:
        UsageError: a horizon that a model does not have, or too few readings for a baseline.
    """
    shown, confidence = settings.shown(models), settings.confidence
    usable, notes = usable_baselines(baselines, stretch, insist=insist)
    forecasts: list[Forecasts] = []
    means: list[MeanForecasts] = []
    demand: list[DemandEvaluation] = []
    for name, forecaster in models.items():
        advance = task(name, stretch.minutes)
        found = _forecast(name, forecaster, stretch, settings, shown, advance)
        forecasts += found[0]
        means += found[1] if shown else []
        if found[1] and settings.demand is not None:
            given = stretch, settings.demand, confidence, task
            *_, last = (each for each in found[1] if each.name != _lightly(name))
            demand.append(_demand(last, *given))
            fleet = (each for each in found[1] if each.name == _lightly(name))
            demand += [_demand(each, *given, light=True) for each in fleet]
    raced, faults = forecast_challengers(challengers, stretch, task)
    met, more = forecast_challengers(peers, stretch, task, before=MIN_TRAINING, role="baseline")
    forecasts += [*raced, *met]
    forecasts += [
        Forecasts(each.name, each.forecast(stretch, task(each.name, stretch.minutes)))
        for each in usable
    ]
    if means and any(each.name == LIGHTGBM for each in usable):
        means.append(_boosted(stretch, means, task))
    notes = [*_flattered(forecasts), *faults, *more, *notes]
    evaluation = assess(stretch, forecasts, notes, confidence=confidence)
    scored = assess_means(stretch, means, shown, confidence=confidence)
    return replace(evaluation, means=scored, demand=tuple(demand))


def named_models(
    models: Iterable[tuple[str, NetworkForecaster]],
) -> dict[str, NetworkForecaster]:
    """Models by names that are different from each other's and from those of baselines.

    Args:
        models: each with what it was asked for by.

    Raises:
        UsageError: one is given more than once.
    """
    found: dict[str, NetworkForecaster] = {}
    for asked, forecaster in models:
        name = one_line(forecaster.card.name)
        adapted = {each for known in found for each in (_adapted(known), _lightly(known))}
        if name in {*found, *BASELINES, *adapted}:
            name = f"{name} ({asked})"
        if name in found:
            raise UsageError(f"model {asked!r} is given more than once")
        found[name] = forecaster
    return found


def _adapted(name: str) -> str:
    return f"{name}, adapted"


def _lightly(name: str) -> str:
    return f"{name}{LIGHTLY}"


def _forecast(
    name: str,
    forecaster: NetworkForecaster,
    stretch: Stretch,
    settings: Settings,
    shown: tuple[int, ...],
    advance: Advance,
) -> tuple[list[Forecasts], list[MeanForecasts]]:
    """Frozen forecasts of one model, followed by the adapted ones that were asked for.

    Those of the next reading, and those of the mean of the next minutes, as far as the model has
    the horizons shown.
    """
    levels, card = forecaster.levels, forecaster.card
    adapted = {}
    if settings.adapt:
        adapted[_adapted(name)] = Adapted(levels, stretch, settings.confidence)
    if settings.light:
        adapted[_lightly(name)] = Adapted(levels, stretch, settings.confidence, adapt="light")
    means = model_means(
        forecaster,
        adapted.get(_adapted(name)),
        stretch,
        shown,
        every=settings.demand is not None,
        light=adapted.get(_lightly(name)),
    )
    # The online means pass the answers on.
    passed_on = [each.adapted for each in means]
    also = [*means, *(each for each in adapted.values() if each not in passed_on)]
    mean, quantiles = forecast_stretch(forecaster, stretch, advance, also)
    frozen = Forecasts(
        name,
        mean,
        levels,
        quantiles,
        is_model=True,
        in_sample=bool(len(seen_in_training(card, stretch.scored_at))),
        trained_from=card.trained_from,
        trained_to=card.trained_to,
    )
    corrected = [
        replace(
            frozen,
            name=title,
            mean_kw=each.mean_kw,
            levels=each.levels,
            quantiles_kw=each.quantiles_kw,
            adapted_from=name,
        )
        for title, each in adapted.items()
    ]
    titles = {each: title for title, each in adapted.items()}
    of_means = [
        MeanForecasts(
            name if each.adapted is None else titles[each.adapted],
            each.minutes,
            each.values_kw,
            is_model=True,
            adapted_from=None if each.adapted is None else name,
            in_sample=frozen.in_sample,
        )
        for each in means
    ]
    return [frozen, *corrected], of_means


def _demand(
    means: MeanForecasts,
    stretch: Stretch,
    rule: DemandRule,
    confidence: float,
    task: Task,
    *,
    light: bool = False,
) -> DemandEvaluation:
    """Scores of the demand intervals by forecasts of a model, kept as a fleet does if light."""
    advance = task(f"{means.name}, demand", stretch.minutes)
    if means.adapted_from is None:
        confidence = FROZEN_CONFIDENCE
    run = run_demand(stretch, means, rule, advance, confidence=confidence, light=light)
    return assess_demand(run, means.title, in_sample=means.in_sample)


def _boosted(stretch: Stretch, means: Sequence[MeanForecasts], task: Task) -> MeanForecasts:
    """Forecasts by trees of the horizons of the models."""
    minutes = tuple(sorted({each for model in means for each in model.minutes}))
    advance = task(f"{LIGHTGBM}, horizons", stretch.minutes * len(minutes))
    return MeanForecasts(LIGHTGBM, minutes, forecast_boosted_means(stretch, minutes, advance))


def _flattered(forecasts: Sequence[Forecasts]) -> list[str]:
    return [
        f"{each.name}* was trained on some of these minutes, so its scores are too good"
        for each in forecasts
        if each.in_sample and each.adapted_from is None
    ]
