"""Tests of the metrics of all meters, against the steps that they are made of."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.demand.settings import DemandRule
from streamer.pipeline import Pipeline
from streamer.publishing import WatchedMeter
from streamer.publishing.metrics import Metrics
from streamer.publishing.metrics.definitions import COUNTER, DEFINITIONS, GAUGE
from streamer.publishing.metrics.tally import MAX_ERROR_W
from streamer.publishing.state import MeterState, next_state
from streamer.readings import Alarm, Link, Notice, Reading, Sample, Step
from streamer.sinks import Item
from streamer.sinks.items import About
from streamer.testing import FixedForecaster, readings
from tests.publishing.metrics.parsed import OPENMETRICS, names_of, samples_of, value_of

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUSE = WatchedMeter("House", "house", late_s=30.0, horizons=(1, 5, 60))

REMAINING = {
    "streamer_build_info",
    "streamer_meter_info",
    "streamer_meter_up",
    "streamer_last_reading_timestamp_seconds",
    "streamer_link_up",
    *(each.name for each in DEFINITIONS if each.type == COUNTER),
} - {"streamer_publisher_failures_total"}
"""What remains of a meter that is stale."""


class _Meter:
    """A meter whose items arrive as time passes."""

    def __init__(self, metrics: Metrics, meter: WatchedMeter = HOUSE) -> None:
        self.metrics, self.now = metrics, START
        self.state = MeterState(meter)

    def take(self, *items: Item | None) -> None:
        for item in items:
            if isinstance(item, Step):
                self.now = item.reading.at + MINUTE
            self.state = next_state(self.state, item, self.now)
            self.metrics.take(self.state, item)


def _pipeline() -> Pipeline:
    forecaster = FixedForecaster(spread_kw=0.3, horizons=(5, 60))
    return Pipeline(forecaster, demand=DemandRule(15))


def _steps(count: int = 200) -> list[Step]:
    kw = np.random.default_rng(5).gamma(2.0, 0.5, count) - 0.4
    kw[30:33] = math.nan
    return _pipeline().push_many(readings(kw, start=START))


def _taken(*items: Item | None) -> _Meter:
    meter = _Meter(Metrics())
    meter.take(About("mqtt://broker", "homes", engine="numpy"), *items)
    return meter


def test_the_present_is_that_of_the_latest_step() -> None:
    steps = _steps()
    meter = _taken(Link(Link.UP), *steps, Sample(0.75))
    found, last = samples_of(meter.metrics, meter.now), steps[-1]
    assert last.forecast is not None
    assert last.next_means is not None
    assert last.demand is not None
    forecast, hour, demand = last.forecast, last.next_means.of(60), last.demand
    assert hour is not None
    watts = {
        ("power_watts", ()): last.reading.kw,
        ("sample_power_watts", ()): 0.75,
        ("forecast_power_watts", (("minutes", "1"),)): forecast.kw,
        ("forecast_power_watts", (("minutes", "60"),)): hour.kw,
        ("forecast_power_quantile_watts", (("minutes", "1"), ("level", "0.05"))): forecast.low_kw,
        ("forecast_power_quantile_watts", (("minutes", "60"), ("level", "0.95"))): hour.high_kw,
        ("forecast_power_quantile_watts", (("minutes", "60"), ("level", "0.5"))): hour.median_kw,
        ("demand_so_far_watts", ()): demand.so_far_kw,
        ("demand_forecast_watts", ()): demand.kw,
        ("demand_forecast_quantile_watts", (("level", "0.95"),)): demand.high_kw,
        ("demand_bound_watts", ()): demand.bound_kw,
        ("demand_margin_watts", ()): demand.margin_kw,
        ("month_peak_watts", ()): demand.month_peak_kw,
    }
    for (name, labels), kw in watts.items():
        assert kw is not None
        assert value_of(found, name, meter="house", **dict(labels)) == pytest.approx(1e3 * kw)
    plain = {
        "meter_up": 1.0,
        "link_up": 1.0,
        "last_reading_timestamp_seconds": last.reading.at.timestamp(),
        "demand_remaining_seconds": 60.0 * demand.minutes_left,
        "demand_exceedance_probability": demand.p_raises_peak,
        "nominal_coverage_ratio": 0.9,
    }
    for name, number in plain.items():
        assert value_of(found, name, meter="house") == number
    assert value_of(found, "skill_ratio", meter="house", window="day") == last.scores.day_skill
    assert value_of(found, "coverage_ratio", meter="house", window="all") == pytest.approx(
        last.scores.band.coverage
    )


def test_every_metric_is_exposed_by_some_meter() -> None:
    from decimal import Decimal

    from streamer.energy.tariff import Rate, Tariff

    tariff = Tariff("flat", "EUR", energy=Rate(fixed=Decimal("0.25")))
    metrics = Metrics()
    metrics.count_failure("mqtt://broker")
    meter = _Meter(metrics, WatchedMeter("House", "house", horizons=(5,), tariff=tariff))
    pipeline = Pipeline(
        FixedForecaster(0.2, spread_kw=0.3, horizons=(5, 60)), demand=DemandRule(15)
    )
    solar = [
        Reading(START + minute * MINUTE, 0.1 * (minute % 7), solar_kw=0.5, battery_kw=-0.1)
        for minute in range(100)
    ]
    steps = pipeline.push_many(solar)
    meter.take(About("lines", "homes"), Link(Link.UP), *steps, Sample(0.2))
    found = samples_of(metrics, meter.now)
    assert names_of(found) == {each.name for each in DEFINITIONS}
    imported_kwh = sum(reading.kw for reading in solar) / 60.0
    assert value_of(found, "today_import_joules", meter="house") == pytest.approx(
        3.6e6 * imported_kwh, abs=3.6
    )
    assert value_of(found, "today_cost", meter="house", currency="EUR") == pytest.approx(
        0.25 * imported_kwh, abs=0.005
    )
    assert value_of(found, "consumption_power_watts", meter="house") == pytest.approx(
        1e3 * (solar[-1].kw + 0.6)
    )


@pytest.mark.parametrize("late_s", [90.0, 3600.0, 86_400.0])
def test_a_stale_meter_has_no_present(late_s: float) -> None:
    meter = _taken(Link(Link.UP), *_steps(), Sample(0.75))
    fresh = samples_of(meter.metrics, meter.now + timedelta(seconds=89))
    stale = samples_of(meter.metrics, meter.now + timedelta(seconds=late_s))
    assert value_of(fresh, "meter_up", meter="house") == 1.0
    assert value_of(stale, "meter_up", meter="house") == 0.0
    assert names_of(stale) == REMAINING
    gauges = {each.name for each in DEFINITIONS if each.type == GAUGE}
    assert names_of(fresh) & gauges > names_of(stale) & gauges


def test_an_ended_stream_is_not_up() -> None:
    meter = _taken(*_steps(60), None)
    found = samples_of(meter.metrics, meter.now)
    assert value_of(found, "meter_up", meter="house") == 0.0
    assert value_of(found, "power_watts", meter="house") is None


def test_a_meter_that_was_never_heard_is_known_and_not_up() -> None:
    meter = _taken(Link(Link.LOST, "broker"))
    found = samples_of(meter.metrics, meter.now)
    assert value_of(found, "meter_up", meter="house") == 0.0
    assert value_of(found, "link_up", meter="house") == 0.0
    assert value_of(found, "readings_total", meter="house") == 0.0
    assert value_of(found, "notices_total", meter="house", kind="warning") == 0.0
    assert value_of(found, "last_reading_timestamp_seconds", meter="house") is None


def _sums(steps: Sequence[Step], minutes: int) -> dict[str, float]:
    """Sums over the settled forecasts of a horizon, computed from readings and forecasts."""
    kw = {step.reading.at: step.reading.kw for step in steps}
    errors, last_errors, covered = [], [], 0
    for step in steps:
        at = step.reading.at
        of = [at + ahead * MINUTE for ahead in range(1, minutes + 1)]
        found = step.forecast if minutes == 1 else step.next_means and step.next_means.of(minutes)
        if found is None or any(each not in kw for each in of):
            continue
        actual = float(np.mean([kw[each] for each in of]))
        errors.append(1e3 * (actual - found.kw))
        last_errors.append(1e3 * (actual - kw[at]))
        covered += found.low_kw <= actual <= found.high_kw
    return {
        "settled": len(errors),
        "covered": covered,
        "model": float(np.sum(np.square(errors))),
        "persistence": float(np.sum(np.square(last_errors))),
        "absolute": float(np.sum(np.abs(last_errors))),
    }


@pytest.mark.parametrize("minutes", [1, 5, 60])
def test_errors_add_up_to_those_of_the_steps(minutes: int) -> None:
    steps = [step for step in _steps() if step.reading.at >= START + 33 * MINUTE]
    meter = _taken(*steps)
    found, sums = samples_of(meter.metrics, meter.now), _sums(steps, minutes)
    labels = {"meter": "house", "minutes": str(minutes)}
    assert sums["settled"] > 50
    assert sums["covered"] > 0
    assert value_of(found, "forecasts_settled_total", **labels) == sums["settled"]
    assert value_of(found, "forecasts_covered_total", **labels) == sums["covered"]
    for who in ("model", "persistence"):
        squared = value_of(found, "squared_error_square_watts_total", forecaster=who, **labels)
        assert squared == pytest.approx(sums[who], rel=1e-9)
    absolute = value_of(found, "absolute_error_watts_total", forecaster="persistence", **labels)
    assert absolute == pytest.approx(sums["absolute"], rel=1e-9)


def test_the_rate_of_the_errors_gives_the_scores_own_skill() -> None:
    steps = _steps()
    meter = _taken(*steps)
    found, scores = samples_of(meter.metrics, meter.now), steps[-1].scores
    mse = {
        who: (
            value_of(
                found,
                "squared_error_square_watts_total",
                meter="house",
                minutes="1",
                forecaster=who,
            )
            or 0.0
        )
        / scores.settled
        for who in ("model", "persistence")
    }
    assert scores.model.mse_kw2 is not None
    assert mse["model"] == pytest.approx(1e6 * scores.model.mse_kw2)
    assert 1.0 - mse["model"] / mse["persistence"] == pytest.approx(scores.skill, abs=1e-9)


def test_readings_gaps_and_energies_are_counted() -> None:
    steps = _steps()
    meter = _taken(*steps)
    found = samples_of(meter.metrics, meter.now)
    kw = np.array([step.reading.kw for step in steps])
    assert value_of(found, "readings_total", meter="house") == len(steps) == 197
    assert value_of(found, "missing_readings_total", meter="house") == 3.0
    imported = value_of(found, "import_joules_total", meter="house")
    exported = value_of(found, "export_joules_total", meter="house")
    assert imported == pytest.approx(6e4 * kw[kw > 0].sum())
    assert exported == pytest.approx(-6e4 * kw[kw < 0].sum())
    assert exported > 0.0


def test_counters_begin_at_zero_with_the_process_and_never_fall() -> None:
    # A pipeline with a past goes back to an earlier state, as when a clock was ahead: its own
    # totals fall, which Prometheus would take for a new beginning at zero.
    pipeline = _pipeline()
    pipeline.push_many(readings(np.full(500, 0.3), start=START - timedelta(days=1)))
    state = pipeline.state()
    meter, totals = _taken(), []
    counters = {each.name for each in DEFINITIONS if each.type == COUNTER}
    ahead = pipeline.push_many(readings(np.full(90, 0.9), start=START + timedelta(days=1)))
    pipeline.restore(state)
    right = pipeline.push_many(readings(np.full(80, 0.4), start=START))
    assert right[-1].counts.readings < ahead[-1].counts.readings
    before = samples_of(meter.metrics, meter.now)
    assert {value for (name, _), value in before.items() if name in counters} == {0.0}
    steps = [*ahead, *right]
    for start in range(0, len(steps), 10):
        meter.take(*steps[start : start + 10])
        after = samples_of(meter.metrics, meter.now)
        assert all(after[key] >= value for key, value in before.items() if key[0] in counters)
        totals.append(value_of(after, "readings_total", meter="house"))
        before = after
    assert totals == list(range(10, 171, 10))


def test_alarms_are_counted_once_each() -> None:
    steps = Pipeline(FixedForecaster()).push_many(
        readings([0.3] * 15 + [0.4] + [0.5] * 20, start=START)
    )
    meter, active = _taken(), []
    for step in steps:
        meter.take(step)
        found = samples_of(meter.metrics, meter.now)
        active.append(value_of(found, "alarms_active", meter="house", kind=Alarm.STUCK))
    assert active == [float(any(a.kind == Alarm.STUCK for a in step.alarms)) for step in steps]
    assert sum(active) > 2.0
    raised = len({alarm.at for step in steps for alarm in step.alarms})
    assert value_of(found, "alarms_raised_total", meter="house", kind=Alarm.STUCK) == raised == 2


def test_an_alarm_from_before_the_process_is_active_but_not_raised() -> None:
    steps = Pipeline(FixedForecaster()).push_many(readings([0.3] * 18, start=START))
    meter = _taken(*steps[-2:])
    found = samples_of(meter.metrics, meter.now)
    assert value_of(found, "alarms_active", meter="house", kind=Alarm.STUCK) == 1.0
    assert value_of(found, "alarms_raised_total", meter="house", kind=Alarm.STUCK) == 0.0


def test_notices_and_losses_are_counted_by_kind() -> None:
    meter = _taken(
        Notice(Notice.ABSURD, "9000 kW", count=3),
        Notice(Notice.WARNING, "slow"),
        Link(Link.LOST),
        Link(Link.UP),
        Link(Link.LOST),
        Link(Link.LOST),
    )
    found = samples_of(meter.metrics, meter.now)
    assert value_of(found, "notices_total", meter="house", kind="implausible") == 3.0
    assert value_of(found, "notices_total", meter="house", kind="warning") == 1.0
    assert value_of(found, "notices_total", meter="house", kind="order") == 0.0
    assert value_of(found, "link_losses_total", meter="house") == 1.0


def test_a_forecast_that_is_not_a_number_spoils_no_sum() -> None:
    steps = []
    for step in _steps()[-2:]:
        assert step.settled is not None
        assert step.forecast is not None
        settled, forecast = (
            replace(each, kw=math.nan, median_kw=None) for each in (step.settled, step.forecast)
        )
        steps.append(replace(step, settled=settled, forecast=forecast))
    meter = _taken(*steps)
    found = samples_of(meter.metrics, meter.now)
    labels = {"meter": "house", "minutes": "1"}
    squared = value_of(found, "squared_error_square_watts_total", forecaster="model", **labels)
    assert squared == 2 * MAX_ERROR_W**2
    assert value_of(found, "forecast_power_watts", **labels) is None


def test_meters_are_told_apart_and_a_failing_publisher_is_counted() -> None:
    metrics = Metrics()
    garage = WatchedMeter("Garage\nof mine", "garage", horizons=())
    for meter, count in ((HOUSE, 60), (garage, 55)):
        _Meter(metrics, meter).take(About("x", "y"), *_steps(count))
    metrics.count_failure("mqtt://broker")
    metrics.count_failure("mqtt://broker")
    for accept in ("", OPENMETRICS):
        found = samples_of(metrics, START + 60 * MINUTE, accept)
        assert value_of(found, "readings_total", meter="house") == 57.0
        assert value_of(found, "readings_total", meter="garage") == 52.0
        failures = value_of(found, "publisher_failures_total", publisher="mqtt://broker")
        assert failures == 2.0
        assert (
            "streamer_forecasts_settled_total",
            frozenset({("meter", "garage"), ("minutes", "5")}),
        ) not in found


def test_foreign_text_in_labels_is_made_safe() -> None:
    # A path of bytes that are not UTF-8 has surrogates, which cannot be encoded.
    meter = _Meter(Metrics(), WatchedMeter('The "house"\\', "house"))
    meter.take(About("tail:/tmp/\udcff\n.log", "homes"))
    for accept in ("", OPENMETRICS):
        labels = {"source": "tail:/tmp/? .log", "name": 'The "house"\\'}
        labels |= {"meter": "house", "model": "homes", "engine": ""}
        assert value_of(samples_of(meter.metrics, meter.now, accept), "meter_info", **labels) == 1


def test_both_formats_have_the_same_samples() -> None:
    meter = _taken(Link(Link.UP), *_steps(), Sample(0.75))
    plain, kind = meter.metrics.exposition(meter.now, "text/html, */*;q=0.1")
    text, openmetrics_kind = meter.metrics.exposition(meter.now, OPENMETRICS)
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    assert openmetrics_kind.startswith("application/openmetrics-text; version=1.0.0")
    assert text.endswith(b"# EOF\n")
    assert b"# UNIT streamer_power_watts watts\n" in text
    same = samples_of(meter.metrics, meter.now), samples_of(meter.metrics, meter.now, OPENMETRICS)
    assert same[0] == same[1]
    assert b"process_resident_memory_bytes" in plain


@given(
    st.lists(
        st.sampled_from(
            ["application/openmetrics-text", "text/plain", ";", ",", "q=", "0.5", "version=x"]
        )
        | st.text(max_size=5)
    ).map("".join)
)
@settings(max_examples=30)
def test_any_accepted_format_gives_an_exposition(accept: str) -> None:
    body, kind = _EMPTY.exposition(START, accept)
    assert b"streamer_build_info" in body
    assert kind.startswith(("text/plain", "application/openmetrics-text"))


_EMPTY = Metrics()


def test_without_the_library_the_error_names_the_extra() -> None:
    code = (
        "import sys\n"
        "sys.modules['prometheus_client'] = None\n"
        "from streamer.errors import MissingExtraError\n"
        "from streamer.publishing.metrics import Metrics\n"
        "try:\n"
        "    Metrics()\n"
        "except MissingExtraError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.startswith("the page /metrics needs an extra: ")
    assert "[metrics]" in done.stdout
