"""Channels that models take: columns of files, what meters give, and models that take more."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from streamer.commands.plugins import is_plugin, plugin_inputs
from streamer.display.lines import one_line, shorten
from streamer.errors import UsageError
from streamer.models import model_inputs, shipped_models
from streamer.readings import Notice

if TYPE_CHECKING:
    from streamer.models.inputs import Input
    from streamer.sources.files.layout import ChannelRequest

_OPTION = "--channel"


def requests_for(inputs: Sequence[Input], given: Sequence[str]) -> tuple[ChannelRequest, ...]:
    """The channels that models take, each with the column that an option gives for it, if any.

    Args:
        inputs: inputs of the models after the power.
        given: values of the option, each ``NAME=COLUMN`` or ``NAME=COLUMN:UNIT``.

    Raises:
        UsageError: a value has another form, is given twice, or is not for one of the inputs.
    """
    from streamer.sources.files.layout import ChannelRequest

    columns = dict(_parsed(given))
    names = [each.name for each in inputs]
    for name in columns:
        if name not in names:
            taken = (
                f"takes {', '.join(names)} beside the power" if names else "takes the power alone"
            )
            raise UsageError(f"{_OPTION} {shorten(name)}: the model {taken}; leave it out")
    return tuple(
        ChannelRequest(each.name, each.unit, *columns.get(each.name, (None, None)))
        for each in inputs
    )


def own_requests(given: Sequence[str]) -> tuple[ChannelRequest, ...]:
    """Channels that options name for a model that is yet to be trained, in their usual units.

    Raises:
        UsageError: as for `requests_for`.
    """
    from streamer.sources.files.channelunits import USUAL_UNITS
    from streamer.sources.files.layout import ChannelRequest

    return tuple(
        ChannelRequest(name, USUAL_UNITS.get(name, "kW"), *column)
        for name, column in _parsed(given)
    )


def _parsed(given: Sequence[str]) -> Iterator[tuple[str, tuple[str, str | None]]]:
    from streamer.sources.files.channelunits import ALL_UNITS

    seen: set[str] = set()
    for text in given:
        name, _, column = (part.strip() for part in text.partition("="))
        if not name or not column:
            raise UsageError(
                f"{_OPTION} {shorten(text)}: give NAME=COLUMN, such as voltage=U1, or with "
                "its unit reactive=Q:var"
            )
        if name in seen:
            raise UsageError(f"{_OPTION} {shorten(name)} is given more than once")
        seen.add(name)
        head, _, unit = column.rpartition(":")
        yield name, (head, unit) if head and unit in ALL_UNITS else (column, None)


def live_channels(inputs: Sequence[Input]) -> list[str]:
    """Names of the channels that a meter has to give for a model.

    Args:
        inputs: inputs of the model after the power.

    Raises:
        UsageError: one of them is in another unit than meters give it in.
    """
    from streamer.feeds.values import measure_of

    for each in inputs:
        unit = measure_of(each.name).unit
        if each.unit != unit:
            raise UsageError(
                f"the model takes {each.name} in {one_line(each.unit)}, but meters give it in "
                f"{unit}; choose another model"
            )
    return [each.name for each in inputs]


def joint_inputs(models: Sequence[str]) -> tuple[Input, ...]:
    """Inputs after the power that any of some models or plug-ins takes, each once.

    Raises:
        UsageError: a model does not exist, or two take an input in different units.
        ModelError: a card cannot be read.
    """
    found: dict[str, Input] = {}
    for model in models:
        for each in plugin_inputs(model) if is_plugin(model) else model_inputs(model)[1:]:
            known = found.setdefault(each.name, each)
            if known.unit != each.unit:
                raise UsageError(
                    f"the models take {each.name} in {known.unit} and in {each.unit}; evaluate "
                    "them one at a time"
                )
    return tuple(found.values())


def advice_on(source: str, channels: Collection[str], model: str) -> list[Notice]:
    """The notice that a shipped model takes channels which a source has, if there is one.

    Args:
        source: name of the source.
        channels: names of the channels that it has.
        model: name or path of the model in use, or name of a plug-in.
    """
    if not channels or is_plugin(model) or model_inputs(model)[1:]:
        return []
    for name in shipped_models():
        taken = [each.name for each in model_inputs(name)[1:]]
        if taken and {*taken} <= {*channels}:
            text = f"{one_line(source)} has columns that another model uses, too: --model {name}"
            return [Notice(Notice.EVENT, text)]
    return []
