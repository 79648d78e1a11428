"""Spacing, order and quantity of a file's rows, from the first of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate, pairwise
from statistics import median
from typing import Literal, TypeAlias, get_args

from streamer.display.durations import apart
from streamer.errors import UsageError
from streamer.sources.files.intervals import (
    Converter,
    CounterDifference,
    IntervalSpread,
    RowsOfOneTime,
    SampleAverage,
)
from streamer.sources.files.layout import Channel, Layout, Question
from streamer.sources.files.rows import Row

Quantity: TypeAlias = Literal["power", "energy", "counter"]
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)

_MIN_SPACINGS = 2
_MIN_MINUTE_S, _MAX_MINUTE_S = 55.0, 65.0
"""Spacings in seconds that count as a minute; loggers are not exact."""

_MAX_SPACING = timedelta(days=31)
_MIN_BACKWARD = 3
_MIN_LATE = 0.2
"""Share of rows that may be earlier than one before them in an ordered file."""
_MIN_REPEATED = 0.3
_MIN_COUNTER_ROWS = 12
_COUNTER_RATIO = 20.0
"""A register is at least so many times its largest step."""
_COARSE_KW = 0.05


@dataclass(frozen=True, slots=True)
class Shape:
    """Spacing, order and quantity of the rows.

    Attributes:
        quantity: what the values are.
        spacing: usual time between two rows; None if there are too few.
        is_ordered: whether the rows are in order of time.
        is_repeated: whether several rows have the same time.
        step_kw: worth of the last digit of a counter over the time between two rows, in kW.
    """

    quantity: Quantity = "power"
    spacing: timedelta | None = None
    is_ordered: bool = True
    is_repeated: bool = False
    step_kw: float = 0.0

    @property
    def is_minutes(self) -> bool:
        """Whether each row is a minute, as far as is known."""
        if self.spacing is None:
            return True
        return _MIN_MINUTE_S <= self.spacing.total_seconds() <= _MAX_MINUTE_S

    @property
    def is_coarse(self) -> bool:
        """Whether the rows are more than a minute apart."""
        return self.spacing is not None and self.spacing.total_seconds() > _MAX_MINUTE_S

    def converter(self, layout: Layout, channel: Channel | None = None) -> Converter | None:
        """Return the conversion of the rows to minutes; None if each row is a reading.

        Args:
            layout: the columns.
            channel: those of the values; by default the grid's.
        """
        if self.quantity == "power":
            if layout.on_change or not (self.is_minutes or self.is_coarse):
                return SampleAverage(
                    self.spacing or timedelta(minutes=1),
                    on_change=layout.on_change,
                    is_solar=channel is not None and channel.name == "solar",
                )
            if not self.is_coarse:
                return RowsOfOneTime() if self.is_repeated else None
        spacing = timedelta(minutes=1) if self.spacing is None else self.spacing
        if self.quantity == "counter":
            may_fall = bool(layout.minus if channel is None else channel.minus)
            return CounterDifference(
                spacing, may_fall=may_fall, is_coarse=self.step_kw >= _COARSE_KW
            )
        return IntervalSpread(spacing, is_energy=self.quantity == "energy", is_end=layout.is_end)

    def energy_description(self, channel: Channel) -> str:
        """Describe the energy in a channel."""
        name = f"{channel.label!r}"
        distance = "" if self.spacing is None else apart(self.spacing.total_seconds())
        if self.quantity == "energy":
            return f"{name} is the energy of each interval of {distance} in {channel.unit}"
        text = f"{name} is a counter in {channel.unit}"
        if self.step_kw >= _COARSE_KW:
            text += f" (each of its steps is {self.step_kw:g} kW over {distance})"
        return text

    def description(self, layout: Layout) -> str:
        """Describe the conversion of rows to minutes in one line."""
        distance = "" if self.spacing is None else apart(self.spacing.total_seconds())
        if self.quantity != "power":
            text = self.energy_description(layout.grid)
        elif layout.on_change:
            text = "a row for each change, averaged to minutes"
        elif self.is_coarse:
            text = f"rows are {distance} apart"
        elif self.is_minutes:
            text = "several rows have the same time, averaged to minutes"
        else:
            text = f"rows are {distance} apart, averaged to minutes"
        if self.quantity != "power":
            text += ", converted to mean power"
        if self.is_coarse and not (self.quantity == "power" and layout.on_change):
            text += (
                "; each value is spread evenly over its minutes, so single minutes are not "
                "what was measured, and scores flatter"
            )
        return text


def recognise_shape(
    name: str,
    layout: Layout,
    rows: Sequence[Row],
    *,
    quantity: Quantity | None,
    as_minutes: bool,
) -> tuple[Shape, list[Question]]:
    """Recognise spacing, order and quantity by the first rows.

    Args:
        name: the file's name, for errors.
        layout: the columns.
        rows: the first rows, in the order of the file.
        quantity: what the values are, if it is known.
        as_minutes: whether rows more than a minute apart are accepted.

    Returns:
        The shape, and what must be asked.

    Raises:
        UsageError: the quantity contradicts the unit, or cannot be found.
    """
    steps = [(b[0] - a[0]).total_seconds() for a, b in pairwise(rows)]
    steps = [step for step in steps if step]
    # A single step back may be the effect of one wrong time, which makes all rows after it late.
    backward = sum(step < 0 for step in steps)
    is_ordered = backward < _MIN_BACKWARD or _late(rows) < _MIN_LATE * len(rows)
    if len(steps) >= _MIN_SPACINGS and backward == len(steps):
        is_ordered = False
    ordered = sorted(rows, key=lambda row: row[0])
    spacing = None
    if len(steps) >= _MIN_SPACINGS:
        gaps = [(b[0] - a[0]).total_seconds() for a, b in pairwise(ordered)]
        spacing = timedelta(seconds=_usual([gap for gap in gaps if gap]))
    questions: list[Question] = []
    values = [value for _, value, _ in ordered if value is not None]
    found = _quantity(name, layout, values, quantity, questions)
    if spacing is None and found != "power":
        raise UsageError(
            f"{name}: it has too few rows to find the interval of an energy; give a longer file"
        )
    step_kw = step_kw_of(values, spacing) if found == "counter" and spacing is not None else 0.0
    is_repeated = len(rows) - 1 - len(steps) > _MIN_REPEATED * len(rows)
    shape = Shape(found, spacing, is_ordered, is_repeated, step_kw)
    if spacing is not None and spacing > _MAX_SPACING:
        raise UsageError(
            f"{name}: its rows are {apart(spacing.total_seconds())} apart, too far for minutes; "
            "give a file with at least a row a month"
        )
    coarse = shape.is_coarse and not (found == "power" and layout.on_change)
    if coarse and not as_minutes and spacing is not None:
        distance = apart(spacing.total_seconds())
        questions.append(
            Question(
                f"its rows are {distance} apart, but single minutes are forecast; to spread "
                "each value over its minutes",
                "--as-minutes",
            )
        )
    return shape, questions


def _late(rows: Sequence[Row]) -> int:
    """Number of rows that are earlier than one before them."""
    latest = accumulate((row[0] for row in rows), max)
    return sum(row[0] < newest for row, newest in zip(rows, latest, strict=True))


def _usual(gaps: Sequence[float]) -> float:
    """The usual gap: a quarter are no longer, since rows may be missing between many."""
    return sorted(gaps)[(len(gaps) - 1) // 4]


def _quantity(
    name: str,
    layout: Layout,
    values: Sequence[float],
    requested: Quantity | None,
    questions: list[Question],
) -> Quantity:
    if requested is not None:
        if (requested == "power") is layout.is_energy:
            units = "W or kW" if requested == "power" else "kWh, Wh or MWh"
            raise UsageError(
                f"{name}: --quantity {requested} contradicts the unit {layout.unit} of "
                f"{layout.value_name!r}; give --unit {units}"
            )
        return requested
    if not layout.is_energy:
        return "power"
    changes = [b - a for a, b in pairwise(values)]
    falls = sum(change < 0 for change in changes)
    rises = sum(change > 0 for change in changes)
    # Without the few largest changes, which may be resets.
    sizes = sorted(map(abs, changes))[: max(1, len(changes) - len(changes) // 20)]
    is_far = bool(changes) and median(map(abs, values)) > _COUNTER_RATIO * sizes[-1] > 0.0
    if is_far and (layout.minus or falls <= rises // 20):
        return "counter"
    if falls:
        return "energy"
    if rises and len(values) >= _MIN_COUNTER_ROWS:
        return "counter"
    questions.append(
        Question(
            f"{layout.value_name!r} may be a counter or the energy of each interval",
            f"--quantity {'energy' if not rises else 'counter'}",
        )
    )
    return "energy"


def step_kw_of(values: Sequence[float], spacing: timedelta) -> float:
    """Return the worth of the last digit of a counter over the time between two rows, in kW."""
    digits = next(
        (
            digits
            for digits in range(7)
            if all(abs(value - round(value, digits)) < 1e-9 for value in values)
        ),
        7,
    )
    return float(f"{10.0**-digits * (timedelta(hours=1) / spacing):.3g}")
