"""The command `evaluate`: models and baselines scored on the same minutes of one file."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import MofNCompleteColumn, TimeElapsedColumn

from streamer.commands.channels import joint_inputs
from streamer.commands.files import FileOptions
from streamer.commands.plugins import make_challengers
from streamer.display.console import PlainConsole
from streamer.display.lines import one_line
from streamer.display.progress import progress_bar
from streamer.errors import UsageError
from streamer.readings.span import Span
from streamer.sinks.notes import NoteSink

if TYPE_CHECKING:
    from rich.progress import Progress

    from streamer.demand.settings import DemandRule
    from streamer.evaluation import Evaluation, Forecasts, Last, Stretch
    from streamer.evaluation.demand import DemandEvaluation
    from streamer.evaluation.means import MeanForecasts
    from streamer.models.forecaster import NetworkForecaster
    from streamer.sources import Source


@dataclass(frozen=True)
class Trial:
    """Models, baselines and minutes of an evaluation.

    Attributes:
        file: path of the recording.
        options: options for reading it.
        models: names or paths of the models.
        engine: `auto`, `compiled`, `numpy` or `tensorflow`.
        baselines: names of the baselines besides persistence; empty for the default ones,
            `none` for persistence alone.
        since: first time to score; None for the beginning of the file.
        until: time to end before; None for the end of the file.
        last: score only the last part, given as `10%` or `7d`; None for all of it.
        in_sample: whether minutes that a model was trained on may be scored.
        adapt: whether each model is also scored with its forecasts adapted.
        light: whether each model is also scored with the light adapter of a fleet.
        confidence: nominal coverage of the adapted prediction intervals, between 0 and 1.
        demand: demand intervals whose forecasts and alarms are scored; None for none.
        horizons: for how many next minutes forecasts of their mean are scored, in rising order;
            empty for none, None for the default ones that a model has.
        plot: file for a page of plots; None for no plots.
        challengers: names of forecasters that are plug-ins.
    """

    file: str
    options: FileOptions
    models: Sequence[str]
    engine: str
    baselines: Sequence[str]
    since: datetime | None
    until: datetime | None
    last: str | None
    in_sample: bool
    adapt: bool
    light: bool
    confidence: float
    horizons: tuple[int, ...] | None
    demand: DemandRule | None
    plot: Path | None
    challengers: Sequence[str] = ()


def evaluate(trial: Trial, *, as_json: bool) -> None:
    """Evaluate, and print the report on standard output.

    Options are checked before the long computation, wherever that is possible.
    """
    from streamer.evaluation.plot import check_plot, save_plot
    from streamer.evaluation.tables import tables

    if trial.plot is not None:
        check_plot(trial.plot)
    evaluation = run_trial(trial)
    if as_json:
        print(json.dumps(evaluation.to_json(), indent=2, allow_nan=False))
    else:
        console = PlainConsole()
        console.print(tables(evaluation, width=console.width))
    if trial.plot is not None:
        save_plot(trial.plot, evaluation)
        print(f"Plotted in {one_line(trial.plot)}", file=sys.stderr)


def run_trial(trial: Trial) -> Evaluation:
    """Evaluate, with a progress bar on standard error if that is a terminal.

    Raises:
        UsageError: an unknown model or baseline, a horizon that a model does not have, a stretch
            without a minute to score, or minutes that a model was trained on.
        SourceError: the file cannot be read.
        ModelError: a model cannot be loaded.
    """
    from streamer.evaluation import (
        LIGHTGBM,
        Forecasts,
        assess,
        choose_baselines,
        usable_baselines,
    )
    from streamer.evaluation.challengers import forecast_challengers
    from streamer.evaluation.means import assess_means, offered_horizons, shown_horizons

    last = _checked_span(trial)
    baselines = choose_baselines(trial.baselines)
    challengers = make_challengers(trial.challengers, trial.engine, live=False)
    inputs = joint_inputs([*trial.models, *trial.challengers])
    with (
        closing(trial.options.open(trial.file, inputs)) as source,
        progress_bar(MofNCompleteColumn(), TimeElapsedColumn()) as bar,
    ):
        models = _load(trial)
        longest = max(forecaster.window for forecaster in models.values())
        offers = {name: offered_horizons(forecaster) for name, forecaster in models.items()}
        shown = shown_horizons(trial.horizons, offers)
        _check_demand(trial, offers)
        reading = bar.add_task("reading", total=None)
        names = [each.name for each in inputs]
        stretch = _read(source, trial, last, longest, names, partial(bar.advance, reading))
        bar.remove_task(reading)
        if not trial.in_sample:
            _refuse_in_sample(models, stretch)
        usable, notes = usable_baselines(baselines, stretch, insist=bool(trial.baselines))

        def task(name: str) -> Callable[[int], None]:
            return partial(bar.advance, bar.add_task(name, total=stretch.minutes))

        forecasts: list[Forecasts] = []
        means: list[MeanForecasts] = []
        demand: list[DemandEvaluation] = []
        for name, forecaster in models.items():
            found = _forecast(name, forecaster, stretch, trial, shown, task(name))
            forecasts += found[0]
            means += found[1] if shown else []
            if found[1] and trial.demand is not None:
                demand.append(_demand(found[1][-1], stretch, trial.demand, trial.confidence, bar))
        raced, faults = forecast_challengers(challengers, stretch, task)
        forecasts += raced
        forecasts += [
            Forecasts(baseline.name, baseline.forecast(stretch, task(baseline.name)))
            for baseline in usable
        ]
        if means and any(baseline.name == LIGHTGBM for baseline in usable):
            means.append(_boosted(stretch, means, bar))
    notes = [*_flattered(forecasts), *faults, *notes]
    evaluation = assess(stretch, forecasts, notes, confidence=trial.confidence)
    scored = assess_means(stretch, means, shown, confidence=trial.confidence)
    return replace(evaluation, means=scored, demand=tuple(demand))


def _checked_span(trial: Trial) -> Last | None:
    from streamer.evaluation import Last

    since, until = trial.since, trial.until
    Span(since, until).check("--from", "--to")
    if trial.last is None:
        return None
    if since is not None or until is not None:
        raise UsageError("give either --last, or --from and --to")
    return Last.parse(trial.last)


def _load(trial: Trial) -> dict[str, NetworkForecaster]:
    from streamer.evaluation import BASELINES
    from streamer.models import load_model

    models: dict[str, NetworkForecaster] = {}
    for argument in trial.models:
        forecaster = load_model(argument, engine=trial.engine)
        name = one_line(forecaster.card.name)
        if (
            name in models
            or name in BASELINES
            or any(name in (_adapted(model), _lightly(model)) for model in models)
        ):
            name = f"{name} ({argument})"
        if name in models:
            raise UsageError(f"model {argument!r} is given more than once")
        models[name] = forecaster
    return models


def _read(
    source: Source,
    trial: Trial,
    last: Last | None,
    longest: int,
    channels: Sequence[str],
    advance: Callable[[int], None],
) -> Stretch:
    from streamer.evaluation import read_stretch

    return read_stretch(
        source,
        since=trial.since,
        until=trial.until,
        last=last,
        warm_up=longest,
        on_notice=NoteSink(sys.stderr).write,
        advance=advance,
        channels=channels,
    )


def _refuse_in_sample(models: dict[str, NetworkForecaster], stretch: Stretch) -> None:
    from streamer.evaluation import refuse_in_sample

    for name, forecaster in models.items():
        refuse_in_sample(name, forecaster.card, stretch.scored_at)


def _forecast(
    name: str,
    forecaster: NetworkForecaster,
    stretch: Stretch,
    trial: Trial,
    shown: tuple[int, ...],
    advance: Callable[[int], None],
) -> tuple[list[Forecasts], list[MeanForecasts]]:
    """Frozen forecasts of one model, followed by the adapted ones that were asked for.

    Those of the next reading, and those of the mean of the next minutes, as far as the model has
    the horizons shown.
    """
    from streamer.evaluation import Adapted, Forecasts, forecast_stretch, seen_in_training
    from streamer.evaluation.means import MeanForecasts, model_means

    levels, card = forecaster.levels, forecaster.card
    adapted = {}
    if trial.adapt:
        adapted[_adapted(name)] = Adapted(levels, stretch, trial.confidence)
    if trial.light:
        adapted[_lightly(name)] = Adapted(levels, stretch, trial.confidence, adapt="light")
    means = model_means(
        forecaster,
        adapted.get(_adapted(name)),
        stretch,
        shown,
        every=trial.demand is not None,
    )
    # The online means pass the answers on.
    passed_on = {_adapted(name)} if len(means) > 1 else set()
    also = [*means, *(each for title, each in adapted.items() if title not in passed_on)]
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
    titles = (name, None), (_adapted(name), name)
    of_means = [
        MeanForecasts(title, each.minutes, each.values_kw, True, source, frozen.in_sample)
        for each, (title, source) in zip(means, titles, strict=False)
    ]
    return [frozen, *corrected], of_means


def _check_demand(trial: Trial, offers: Mapping[str, tuple[int, ...]]) -> None:
    if trial.demand is not None and not any(offers.values()):
        raise UsageError(
            f"--demand: model {next(iter(offers))!r} does not forecast the mean of the next "
            "minutes; give a --model that does, or leave the option out"
        )


def _demand(
    means: MeanForecasts, stretch: Stretch, rule: DemandRule, confidence: float, bar: Progress
) -> DemandEvaluation:
    """Scores of the demand intervals by the last, most adapted forecasts of a model."""
    from streamer.evaluation.demand import assess_demand, run_demand
    from streamer.evaluation.means.scores import FROZEN_CONFIDENCE

    task = bar.add_task(f"{means.name}, demand", total=stretch.minutes)
    if means.adapted_from is None:
        confidence = FROZEN_CONFIDENCE
    run = run_demand(stretch, means, rule, partial(bar.advance, task), confidence=confidence)
    return assess_demand(run, means.title, in_sample=means.in_sample)


def _boosted(stretch: Stretch, means: Sequence[MeanForecasts], bar: Progress) -> MeanForecasts:
    """Forecasts by trees of the horizons of the models."""
    from streamer.evaluation import LIGHTGBM
    from streamer.evaluation.means import MeanForecasts, forecast_boosted_means

    minutes = tuple(sorted({each for model in means for each in model.minutes}))
    task = bar.add_task(f"{LIGHTGBM}, horizons", total=stretch.minutes * len(minutes))
    values = forecast_boosted_means(stretch, minutes, partial(bar.advance, task))
    return MeanForecasts(LIGHTGBM, minutes, values)


def _adapted(name: str) -> str:
    return f"{name}, adapted"


def _lightly(name: str) -> str:
    return f"{name}, adapted lightly"


def _flattered(forecasts: Sequence[Forecasts]) -> list[str]:
    return [
        f"{each.name}* was trained on some of these minutes, so its scores are too good"
        for each in forecasts
        if each.in_sample and each.adapted_from is None
    ]
