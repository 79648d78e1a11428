"""Conversion of readings to the units of a network with named inputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streamer.models.bounds import MAX_INPUT
from streamer.models.inputs import Input
from streamer.readings.arrays import DoubleArray, FloatArray


class Scaling:
    """Conversion of readings to the units of a network whose card names its inputs.

    Args:
        inputs: the inputs, at least one.
    """

    def __init__(self, inputs: Sequence[Input]) -> None:
        self._terms = [_terms(each) for each in inputs]

    def one(self, values: Sequence[float]) -> FloatArray:
        """One reading (inputs,)."""
        scaled = [
            min(max((value - shift) * factor, low), high)
            for value, (shift, factor, low, high) in zip(values, self._terms, strict=True)
        ]
        return np.array(scaled, np.float32)

    def convert(self, place: int, values: DoubleArray | FloatArray, *, out: FloatArray) -> None:
        """Values of the input at a place, of any shape, into an array of the same shape."""
        shift, factor, low, high = self._terms[place]
        scaled = values - shift
        scaled *= factor
        np.clip(scaled, low, high, out=out, casting="same_kind")

    def power(self, scaled: FloatArray) -> FloatArray:
        """Values of the first input, the power, from those in the network's units."""
        shift, factor, _, _ = self._terms[0]
        return (scaled / factor + shift).astype(np.float32)


def _terms(given: Input) -> tuple[float, float, float, float]:
    """Shift and factor of an input, and its bounds in the network's units."""
    factor = 1.0 / given.scale
    low, high = ((bound - given.shift) * factor for bound in (given.low, given.high))
    return given.shift, factor, max(low, -MAX_INPUT), min(high, MAX_INPUT)
