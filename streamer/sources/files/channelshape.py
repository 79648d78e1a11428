"""Quantity and sign of solar and battery columns, and the conversion of all channels together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from operator import itemgetter
from statistics import median

from streamer.errors import UsageError
from streamer.readings import MINUTE
from streamer.sources.bounds import MAX_KW
from streamer.sources.files.intervals import Converter, IntervalSpread
from streamer.sources.files.layout import Channel, Layout, Question
from streamer.sources.files.rows import ABSENT, Row
from streamer.sources.files.shape import Quantity, Shape, recognise_shape, step_kw_of

_MIN_ROWS = 3
_STANDBY_KW = 0.05
"""More than an inverter draws at night."""
_COUNTER_RATIO = 20
"""A counter rises so many times for each time that it is reset."""
_RESET_SHARE = 0.1
"""A counter that is reset falls to less than this share."""
_ROOF_KW = 30.0
"""More than the panels of a house give."""


def grid_rows(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that have the power at the grid connection."""
    return [row for row in rows if row[1] is not ABSENT]


def are_joint(layout: Layout, rows: Sequence[Row]) -> bool:
    """Whether the first rows have all channels, in order of time."""
    if not any(channel.where for channel in layout.channels):
        return True
    have_all = all(
        any(row[2][place] is not ABSENT for row in rows) for place in range(len(layout.channels))
    )
    return have_all and all(before[0] <= after[0] for before, after in pairwise(rows))


def channel_shapes(
    name: str,
    layout: Layout,
    shape: Shape,
    rows: Sequence[Row],
    *,
    quantity: Quantity | None,
    as_minutes: bool,
) -> tuple[list[Shape], list[Question]]:
    """Recognise the quantity of each channel beside the grid's power.

    Energies whose kind is not clear from their values are of the requested quantity, or of that
    of the grid.

    Args:
        name: the file's name, for errors.
        layout: the columns.
        shape: spacing and order of the rows, and the quantity of the grid.
        rows: the first rows.
        quantity: the requested quantity, if any.
        as_minutes: whether rows more than a minute apart are accepted.

    Returns:
        The shape of each channel, and what must be asked.

    Raises:
        UsageError: there are too few rows for an energy.
    """
    shapes, questions = [], []
    for place, channel in enumerate(layout.channels):
        own: list[Row] = [(at, others[place], ()) for at, _, others in rows]
        base = shape
        if channel.where:
            own = grid_rows(own)
            if len(own) >= _MIN_ROWS:
                power = replace(layout, unit="kW", value_name=channel.label, plus=(), minus=())
                base, asked = recognise_shape(
                    name, power, own, quantity=None, as_minutes=as_minutes
                )
                questions += asked
        given = [value for _, value, _ in sorted(own, key=itemgetter(0)) if value is not None]
        found: Quantity = "power"
        step_kw = 0.0
        if channel.is_energy:
            found, asked = _energy_quantity(name, channel, base, given, (quantity, shape.quantity))
            questions += asked
            if found == "counter" and base.spacing is not None:
                step_kw = step_kw_of(given, base.spacing)
        elif channel.name == "solar" and _is_negative(given):
            questions.append(
                Question(
                    f"{channel.label!r} is below zero where the sun shines, but solar power is "
                    "positive",
                    channel.reversed_option,
                )
            )
        shapes.append(replace(base, quantity=found, step_kw=step_kw))
    return shapes, questions


def _energy_quantity(
    name: str,
    channel: Channel,
    shape: Shape,
    values: Sequence[float],
    others: Sequence[Quantity | None],
) -> tuple[Quantity, list[Question]]:
    """The kind of an energy, and what must be asked; `others` may decide."""
    if shape.spacing is None:
        raise UsageError(
            f"{name}: it has too few rows to find the interval of the {channel.quantity}; give a "
            "longer file"
        )
    own = _quantity(values, shape.spacing)
    fallback = next((each for each in others if each not in (None, "power")), None)
    if own is not None or fallback is not None:
        return own or fallback or "energy", []
    reason = f"{channel.label!r} may be a counter or the energy of each interval"
    return "energy", [Question(reason, "--quantity energy")]


def converters(
    layout: Layout, shape: Shape, others: Sequence[Shape]
) -> tuple[Converter, ...] | None:
    """Return the conversion of each channel to minutes, the grid's first.

    None if each row is a reading: if one channel must be converted, or is in rows of its own,
    all are, so that their minutes are the same.
    """
    found = [
        shape.converter(layout),
        *(
            each.converter(layout, channel)
            for each, channel in zip(others, layout.channels, strict=True)
        ),
    ]
    is_joint = not any(channel.where for channel in layout.channels)
    if is_joint and all(each is None for each in found):
        return None
    return tuple(each or IntervalSpread(MINUTE, is_energy=False) for each in found)


def description(layout: Layout, shape: Shape, others: Sequence[Shape]) -> str:
    """Describe the conversion of all channels to minutes in one line."""
    energies = "; ".join(
        each.energy_description(channel)
        for each, channel in zip(others, layout.channels, strict=True)
        if each.quantity != "power"
    )
    if shape.converter(layout) is None:
        if not energies:
            return "each power is in rows of its own, joined by minutes"
        return f"{energies}, converted to mean power"
    text = shape.description(layout)
    return f"{text}; {energies}, likewise" if energies else text


def _quantity(values: Sequence[float], spacing: timedelta) -> Quantity | None:
    """The kind of an energy in kWh by its values; None if they do not show it."""
    if not values:
        return None
    per_hour = timedelta(hours=1) / spacing
    if median(map(abs, values)) * per_hour > MAX_KW:
        return "counter"  # no house has so much in an interval
    falls = [(before, after) for before, after in pairwise(values) if after < before]
    if any(after > _RESET_SHARE * before for before, after in falls):
        return "energy"
    rises = sum(after > before for before, after in pairwise(values))
    if falls:  # the counter of a day begins anew at each midnight
        return "counter" if rises >= _COUNTER_RATIO * len(falls) else None
    return "counter" if max(values) * per_hour > _ROOF_KW else None


def _is_negative(values: Sequence[float]) -> bool:
    """Whether powers are mostly negative, apart from those of a night."""
    powers = [value for value in values if abs(value) > _STANDBY_KW]
    return 2 * sum(value < 0.0 for value in powers) > len(powers)
