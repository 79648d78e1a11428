"""The command `evaluate`: models and baselines scored on the same minutes of one file."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
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
    from streamer.demand.settings import DemandRule
    from streamer.evaluation import Evaluation, Last, Stretch
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
        peers: names of plug-ins that are scored as baselines, with the day before the stretch.
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
    peers: Sequence[str] = ()


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
    from streamer.evaluation import choose_baselines
    from streamer.evaluation.run import Settings, evaluate_models

    last = _checked_span(trial)
    baselines = choose_baselines(trial.baselines)
    challengers = make_challengers(trial.challengers, trial.engine, live=False)
    peers = make_challengers(trial.peers, trial.engine, live=False, option="--baseline")
    inputs = joint_inputs([*trial.models, *trial.challengers, *trial.peers])
    settings = Settings(trial.adapt, trial.light, trial.confidence, trial.horizons, trial.demand)
    with (
        closing(trial.options.open(trial.file, inputs)) as source,
        progress_bar(MofNCompleteColumn(), TimeElapsedColumn()) as bar,
    ):
        models = _load(trial)
        settings.shown(models)
        longest = max(forecaster.window for forecaster in models.values())
        reading = bar.add_task("reading", total=None)
        names = [each.name for each in inputs]
        stretch = _read(source, trial, last, longest, names, partial(bar.advance, reading))
        bar.remove_task(reading)
        if not trial.in_sample:
            _refuse_in_sample(models, stretch)

        def task(name: str, total: int) -> Callable[[int], None]:
            return partial(bar.advance, bar.add_task(name, total=total))

        insist = bool(trial.baselines)
        return evaluate_models(
            models,
            baselines,
            stretch,
            settings,
            task,
            challengers=challengers,
            peers=peers,
            insist=insist,
        )


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
    from streamer.evaluation.run import named_models
    from streamer.models import load_model

    return named_models((name, load_model(name, engine=trial.engine)) for name in trial.models)


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
