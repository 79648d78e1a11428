"""Names, types and labels of all metrics, in the order in which they are exposed."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

GAUGE: Final = "gauge"
COUNTER: Final = "counter"
INFO: Final = "info"

METER = "meter"

Kind = Literal["gauge", "counter", "info"]
"""Type of a metric."""


class Definition(NamedTuple):
    """A metric.

    Attributes:
        name: its name in full: `streamer_readings_total`.
        type: its type.
        help: what it is, in one line.
        labels: its labels in order.
        unit: the base unit that its name contains; empty for a number or a share.
    """

    name: str
    type: Kind
    help: str
    labels: tuple[str, ...] = (METER,)
    unit: str = ""


class Value(NamedTuple):
    """A value of a metric.

    Attributes:
        name: name of the metric.
        number: the value.
        labels: values of its labels, in the order of its definition, without that of `METER`.
    """

    name: str
    number: float
    labels: tuple[str, ...] = ()


_M = (METER, "minutes")
_ML = (METER, "minutes", "level")
_MF = (METER, "minutes", "forecaster")

DEFINITIONS = (
    Definition(
        "streamer_build_info", INFO, "Versions of streamer and Python.", ("version", "python")
    ),
    Definition(
        "streamer_publisher_failures_total",
        COUNTER,
        "Attempts to publish that failed, while a broker is not reached for example.",
        ("publisher",),
    ),
    Definition(
        "streamer_meter_info",
        INFO,
        "Name of the meter and its source, and what forecasts it.",
        (METER, "name", "source", "model", "engine"),
    ),
    Definition(
        "streamer_meter_up",
        GAUGE,
        "1 if the latest reading is of the present, 0 if it is stale, missing, or the last one.",
    ),
    Definition(
        "streamer_last_reading_timestamp_seconds",
        GAUGE,
        "Beginning of the minute of the latest reading.",
        unit="seconds",
    ),
    Definition(
        "streamer_link_up", GAUGE, "1 if the meter is connected, even if silent, 0 if it is not."
    ),
    Definition(
        "streamer_link_losses_total", COUNTER, "Times that an established connection was lost."
    ),
    Definition("streamer_readings_total", COUNTER, "Valid readings, of one minute each."),
    Definition(
        "streamer_missing_readings_total",
        COUNTER,
        "Minutes without a reading, counted when the next one arrives.",
    ),
    Definition(
        "streamer_notices_total",
        COUNTER,
        "Rows, values and requests that were refused, warnings and events.",
        (METER, "kind"),
    ),
    Definition(
        "streamer_import_joules_total",
        COUNTER,
        "Energy drawn from the grid in measured minutes.",
        unit="joules",
    ),
    Definition(
        "streamer_export_joules_total",
        COUNTER,
        "Energy fed into the grid in measured minutes.",
        unit="joules",
    ),
    Definition(
        "streamer_power_watts",
        GAUGE,
        "Mean power of the latest minute at the grid connection, import positive.",
        unit="watts",
    ),
    Definition(
        "streamer_sample_power_watts",
        GAUGE,
        "Power of the latest sample, within the running minute.",
        unit="watts",
    ),
    Definition(
        "streamer_solar_power_watts",
        GAUGE,
        "Mean solar power of the latest minute.",
        unit="watts",
    ),
    Definition(
        "streamer_battery_power_watts",
        GAUGE,
        "Mean power into the battery in the latest minute, discharging negative.",
        unit="watts",
    ),
    Definition(
        "streamer_consumption_power_watts",
        GAUGE,
        "Mean power that the house used in the latest minute, where solar or battery is measured.",
        unit="watts",
    ),
    Definition(
        "streamer_forecast_power_watts",
        GAUGE,
        "Expected mean power of the next minutes.",
        _M,
        "watts",
    ),
    Definition(
        "streamer_forecast_power_quantile_watts",
        GAUGE,
        "Quantiles of it by level: the ends of the prediction interval, and the median.",
        _ML,
        "watts",
    ),
    Definition(
        "streamer_forecasts_settled_total",
        COUNTER,
        "Forecasts whose minutes have been measured since.",
        _M,
    ),
    Definition(
        "streamer_forecasts_covered_total",
        COUNTER,
        "Those of them whose prediction interval contained what was measured.",
        _M,
    ),
    Definition(
        "streamer_squared_error_square_watts_total",
        COUNTER,
        "Sum of the squared errors of the mean forecasts, and of persistence for the same minutes.",
        _MF,
        "square_watts",
    ),
    Definition(
        "streamer_absolute_error_watts_total",
        COUNTER,
        "Sum of the absolute errors of the median forecasts, and of persistence likewise.",
        _MF,
        "watts",
    ),
    Definition(
        "streamer_skill_ratio",
        GAUGE,
        "1 - MSE/MSE of persistence, of the last hour, the last day and the whole recording.",
        (METER, "window"),
        "ratio",
    ),
    Definition(
        "streamer_coverage_ratio",
        GAUGE,
        "Share of the readings inside the prediction interval, of the last day and in all.",
        (METER, "window"),
        "ratio",
    ),
    Definition(
        "streamer_nominal_coverage_ratio",
        GAUGE,
        "Share that should lie inside.",
        unit="ratio",
    ),
    Definition("streamer_alarms_active", GAUGE, "Alarms that are active.", (METER, "kind")),
    Definition(
        "streamer_alarms_raised_total", COUNTER, "Alarms that were raised.", (METER, "kind")
    ),
    Definition(
        "streamer_demand_remaining_seconds",
        GAUGE,
        "Time left of the running demand interval.",
        unit="seconds",
    ),
    Definition(
        "streamer_demand_so_far_watts",
        GAUGE,
        "Mean import of its measured minutes so far.",
        unit="watts",
    ),
    Definition(
        "streamer_demand_forecast_watts",
        GAUGE,
        "Expected mean import of the whole interval.",
        unit="watts",
    ),
    Definition(
        "streamer_demand_forecast_quantile_watts",
        GAUGE,
        "Ends of its prediction interval.",
        (METER, "level"),
        "watts",
    ),
    Definition(
        "streamer_demand_bound_watts",
        GAUGE,
        "Mean import that the interval should not exceed.",
        unit="watts",
    ),
    Definition(
        "streamer_demand_margin_watts",
        GAUGE,
        "Mean import over the rest of the interval at which it reaches the bound.",
        unit="watts",
    ),
    Definition(
        "streamer_demand_exceedance_probability",
        GAUGE,
        "Probability that the interval exceeds the bound, 0 to 1.",
    ),
    Definition(
        "streamer_month_peak_watts",
        GAUGE,
        "Highest complete demand interval of the month so far.",
        unit="watts",
    ),
    Definition(
        "streamer_today_import_joules",
        GAUGE,
        "Energy drawn since midnight in measured minutes.",
        unit="joules",
    ),
    Definition(
        "streamer_today_export_joules",
        GAUGE,
        "Energy fed in since midnight in measured minutes.",
        unit="joules",
    ),
    Definition(
        "streamer_today_cost",
        GAUGE,
        "Cost of the energy drawn today, less what the energy fed in earns.",
        (METER, "currency"),
    ),
    Definition(
        "streamer_month_cost",
        GAUGE,
        "Cost of the month so far, with feed-in, peak and standing charges.",
        (METER, "currency"),
    ),
)
"""All metrics of streamer; those of the process itself are prometheus-client's."""
