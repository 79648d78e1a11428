"""SVG plots with a time axis, a value axis and marks between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from streamer.readings.arrays import DoubleArray, IntArray
from streamer.reporting.axes import Mark, tick_label
from streamer.reporting.markup import Markup, tag

_GRAIN = 10
"""Paths are drawn in tenths of a unit, so that coordinates are integers."""


@dataclass(frozen=True, slots=True)
class Size:
    """Size of a figure, for screens of a certain width.

    Attributes:
        name: name of its class in the style sheet.
        width: width of the figure in its own unit, about a pixel.
        height: height of the part inside the axes.
        ticks: largest number of steps on the value axis.
    """

    name: str
    width: int
    height: int
    ticks: int

    @property
    def inner(self) -> int:
        """Width inside the axes."""
        return self.width - _LEFT - _RIGHT


_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 8, 26, 40

NARROW = Size("narrow", 358, 190, 4)
MIDDLE = Size("middle", 680, 220, 5)
WIDE = Size("wide", 1040, 250, 5)


class Plot:
    """Collects the marks of a figure and renders them as SVG.

    Args:
        size: size of the figure.
        start: Unix seconds of the left edge.
        end: Unix seconds of the right edge.
        values: ticks of the value axis, increasing; the outer ones are its ends.
    """

    def __init__(self, size: Size, start: int, end: int, values: Sequence[float]) -> None:
        self._size = size
        self._start, self._per_s = start, size.inner / (end - start)
        self._values = values
        self._parts: list[Markup] = []

    @property
    def top(self) -> float:
        """The upper end of the value axis."""
        return self._values[-1]

    def frame(
        self, unit: str, marks: Iterable[Mark], show: Callable[[float], str] | None = None
    ) -> None:
        """Draw the axes, behind everything drawn later.

        Args:
            unit: text above the value axis.
            marks: marks of the time axis.
            show: format of a tick's value; None for as many decimals as the step needs.
        """
        bottom = _TOP + self._size.height
        self._text(unit, _LEFT - 6, _TOP - 13, "unit")
        step = self._values[1] - self._values[0]
        for value in self._values:
            y = self._y(value)
            self._line(_LEFT, y, self._size.width - _RIGHT, y, "axis" if value == 0 else "grid")
            self._text(show(value) if show else tick_label(value, step), _LEFT - 6, y + 4, "value")
        for mark in marks:
            x = self._x(mark.at)
            self._line(x, _TOP, x, bottom + (6 if mark.label else 0), _kind(mark))
            middle = self._x(mark.label_at)
            if mark.label:
                self._text(mark.label, middle, bottom + 19, "time")
            if mark.below:
                self._text(mark.below, middle, bottom + 34, "date")

    def line(self, at: DoubleArray, values: DoubleArray, name: str, *, step_s: float) -> None:
        """Draw a line, broken where a value is NaN or later than the next step.

        Args:
            at: (points,) Unix seconds.
            values: (points,) values; NaN for a missing one.
            name: name of the class in the style sheet.
            step_s: seconds from one point to the next.
        """
        path = []
        for piece in _pieces(at, values, step_s):
            xs, ys = self._points(at[piece], values[piece])
            # A single point is drawn as wide as its step, so that it is visible.
            alone = max(round(_GRAIN * self._per_s * step_s), 3 * _GRAIN)
            begin = xs[0] if len(xs) > 1 else xs[0] - alone // 2
            path.append(f"M{begin} {ys[0]}l{_relative(xs, ys) or f'{alone} 0'}")
        self._path("".join(path), name)

    def area(
        self, at: DoubleArray, low: DoubleArray, high: DoubleArray, name: str, *, step_s: float
    ) -> None:
        """Draw the area between two lines with the arguments of `line`."""
        path = []
        for piece in _pieces(at, low + high, step_s):
            xs, tops = self._points(at[piece], high[piece])
            _, bottoms = self._points(at[piece], low[piece])
            around_x = np.concatenate([xs, xs[::-1]])
            around_y = np.concatenate([tops, bottoms[::-1]])
            path.append(f"M{xs[0]} {tops[0]}l{_relative(around_x, around_y)}z")
        self._path("".join(path), name)

    def columns(
        self, starts: DoubleArray, ends: DoubleArray, low: DoubleArray, high: DoubleArray, name: str
    ) -> None:
        """Draw a rectangle for each of (columns,) without a NaN."""
        path = []
        for i in np.flatnonzero(np.isfinite(low + high)):
            xs, ys = self._points(np.array([starts[i], ends[i]]), np.array([low[i], high[i]]))
            width = max(int(xs[1] - xs[0]), 1)
            path.append(f"M{xs[0]} {ys[0]}v{ys[1] - ys[0]}h{width}V{ys[0]}z")
        self._path("".join(path), name)

    def bars_across(
        self, starts: DoubleArray, ends: DoubleArray, values: DoubleArray, name: str
    ) -> None:
        """Draw a horizontal line for each of (marks,) without a NaN."""
        path = []
        for i in np.flatnonzero(np.isfinite(values)):
            xs, ys = self._points(np.array([starts[i], ends[i]]), values[[i, i]])
            path.append(f"M{xs[0]} {ys[0]}H{xs[1]}")
        self._path("".join(path), name)

    def stems(self, at: DoubleArray, low: DoubleArray, high: DoubleArray, name: str) -> None:
        """Draw a vertical line for each of (marks,) without a NaN."""
        path = []
        for i in np.flatnonzero(np.isfinite(low + high)):
            xs, ys = self._points(at[[i, i]], np.array([low[i], high[i]]))
            path.append(f"M{xs[0]} {ys[0]}V{ys[1]}")
        self._path("".join(path), name)

    def dots(self, at: DoubleArray, values: DoubleArray, name: str) -> None:
        """Draw a dot for each of (marks,) without a NaN."""
        for i in np.flatnonzero(np.isfinite(values)):
            x, y = self._x(float(at[i])), self._y(float(values[i]))
            self._parts.append(tag("circle", cx=round(x, 1), cy=round(y, 1), r=3.2, class_=name))

    def level(self, value: float, name: str) -> None:
        """Draw a horizontal line across the whole plot."""
        self._line(_LEFT, self._y(value), self._size.width - _RIGHT, self._y(value), name)

    def missing(self, start: int, end: int) -> None:
        """Shade a span without readings."""
        left, right = self._x(start), self._x(end)
        self._parts.append(
            tag(
                "rect",
                x=round(left, 1),
                y=_TOP,
                width=round(max(right - left, 0.8), 1),
                height=self._size.height,
                class_="missing",
            )
        )

    def flag(self, at: int, text: str) -> None:
        """Draw a triangle with a tooltip on the upper edge."""
        x = self._x(at)
        shape = tag("path", d=f"M{x - 4.5:.1f} {_TOP - 9}h9l-4.5 8z", class_="alarm")
        self._parts.append(tag("g", tag("title", text), shape))

    def hint(self, start: float, end: float, text: str) -> None:
        """Add a tooltip to a span."""
        left, right = self._x(start), self._x(end)
        area = tag(
            "rect",
            tag("title", text),
            x=round(left, 1),
            y=_TOP,
            width=round(right - left, 1),
            height=self._size.height,
            class_="hint",
        )
        self._parts.append(area)

    def svg(self, label: str) -> Markup:
        """The figure as an SVG element.

        Args:
            label: description of the figure for screen readers.
        """
        height = _TOP + self._size.height + _BOTTOM
        return tag(
            "svg",
            *self._parts,
            viewBox=f"0 0 {self._size.width} {height}",
            role="img",
            aria_label=label,
            class_=self._size.name,
        )

    def _x(self, at: float) -> float:
        return _LEFT + (at - self._start) * self._per_s

    def _y(self, value: float) -> float:
        low, high = self._values[0], self._values[-1]
        share = (min(max(value, low), high) - low) / (high - low)
        return _TOP + self._size.height * (1.0 - share)

    def _points(self, at: DoubleArray, values: DoubleArray) -> tuple[IntArray, IntArray]:
        """Coordinates of points in tenths, clipped to the plot."""
        low, high = self._values[0], self._values[-1]
        share = (np.clip(values, low, high) - low) / (high - low)
        xs = _LEFT + (at - self._start) * self._per_s
        ys = _TOP + self._size.height * (1.0 - share)
        return np.rint(_GRAIN * xs).astype(np.int64), np.rint(_GRAIN * ys).astype(np.int64)

    def _path(self, path: str, name: str) -> None:
        if path:
            self._parts.append(tag("path", d=path, class_=name, transform=f"scale({1 / _GRAIN})"))

    def _line(self, x1: float, y1: float, x2: float, y2: float, name: str) -> None:
        x1, y1, x2, y2 = (round(value, 1) for value in (x1, y1, x2, y2))
        self._parts.append(tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=name))

    def _text(self, text: str, x: float, y: float, name: str) -> None:
        self._parts.append(tag("text", text, x=round(x, 1), y=round(y, 1), class_=name))


def _kind(mark: Mark) -> str:
    return "midnight" if mark.strong else "grid"


def _pieces(at: DoubleArray, values: DoubleArray, step_s: float) -> list[slice]:
    """Runs of points without a NaN and without a missing step."""
    known = np.isfinite(values)
    joined = known[1:] & known[:-1] & (np.diff(at) <= 1.5 * step_s)
    starts = np.flatnonzero(known & ~np.concatenate([[False], joined]))
    ends = np.flatnonzero(known & ~np.concatenate([joined, [False]])) + 1
    return [slice(int(start), int(end)) for start, end in zip(starts, ends, strict=True)]


def _relative(xs: IntArray, ys: IntArray) -> str:
    """Each point after the first, relative to the one before it."""
    moves = zip(np.diff(xs).tolist(), np.diff(ys).tolist(), strict=True)
    return " ".join(f"{x} {y}" for x, y in moves).replace(" -", "-")
