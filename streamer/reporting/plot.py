"""A small drawing board: an SVG with a time axis, a value axis and marks between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from streamer.readings.arrays import DoubleArray, IntArray
from streamer.reporting.axes import Mark, tick_label
from streamer.reporting.markup import Markup, tag

_GRAIN = 10
"""Paths are drawn in tenths, so that whole numbers say where."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a figure is drawn; each is for screens of another width.

    Attributes:
        name: of its class in the style sheet.
        width: in the figure's own unit, about a pixel.
        height: of the part inside the axes.
        ticks: steps on the value axis, at most.
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
    """Collects what is drawn, and makes the SVG of it.

    Args:
        size: how large.
        start: Unix seconds of the left edge.
        end: of the right edge.
        values: ticks of the value axis, rising; the outer ones are its ends.
    """

    def __init__(self, size: Size, start: int, end: int, values: Sequence[float]) -> None:
        self._size = size
        self._start, self._per_s = start, size.inner / (end - start)
        self._values = values
        self._parts: list[Markup] = []

    @property
    def top(self) -> float:
        """The highest value there is room for."""
        return self._values[-1]

    def frame(
        self, unit: str, marks: Iterable[Mark], show: Callable[[float], str] | None = None
    ) -> None:
        """Draw the axes, behind what is drawn later.

        Args:
            unit: what stands above the value axis.
            marks: of the time axis.
            show: how a tick is written; None for as many decimals as it takes.
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
        """A line, broken where a value is NaN or later than the next step.

        Args:
            at: (points,) Unix seconds.
            values: (points,).
            name: of its class.
            step_s: seconds from one point to the next, where nothing is missing.
        """
        path = []
        for piece in _pieces(at, values, step_s):
            xs, ys = self._points(at[piece], values[piece])
            # A point by itself is drawn as long as what it stands for, so that it is seen.
            alone = max(round(_GRAIN * self._per_s * step_s), 3 * _GRAIN)
            begin = xs[0] if len(xs) > 1 else xs[0] - alone // 2
            path.append(f"M{begin} {ys[0]}l{_relative(xs, ys) or f'{alone} 0'}")
        self._path("".join(path), name)

    def area(
        self, at: DoubleArray, low: DoubleArray, high: DoubleArray, name: str, *, step_s: float
    ) -> None:
        """The area between two lines, each as `line` takes it."""
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
        """Rectangles, one for each (columns,) of which no value is NaN."""
        path = []
        for i in np.flatnonzero(np.isfinite(low + high)):
            xs, ys = self._points(np.array([starts[i], ends[i]]), np.array([low[i], high[i]]))
            width = max(int(xs[1] - xs[0]), 1)
            path.append(f"M{xs[0]} {ys[0]}v{ys[1] - ys[0]}h{width}V{ys[0]}z")
        self._path("".join(path), name)

    def bars_across(
        self, starts: DoubleArray, ends: DoubleArray, values: DoubleArray, name: str
    ) -> None:
        """A level line for each (marks,) whose value is no NaN."""
        path = []
        for i in np.flatnonzero(np.isfinite(values)):
            xs, ys = self._points(np.array([starts[i], ends[i]]), values[[i, i]])
            path.append(f"M{xs[0]} {ys[0]}H{xs[1]}")
        self._path("".join(path), name)

    def stems(self, at: DoubleArray, low: DoubleArray, high: DoubleArray, name: str) -> None:
        """An upright line for each (marks,) of which no value is NaN."""
        path = []
        for i in np.flatnonzero(np.isfinite(low + high)):
            xs, ys = self._points(at[[i, i]], np.array([low[i], high[i]]))
            path.append(f"M{xs[0]} {ys[0]}V{ys[1]}")
        self._path("".join(path), name)

    def dots(self, at: DoubleArray, values: DoubleArray, name: str) -> None:
        """A dot for each (marks,) whose value is no NaN."""
        for i in np.flatnonzero(np.isfinite(values)):
            x, y = self._x(float(at[i])), self._y(float(values[i]))
            self._parts.append(tag("circle", cx=round(x, 1), cy=round(y, 1), r=3.2, class_=name))

    def level(self, value: float, name: str) -> None:
        """A line right across."""
        self._line(_LEFT, self._y(value), self._size.width - _RIGHT, self._y(value), name)

    def missing(self, start: int, end: int) -> None:
        """A stretch of which nothing is known."""
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

    def flag(self, at: int, said: str) -> None:
        """A triangle on the upper edge, which says something when pointed at."""
        x = self._x(at)
        shape = tag("path", d=f"M{x - 4.5:.1f} {_TOP - 9}h9l-4.5 8z", class_="alarm")
        self._parts.append(tag("g", tag("title", said), shape))

    def hint(self, start: float, end: float, said: str) -> None:
        """What is said of a stretch when it is pointed at."""
        left, right = self._x(start), self._x(end)
        area = tag(
            "rect",
            tag("title", said),
            x=round(left, 1),
            y=_TOP,
            width=round(right - left, 1),
            height=self._size.height,
            class_="hint",
        )
        self._parts.append(area)

    def svg(self, label: str) -> Markup:
        """The figure.

        Args:
            label: what it shows, for who cannot see it.
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
        """Where points are, in tenths. What leaves the picture runs along its edge."""
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
    """The stretches in which no value is NaN and none is late."""
    known = np.isfinite(values)
    joined = known[1:] & known[:-1] & (np.diff(at) <= 1.5 * step_s)
    starts = np.flatnonzero(known & ~np.concatenate([[False], joined]))
    ends = np.flatnonzero(known & ~np.concatenate([joined, [False]])) + 1
    return [slice(int(start), int(end)) for start, end in zip(starts, ends, strict=True)]


def _relative(xs: IntArray, ys: IntArray) -> str:
    """Each point but the first, as seen from the one before it."""
    moves = zip(np.diff(xs).tolist(), np.diff(ys).tolist(), strict=True)
    return " ".join(f"{x} {y}" for x, y in moves).replace(" -", "-")
