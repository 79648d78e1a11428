"""Linear regression that learns from each reading in turn, by river."""

from __future__ import annotations

import math

import numpy as np

from streamer.evaluation.forecasts import Advance
from streamer.evaluation.stretch import Stretch
from streamer.readings.arrays import DoubleArray

CHANGES = 9
LEARNING_RATE = 0.3
MAX_GRADIENT = 1.0
_ADVANCE_EVERY = 2000


def forecast_online(stretch: Stretch, advance: Advance) -> DoubleArray:
    """Forecast each minute's change from the last nine, then learn from its actual change.

    river's `LinearRegression` with AdaGrad (Duchi, Hazan and Singer 2011, JMLR 12), untrained
    at the beginning of the stretch. Differences have no level to diverge from, one outlier
    moves the weights no further than any other reading (the gradient is clipped), and no
    forecast leaves the range of the readings so far.

    Args:
        stretch: the stretch to forecast.
        advance: called every 2,000 readings; each reading takes some 10 to 100 µs.

    Returns:
        (minutes,) forecasts in kW.
    """
    # Imported here, since river loads scipy, which takes seconds.
    from river import linear_model, optim

    model = linear_model.LinearRegression(
        optimizer=optim.AdaGrad(LEARNING_RATE), intercept_lr=0.0, clip_gradient=MAX_GRADIENT
    )
    kw = stretch.kw[stretch.start :].tolist()
    changes = np.diff(kw).tolist()
    lowest, highest = min(kw[: CHANGES + 1]), max(kw[: CHANGES + 1])
    forecasts = []
    for now in range(CHANGES + 1, len(kw)):
        last = kw[now - 1]
        lowest, highest = min(lowest, last), max(highest, last)
        recent = dict(enumerate(changes[now - 1 - CHANGES : now - 1]))
        forecast = last + model.predict_one(recent)
        forecasts.append(min(max(forecast, lowest), highest) if math.isfinite(forecast) else last)
        model.learn_one(recent, changes[now - 1])
        if now % _ADVANCE_EVERY == 0:
            advance(_ADVANCE_EVERY)
    return np.array(forecasts[-stretch.minutes :])
