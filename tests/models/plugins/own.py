"""Forecasters as a plug-in writer would write them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from streamer import Answer, Window
from streamer.testing import FixedForecaster

WINDOW = 4


class Leaning:
    """Forecasts the last reading and a bias that it learns; keeps it in its state."""

    window = WINDOW

    def __init__(self) -> None:
        self.bias_kw = 0.0

    def forecast(self, window: Window) -> float:
        return window[-1] + self.bias_kw

    def learn(self, window: Window, actual_kw: float) -> None:
        self.bias_kw += 0.1 * (actual_kw - window[-1] - self.bias_kw)

    def state(self) -> dict[str, float]:
        return {"bias_kw": self.bias_kw}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.bias_kw = float(state["bias_kw"])


class Spoilt(Leaning):
    """Answers something else where the last reading is a given one."""

    def __init__(self, spoil: Callable[[Window], Any], at_kw: float) -> None:
        super().__init__()
        self.spoil = spoil
        self.at_kw = at_kw

    def forecast(self, window: Window) -> float:
        if window[-1] == self.at_kw:
            return self.spoil(window)  # type: ignore[no-any-return] # wrong on purpose
        return super().forecast(window)


class SpoiltBlocks(FixedForecaster):
    """A forecaster of blocks whose answers are spoilt where the last reading is a given one."""

    def __init__(self, spoil: Callable[[Answer], Answer], at_kw: float) -> None:
        super().__init__(window=WINDOW, spread_kw=0.2)
        self.spoil = spoil
        self.at_kw = at_kw

    def forecast(self, windows: ArrayLike) -> Answer:
        answer = super().forecast(windows)
        if (np.asarray(windows)[:, -1] == self.at_kw).any():
            return self.spoil(answer)
        return answer


def nothing_finite(answer: Answer) -> Answer:
    return Answer(np.full_like(answer.mean_kw, math.nan), answer.quantiles_kw, answer.hidden)


def infinite_quantiles(answer: Answer) -> Answer:
    return Answer(answer.mean_kw, np.full_like(answer.quantiles_kw, math.inf), answer.hidden)


def too_many(answer: Answer) -> Answer:
    return Answer(np.repeat(answer.mean_kw, 2), answer.quantiles_kw, answer.hidden)


def too_few_quantiles(answer: Answer) -> Answer:
    return Answer(answer.mean_kw, answer.quantiles_kw[:, :1], answer.hidden)


def diverged(answer: Answer) -> Answer:
    return Answer(answer.mean_kw * 1e23, answer.quantiles_kw, answer.hidden)


def other_units(answer: Answer) -> Answer:
    return Answer(
        answer.mean_kw, answer.quantiles_kw, np.zeros((len(answer.mean_kw), 3), np.float32)
    )


def raising(answer: object) -> Any:
    raise ValueError("no\nforecast today")


SPOILERS = {
    "nan": nothing_finite,
    "infinite": infinite_quantiles,
    "too many": too_many,
    "too few": too_few_quantiles,
    "diverged": diverged,
    "other units": other_units,
    "raising": raising,
}
