"""A step as a line of text for a person."""

from __future__ import annotations

from collections.abc import Sequence

from streamer.display.horizons import SHOWN, horizon_name
from streamer.display.numbers import number
from streamer.readings import Forecast, MeanForecast, Step
from streamer.sinks.means import longest

_TO_THE_MINUTE = len("2010-03-19 17:00")
_SETTLED_WIDTH = len("  forecast  0.500 error +0.250")
_FORECAST_WIDTH = len("  forecast  0.500")
_BAND_WIDTH = len("(0.25 to 0.75)")
_MAX_WIDTH = 100


def plain_line(step: Step, remarks: str = "", horizons: Sequence[int] = SHOWN) -> str:
    """A step as a line for a person; what is not known yet is left blank.

    It has some 85 columns for usual values, and 97 with the mean of the next hour. Where more
    would exceed 100, that mean is left out, and the error beside remarks, and if need be the
    settled forecast or the blanks in its place.

    Args:
        step: the step.
        remarks: text for the end of the line, after that of a gap.
        horizons: horizons in minutes: the mean of the longest one is shown.

    >>> from streamer.pipeline import Pipeline
    >>> from streamer.testing import FixedForecaster, readings
    >>> pipeline = Pipeline(FixedForecaster(kw=0.5, window=1, spread_kw=0.25))
    >>> first, second = pipeline.push_many(readings([0.25, 0.75]))
    >>> print(plain_line(second))
    2010-03-19 17:01   0.750 kW  forecast  0.500 error +0.250  next  0.500 (0.25 to 0.75)
    """
    reading, settled = step.reading, step.settled
    line = f"{str(reading.at)[:_TO_THE_MINUTE]}  {reading.kw:6.3f} kW"
    if reading.solar_kw is not None:
        line += f"  sun {reading.solar_kw:6.3f}"
    ending = _coming(step.forecast)
    forecast = error = ""
    if settled is not None:
        forecast = f"  forecast {settled.point_kw:6.3f}"
        if reading.solar_kw is None:  # beside it there is no room for the error
            error = f" error {number(step.point_error_kw, '+6.3f')}"
    elif ending:
        error = " " * (_SETTLED_WIDTH if reading.solar_kw is None else _FORECAST_WIDTH)
    if step.gap_minutes:
        remarks = f"  gap {step.gap_minutes} min{remarks}"
    if remarks:
        room = _MAX_WIDTH - len(line) - len(ending) - len(remarks)
        error = error if len(forecast) + len(error) <= room else ""
        forecast = forecast if len(forecast) <= room else ""
    line += forecast + error + ending
    if step.next_means is None:
        return line + remarks
    mean = _mean(longest(step.next_means, horizons))
    fits = len(line) + len(mean) + len(remarks) <= _MAX_WIDTH
    return (line + mean if fits else line) + remarks


def _mean(forecast: MeanForecast | None) -> str:
    return "" if forecast is None else f"  {horizon_name(forecast.minutes)} {forecast.kw:z5.2f}"


def _coming(forecast: Forecast | None) -> str:
    if forecast is None:
        return ""
    # z removes the sign of a negative zero.
    band = f"({forecast.low_kw:z.2f} to {forecast.high_kw:z.2f})"
    return f"  next {forecast.point_kw:6.3f} {band:{_BAND_WIDTH}}"
