"""Scores of models beside baselines on the minutes of a data frame."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

from streamer.display.lines import one_line
from streamer.display.numbers import plural
from streamer.errors import UsageError
from streamer.evaluation import Evaluation, Last, choose_baselines, read_stretch, refuse_in_sample
from streamer.evaluation.run import Settings, evaluate_models, named_models
from streamer.frames.columns import Columns
from streamer.frames.like import frame_like
from streamer.frames.model import inputs_of, loaded
from streamer.frames.scores import horizon_columns, score_columns, score_html
from streamer.frames.table import MAX_KW, Table, read_table
from streamer.models import DEFAULT_MODEL, load_model
from streamer.models.forecaster import NetworkForecaster
from streamer.models.inputs import Input
from streamer.models.plugins import AnyForecaster
from streamer.models.plugins.traits import name_of
from streamer.readings import Notice, Reading
from streamer.readings.span import Span

_BLOCK = 4096

_ARGUMENTS = {
    "--from": "since",
    "--to": "until",
    "--in-sample": "in_sample=True",
    "--baseline": "baselines",
    "--model": "models",
}
"""Arguments of `evaluate_frame` by the options of the command with other names."""


@dataclass(frozen=True, eq=False)
class FrameEvaluation:
    """Scores of models and baselines on the minutes of a data frame.

    A notebook shows them as a table, and `str` gives those of `streamer evaluate`.

    Attributes:
        scores: frame of the library of the given one, with a row for each forecaster: ``name``,
            ``kind`` (model or baseline), ``adapted``, ``in_sample``, ``minutes`` scored,
            ``mse_kw2``, ``rmse_w``, ``mae_w``, ``median_mae_w``, ``bias_w`` (forecast minus
            actual), ``r2``, ``skill`` and the ends of its 95 % interval ``skill_low`` and
            ``skill_high``; of the widest band ``confidence``, ``coverage``, ``width_kw`` and
            ``winkler_kw``. What is not known is null.
        horizons: frame with a row for each forecaster and each number of next ``minutes`` whose
            mean it forecasts: ``settled`` forecasts, and the scores above as far as there are
            some; no rows for models without horizons.
        evaluation: all there is, for `Evaluation.to_json`.
    """

    scores: Any
    horizons: Any
    evaluation: Evaluation

    def __repr__(self) -> str:
        forecasters = plural(len(self.evaluation.assessments), "forecaster")
        return f"<FrameEvaluation of {forecasters} on {self.evaluation.stretch.minutes:,} minutes>"

    def __str__(self) -> str:
        from streamer.display.console import PlainConsole
        from streamer.evaluation.tables import tables

        out = StringIO()
        PlainConsole(width=80, file=out).print(tables(self.evaluation))
        return out.getvalue()

    def _repr_html_(self) -> str:
        return score_html(self.evaluation)


def evaluate_frame(
    frame: Any,
    *,
    power: str,
    time: str | None = None,
    unit: str | None = None,
    solar: str | None = None,
    battery: str | None = None,
    channels: Mapping[str, str | tuple[str, str]] | None = None,
    models: str | Path | NetworkForecaster | Sequence[str | Path | NetworkForecaster] = (),
    challengers: Sequence[str | AnyForecaster] = (),
    baselines: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    last: str | None = None,
    in_sample: bool = False,
    adapt: bool = True,
    light: bool = False,
    confidence: float = 0.9,
    horizons: Sequence[int] | None = None,
    max_kw: float = MAX_KW,
) -> FrameEvaluation:
    """Score models beside baselines on the minutes of a data frame, as `streamer evaluate` does.

    Each minute is forecast from those before it, then scored, then learnt from. The first 49
    readings only fill the window.

    Args:
        frame: as for `forecast_frame`, like the columns and their units.
        power: column of the power at the grid connection.
        time: column of the times; None for the index of a pandas frame.
        unit: unit of the powers; None to find it in their names.
        solar: column of the power of the solar panels.
        battery: column of the power into the battery.
        channels: columns of the channels that a model takes.
        models: names or paths of models, or loaded ones: one or several, the first of which the
            others are compared with. By default sceaux.
        challengers: forecasters of one's own, or of other libraries, that are scored beside them,
            as objects or by their names.
        baselines: names of baselines besides persistence; ``("none",)`` for persistence alone, and
            empty for the default ones.
        since: first time to score; None for the beginning. Without a zone, it is by the clock of
            the frame.
        until: first time after that; None for the end.
        last: score the last part only, such as ``10%`` or ``7d``.
        in_sample: whether minutes that a model was trained on may be scored.
        adapt: whether each model is also scored with its forecasts adapted.
        light: whether each is also scored with the small adapter of a fleet's meter.
        confidence: nominal coverage of the adapted bands.
        horizons: for how many next minutes forecasts of their mean are scored; empty for none,
            None for those of 5, 15, 30 and 60 that a model has.
        max_kw: magnitude in kW above which a power is refused as implausible.

    Raises:
        UsageError, ReadingError, ModelError: as for `forecast_frame`; a baseline is unknown, a
            model was trained on some of the minutes, or there is nothing to score.
    """
    if isinstance(models, str | Path | NetworkForecaster):
        models = [models]
    with _arguments():
        Span(since, until).check("since", "until")
        if last is not None and (since is not None or until is not None):
            raise UsageError("give either last, or since and until")
        part = None if last is None else Last.parse(last)
        wanted = choose_baselines([baselines] if isinstance(baselines, str) else baselines)
        named = named_models(map(_loaded, models or [DEFAULT_MODEL]))
        chosen = None if horizons is None else tuple(sorted(set(horizons)))
        settings = Settings(adapt, light, confidence, chosen)
        settings.shown(named)
        raced = _raced(challengers)
        inputs = _joint_inputs([*named.values(), *raced.values()])
        columns = Columns(time, power, unit, solar, battery, dict(channels or {}))
        table = read_table(frame, columns, inputs, max_kw=max_kw)
        stretch = read_stretch(
            _Rows(table),
            since=since,
            until=until,
            last=part,
            warm_up=max(each.window for each in named.values()),
            on_notice=_ignore,
            advance=_ignore,
            channels=[each.name for each in inputs],
        )
        for name, model in named.items():
            if not in_sample:
                refuse_in_sample(name, model.card, stretch.scored_at)
        insist = bool(baselines)
        found = evaluate_models(
            named, wanted, stretch, settings, _task, challengers=raced, insist=insist
        )
    return FrameEvaluation(
        frame_like(table.frame, score_columns(found)).to_native(),
        frame_like(table.frame, horizon_columns(found)).to_native(),
        found,
    )


def _loaded(model: object) -> tuple[str, NetworkForecaster]:
    """A model, and what it was asked for by."""
    if isinstance(model, NetworkForecaster):
        return model.card.name, model
    if not isinstance(model, str | Path):
        what = one_line(type(model).__name__)
        raise UsageError(f"models has a {what}; give names or paths, or what load_model returns")
    return str(model), load_model(model)


class _Rows:
    """Source of the readings of a frame."""

    name = "frame"

    def __init__(self, table: Table) -> None:
        self._table = table
        self._read = 0

    def read(self) -> Sequence[Reading | Notice]:
        part = slice(self._read, self._read + _BLOCK)
        self._read += _BLOCK
        return list(self._table.readings(part))

    def close(self) -> None:
        self._read = len(self._table)


def _raced(challengers: Sequence[str | AnyForecaster]) -> dict[str, AnyForecaster]:
    """Challengers by their names.

    Raises:
        StreamerError: one does not exist, or two have the same name.
    """
    found: dict[str, AnyForecaster] = {}
    for each in [challengers] if isinstance(challengers, str) else challengers:
        name = one_line(each) if isinstance(each, str) else name_of(each)
        if name in found:
            raise UsageError(f"challenger {name} is given more than once; give each a name")
        found[name] = loaded(each)
    return found


def _joint_inputs(models: Iterable[AnyForecaster]) -> list[Input]:
    """Inputs after the power that any of some models takes, each once."""
    found: dict[str, Input] = {}
    for model in models:
        for each in inputs_of(model):
            known = found.setdefault(each.name, each)
            if known.unit != each.unit:
                raise UsageError(
                    f"the models take {each.name} in {one_line(known.unit)} and in "
                    f"{one_line(each.unit)}; evaluate them one at a time"
                )
    return list(found.values())


def _task(name: str, minutes: int) -> Any:  # noqa: ARG001 - no progress is shown
    return _ignore


def _ignore(_: object) -> None:
    pass


@contextmanager
def _arguments() -> Iterator[None]:
    """Name the arguments of the function in errors that name options of the command."""
    try:
        yield
    except UsageError as error:
        text = str(error)
        said = re.sub(r"--[a-z][a-z-]*", lambda found: _argument(found[0]), text)
        if said == text:
            raise
        raise UsageError(said) from None


def _argument(option: str) -> str:
    return _ARGUMENTS.get(option, option.removeprefix("--").replace("-", "_"))
