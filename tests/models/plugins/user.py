"""Programs of a plug-in writer, one for each door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from streamer import (
    Answer,
    Forecaster,
    ForecastStream,
    Item,
    Notice,
    Pacer,
    Pipeline,
    Reading,
    ReadingBlock,
    ReadingError,
    SimpleForecaster,
    Sink,
    Source,
    SourceError,
    StateError,
    Step,
    Window,
    run,
)
from streamer.testing import check_forecaster, check_sink, check_source, readings


class Learning:
    """Forecaster that needs no more than `forecast`, with all that it may have."""

    window = 5
    levels = (0.05, 0.5, 0.95)

    def __init__(self) -> None:
        self.bias_kw = 0.0

    def forecast(self, window: Window) -> Sequence[float]:
        mean = window[-1] + self.bias_kw
        return [mean, mean - 0.1, mean, mean + 0.1]

    def learn(self, window: Window, actual_kw: float) -> None:
        self.bias_kw += 0.01 * (actual_kw - window[-1] - self.bias_kw)

    def state(self) -> dict[str, float]:
        return {"bias_kw": self.bias_kw}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.bias_kw = float(state["bias_kw"])


class Last:
    def forecast(self, window: Window) -> float:
        return float(window.kw[-1])


class Blocks:
    """Forecaster of windows in blocks."""

    window = 2
    levels: tuple[float, ...] = ()

    def forecast(self, windows: ArrayLike) -> Answer:
        mean = np.asarray(windows, np.float64)[:, -1].copy()
        return Answer(mean, np.empty((len(mean), 0)), np.empty((len(mean), 0), np.float32))

    def stream(self) -> ForecastStream:
        return BlocksStream(self)


class BlocksStream:
    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        self.kw: list[float] = []

    def restart(self, seen: int = 0) -> None:
        self.kw.clear()

    def push(self, kw: float) -> Answer | None:
        self.kw = [*self.kw, kw][-2:]
        return self.blocks.forecast([self.kw]) if len(self.kw) == 2 else None


class Lamp:
    """Sink."""

    def __init__(self) -> None:
        self.lit = 0

    def write(self, item: Item) -> None:
        if isinstance(item, Step) and item.forecast is not None:
            self.lit += item.forecast.kw > 1.0

    def close(self) -> None:
        self.lit = 0


class Three:
    """Source."""

    name = "three"

    def __init__(self) -> None:
        self.left: list[Reading | Notice] = [*readings([0.1, 0.2, 0.3])]

    def read(self) -> Sequence[Reading | Notice]:
        items, self.left = self.left, []
        return items

    def close(self) -> None:
        pass


forecasters: list[Forecaster | SimpleForecaster] = [Learning(), Last(), Blocks()]
sink: Sink = Lamp()
source: Source = Three()


def main() -> None:
    for make in (Learning, Last):
        check_forecaster(make)
    check_forecaster(Blocks)
    check_sink(Lamp())
    check_source(Three())
    pipeline = Pipeline(Learning(), challengers={"last": Last(), "blocks": Blocks()})
    run(source, pipeline, [sink], Pacer())
    try:
        pipeline.push_block(ReadingBlock.of(readings([0.4])))
        pipeline.restore({})
    except (ReadingError, SourceError, StateError) as error:
        print(error)


if __name__ == "__main__":
    main()
