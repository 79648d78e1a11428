"""Tests of what follows from the values of a step."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime

from streamer.readings import Counts, Forecast, Reading, Scores, Step

AT = datetime(2016, 6, 1, 12)


def test_the_error_of_what_is_shown_is_that_of_the_point_forecast() -> None:
    forecast = Forecast(AT, 2.0, 1.0, 2.0, 1.5, 0.5, 1.25)
    step = Step(Reading(AT, 1.0), forecast, None, Scores(), 0, 1, Counts())
    assert (step.error_kw, step.point_error_kw) == (-1.0, -0.25)
    far = replace(forecast, low_kw=-1.5e308, median_kw=-1.5e308)
    assert replace(step, reading=Reading(AT, 1.5e308), settled=far).point_error_kw == (
        sys.float_info.max
    )
    assert replace(step, settled=None).point_error_kw is None
