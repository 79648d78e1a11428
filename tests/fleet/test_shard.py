"""Tests of a shard against one pipeline per meter, for any order of arrival."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamer.errors import StateError, UsageError
from streamer.fleet import COLUMNS, FleetSettings, Outcome, Shard
from streamer.models import load_model
from streamer.models.forecaster import NetworkForecaster
from streamer.online.intervals import TERMS
from streamer.pipeline import Pipeline
from streamer.readings import Alarm, Reading, Step
from streamer.readings.gaps import GapRule
from tests.agreement import AGREEMENT_KW

START = datetime(2026, 1, 1)
MINUTE = timedelta(minutes=1)
RELATIVE = 5e-6
"""Agreement relative to a large reading, from which forecasts are changes in float32."""


@pytest.fixture(scope="module")
def model() -> NetworkForecaster:
    return load_model("homes", threads=1)


def _streams(
    sample_kw: NDArray[np.float64], meters: int, minutes: int, rng: np.random.Generator
) -> dict[str, list[Reading]]:
    """Real minutes, shifted and scaled, with gaps."""
    streams = {}
    for number in range(meters):
        first = int(rng.integers(len(sample_kw) - minutes))
        kw = np.round(sample_kw[first : first + minutes] * rng.uniform(0.3, 3.0), 3)
        at = np.flatnonzero(rng.random(minutes) > rng.choice([0.0, 0.02, 0.2]))
        hole = int(rng.integers(1, 40))
        shift = np.where(at > minutes // 2, hole, 0)
        streams[f"meter {number}"] = [
            Reading(START + int(minute) * MINUTE, float(value))
            for minute, value in zip(at + shift, kw[at], strict=True)
        ]
    return streams


def _batches(
    streams: dict[str, list[Reading]], rng: np.random.Generator, sizes: list[int]
) -> list[list[tuple[str, Reading]]]:
    """All readings in batches, in order for each meter between batches but not inside them."""
    batches = []
    done = dict.fromkeys(streams, 0)
    while any(done[name] < len(readings) for name, readings in streams.items()):
        batch = []
        for name, readings in streams.items():
            count = int(rng.choice(sizes))
            batch += [(name, reading) for reading in readings[done[name] : done[name] + count]]
            done[name] += count
        if batch:
            batches.append([batch[place] for place in rng.permutation(len(batch))])
    return batches


def _push(shard: Shard, batch: list[tuple[str, Reading]]) -> Outcome:
    return shard.push(
        [name for name, _ in batch],
        np.array([reading.at for _, reading in batch], "datetime64[us]"),
        np.array([reading.kw for _, reading in batch]),
    )


def _expected(pipeline: Pipeline, readings: list[Reading]) -> list[Step]:
    return [pipeline.push(reading) for reading in readings]


def _twin(model: NetworkForecaster) -> Pipeline:
    """The pipeline of a meter with the default settings."""
    return Pipeline(model, adapt="light", demand=FleetSettings().demand_rule)


def _compare(name: str, outcome: Outcome, steps: list[Step], *, horizons: bool = True) -> None:
    """Compare the rows of a meter with the steps of its pipeline."""
    columns = outcome.columns
    # A silent meter's row has no reading.
    rows = np.flatnonzero((columns["meter"] == name) & ~np.isnan(columns["actual_kw"]))
    assert columns["minute"][rows].tolist() == [step.reading.at for step in steps]

    actual_kw = np.abs(columns["actual_kw"][rows])
    size_kw = np.maximum(actual_kw, np.append(0.0, actual_kw[:-1]))

    def holds(column: str, values: list[float | None], within: float = AGREEMENT_KW) -> None:
        expected = np.array([np.nan if value is None else value for value in values], float)
        found = columns[column][rows]
        assert np.isnan(found).tolist() == np.isnan(expected).tolist(), f"{name} {column}"
        apart = np.abs(found - expected) > within + RELATIVE * bool(within) * size_kw
        assert not apart.any(), f"{name} {column} {rows[apart]} {(found - expected)[apart]}"

    holds("actual_kw", [step.reading.kw for step in steps], 0.0)
    for prefix, forecasts in (
        ("forecast_kw median_kw low_kw high_kw", [step.settled for step in steps]),
        ("next_kw next_median_kw next_low_kw next_high_kw", [step.forecast for step in steps]),
    ):
        parts = ("kw", "median_kw", "low_kw", "high_kw")
        for column, part in zip(prefix.split(), parts, strict=True):
            holds(column, [getattr(forecast, part, None) for forecast in forecasts])
    demands = [step.demand for step in steps]
    holds("demand_minutes_left", [each.minutes_left if each else 0 for each in demands], 0.0)
    for column, part in (
        ("demand_kw", "kw"),
        ("demand_low_kw", "low_kw"),
        ("demand_high_kw", "high_kw"),
        ("p_raises_peak", "p_raises_peak"),
        ("month_peak_kw", "month_peak_kw"),
    ):
        holds(column, [getattr(demand, part, None) for demand in demands])
    for column, part in (("demand_start", "start"), ("month_peak_at", "month_peak_at")):
        assert columns[column][rows].tolist() == [getattr(each, part, None) for each in demands]
    holds("gap_minutes", [step.gap_minutes for step in steps], 0.0)
    scores = [step.scores for step in steps]
    holds("settled", [score.settled for score in scores], 0.0)
    holds("mse_kw2", [score.model.mse_kw2 for score in scores])
    holds("mae_kw", [score.model.mae_kw for score in scores])
    holds("persistence_mse_kw2", [score.persistence.mse_kw2 for score in scores])
    if scores[-1].frozen is not None:
        holds("frozen_mse_kw2", [score.frozen and score.frozen.mse_kw2 for score in scores])
    for minutes in (15, 60) if horizons else ():
        ahead = [step.next_means and step.next_means.of(minutes) for step in steps]
        for part in ("kw", "median_kw", "low_kw", "high_kw"):
            holds(f"next_{minutes}_{part}", [getattr(each, part, None) for each in ahead])
        settled = [step.mean_scores and step.mean_scores.of(minutes) for step in steps]
        holds(f"settled_{minutes}", [each.settled if each else 0 for each in settled], 0.0)
        for column, part in (
            (f"mse_{minutes}_kw2", "mse_kw2"),
            (f"persistence_mse_{minutes}_kw2", "persistence_mse_kw2"),
            (f"coverage_{minutes}", "coverage"),
        ):
            holds(column, [getattr(each, part, None) for each in settled])
    # The quotient magnifies rounding for small errors of persistence, so its parts are compared.
    skill = columns["skill"][rows]
    assert np.isnan(skill).tolist() == [score.skill is None for score in scores]
    mse, persistence = columns["mse_kw2"][rows], columns["persistence_mse_kw2"][rows]
    there = ~np.isnan(skill)
    np.testing.assert_allclose(1.0 - skill[there], mse[there] / persistence[there], rtol=1e-12)
    holds("coverage", [score.band.coverage for score in scores])
    raised = [[alarm for alarm in step.alarms if alarm.at == step.reading.at] for step in steps]
    kinds = [[a.kind for a in alarms if a.kind != Alarm.DRIFT] for alarms in raised]
    assert columns["alarms"][rows].tolist() == [",".join(kind) or None for kind in kinds]
    texts = [[a.text for a in alarms if a.kind != Alarm.DRIFT] for alarms in raised]
    assert columns["alarm_text"][rows].tolist() == ["; ".join(text) or None for text in texts]


@pytest.mark.parametrize(
    ("weights", "adapt", "gaps", "minutes"),
    [
        ("homes", True, "skip", 400),
        ("sceaux", True, "reset", 250),
        ("homes", False, "skip", 150),
        ("sceaux", False, "reset", 150),
    ],
)
def test_rows_equal_those_of_a_pipeline_per_meter(
    sample_kw: NDArray[np.float64],
    weights: str,
    adapt: bool,
    gaps: str,
    minutes: int,
) -> None:
    rng, model = np.random.default_rng(7), load_model(weights, threads=1)
    streams = _streams(sample_kw, meters=3, minutes=minutes, rng=rng)
    # Without the light adapter, a pipeline keeps the full version of demand intervals.
    fleet = FleetSettings(adapt=adapt, gaps=gaps, demand=15 if adapt else 0)
    shard = Shard(model, fleet)
    outcomes = []
    for batch in _batches(streams, rng, [0, 1, 1, 7, 60]):
        outcomes.append(_push(shard, batch))
        state = shard.state()
        shard = Shard(model, fleet)
        shard.restore(state)
    outcome = Outcome.joined(outcomes)
    assert list(outcome.columns) == list(COLUMNS)
    assert len({len(column) for column in outcome.columns.values()}) == 1
    spoken = np.count_nonzero(~np.isnan(outcome.columns["actual_kw"]))
    assert spoken == sum(map(len, streams.values()))
    for name, readings in streams.items():
        pipeline = Pipeline(
            model,
            gaps=GapRule(gaps),
            adapt="light" if adapt else False,
            demand=fleet.demand_rule,
        )
        # Without adaptation, a single meter has the horizons of the full version.
        _compare(name, outcome, _expected(pipeline, readings), horizons=adapt)
    assert (shard.late, shard.doubled, shard.invalid) == (0, 0, 0)


@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(0, 30), min_size=1, max_size=4))
@settings(max_examples=3, deadline=None)
def test_any_order_of_arrival_gives_the_same_rows(
    model: NetworkForecaster, sample_kw: NDArray[np.float64], seed: int, sizes: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    streams = _streams(sample_kw, meters=3, minutes=100, rng=rng)
    shard = Shard(model)
    batches = _batches(streams, rng, [*sizes, 1])
    outcome = Outcome.joined([_push(shard, batch) for batch in batches])
    for name, readings in streams.items():
        _compare(name, outcome, _expected(_twin(model), readings))


def test_a_network_without_quantiles_gives_the_rows_of_a_pipeline(
    make_keras_file: Callable[..., tuple[Any, Path]], sample_kw: NDArray[np.float64]
) -> None:
    _, path = make_keras_file(4, 3, timesteps=9)
    bare = load_model(path)
    rng = np.random.default_rng(3)
    streams = _streams(sample_kw, meters=2, minutes=300, rng=rng)
    shard = Shard(bare)
    outcome = Outcome.joined([_push(shard, batch) for batch in _batches(streams, rng, [1, 50])])
    for name, readings in streams.items():
        _compare(name, outcome, _expected(_twin(bare), readings))


def test_the_clock_of_a_zone_is_that_of_its_times(
    model: NetworkForecaster, sample_kw: NDArray[np.float64]
) -> None:
    # The clock is set forward at one o'clock in UTC.
    zone, start = ZoneInfo("Europe/Brussels"), datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    at = [(start + minute * MINUTE) for minute in range(200)]
    kw = sample_kw[:200].tolist()
    shard = Shard(model, FleetSettings(zone=zone.key))
    readings = [
        Reading(each.replace(tzinfo=None), each_kw) for each, each_kw in zip(at, kw, strict=True)
    ]
    outcome = _push(shard, [("a", reading) for reading in readings])
    pipeline = Pipeline(model, adapt="light")
    steps = [
        pipeline.push(Reading(each.astimezone(zone), each_kw))
        for each, each_kw in zip(at, kw, strict=True)
    ]
    for minutes in (15, 60):
        expected = [step.next_means.of(minutes) for step in steps if step.next_means is not None]
        assert len(expected) == 152
        for part in ("kw", "median_kw", "low_kw", "high_kw"):
            np.testing.assert_allclose(
                outcome.columns[f"next_{minutes}_{part}"][48:],
                [getattr(each, part) for each in expected],
                rtol=0.0,
                atol=AGREEMENT_KW,
            )
    in_utc = _push(Shard(model), [("a", reading) for reading in readings])
    assert (outcome.columns["next_60_kw"][48:] != in_utc.columns["next_60_kw"][48:]).any()


@pytest.mark.parametrize("without", [False, True])
def test_horizons_can_be_left_out(model: NetworkForecaster, without: bool) -> None:
    shard = Shard(model, FleetSettings(horizons=not without))
    columns = shard.push(["a"] * 80, _minutes(*range(80)), np.full(80, 0.3)).columns
    assert np.isnan(columns["next_60_kw"]).all() == without
    assert (columns["settled_15"][-1] == 0) == without


def _minutes(*numbers: int) -> NDArray[np.datetime64]:
    return np.datetime64(START, "us") + np.array(numbers) * np.timedelta64(1, "m")


def test_late_and_duplicate_readings_are_counted_and_dropped(
    model: NetworkForecaster, sample_kw: NDArray[np.float64]
) -> None:
    kw = sample_kw[:100]
    once, again = Shard(model), Shard(model)
    expected = once.push(["a"] * 100, _minutes(*range(100)), kw)
    first = again.push(["a"] * 60, _minutes(*range(60)), kw[:60])
    both = [*range(40, 100), *range(70, 80)]
    rest = again.push(["a"] * len(both), _minutes(*both), np.append(kw[40:], np.zeros(10)))
    outcome = Outcome.joined([first, rest])
    for name, column in expected.columns.items():
        if COLUMNS[name] == "double":
            # A skill magnifies the rounding of small errors of persistence.
            rtol = 1e-4 if name.startswith("skill") else 0.0
            np.testing.assert_allclose(outcome.columns[name], column, rtol=rtol, atol=AGREEMENT_KW)
        else:
            np.testing.assert_array_equal(outcome.columns[name], column)
    # Of minutes 40 to 59, the last is the meter's latest reading, and so a duplicate.
    assert (again.late, again.doubled, again.invalid) == (19, 1 + 10, 0)
    nothing = again.push(["a"] * 100, _minutes(*range(100)), kw)
    assert len(nothing) == 0
    assert list(nothing.columns) == list(COLUMNS)


def test_readings_that_are_not_finite_are_counted_and_dropped(model: NetworkForecaster) -> None:
    shard = Shard(model)
    kw = np.array([0.1, np.nan, np.inf, -np.inf, 0.2])
    outcome = shard.push(["a"] * 5, _minutes(*range(5)), kw)
    assert shard.push(["b"], _minutes(0), np.array([np.nan])).columns["meter"].tolist() == []
    assert outcome.columns["actual_kw"].tolist() == [0.1, 0.2]
    assert outcome.columns["gap_minutes"].tolist() == [0, 3]
    assert shard.invalid == 4
    assert shard.latest == _minutes(4)[0]


@pytest.mark.parametrize("huge_kw", [1e7, -1e12, 1e300])
def test_implausible_readings_are_learnt_from_as_by_a_pipeline(
    model: NetworkForecaster, sample_kw: NDArray[np.float64], huge_kw: float
) -> None:
    readings = [
        Reading(START + minute * MINUTE, huge_kw if minute in (60, 250) else float(kw))
        for minute, kw in enumerate(sample_kw[:400])
    ]
    pipeline = Pipeline(model, adapt="light")
    outcome = _push(Shard(model), [("a", reading) for reading in readings])
    steps = pipeline.push_many(readings)
    assert steps[-1].adaptation is not None
    assert steps[-1].adaptation.learnt
    for column in ("next_kw", "next_low_kw", "next_high_kw"):
        expected = [
            np.nan if step.forecast is None else getattr(step.forecast, column[5:])
            for step in steps
        ]
        np.testing.assert_allclose(outcome.columns[column], expected, rtol=1e-9, atol=AGREEMENT_KW)


def test_implausible_readings_leave_scores_and_forecasts_finite(model: NetworkForecaster) -> None:
    shard = Shard(model)
    kw = np.tile([1e308, -1e308, 0.3, 5000.0], 30)
    outcome = shard.push(["a"] * len(kw), _minutes(*range(len(kw))), kw)
    assert np.isfinite(outcome.columns["mse_kw2"][-1])
    later = shard.push(["a"] * 200, _minutes(*range(200, 400)), np.full(200, 0.3))
    assert abs(later.columns["next_kw"][-1] - 0.3) < 0.1


def test_a_new_shard_has_no_rows(model: NetworkForecaster) -> None:
    shard = Shard(model)
    assert shard.latest is None
    assert len(shard.push([], _minutes(), np.empty(0))) == 0
    assert len(shard.silent(_minutes(0)[0])) == 0
    assert len(shard.summary()) == 0


def test_a_silent_meter_is_reported_once_until_its_next_reading(model: NetworkForecaster) -> None:
    shard = Shard(model, FleetSettings(silent_after=15))
    shard.push(["a", "b", "b"], _minutes(0, 0, 10), np.array([0.1, 0.2, 0.3]))
    assert len(shard.silent(_minutes(15)[0])) == 0
    reported = shard.silent(_minutes(16)[0]).columns
    assert reported["meter"].tolist() == ["a"]
    assert reported["minute"].tolist() == [START + MINUTE]
    assert np.isnan(reported["actual_kw"]).all()
    assert reported["alarms"].tolist() == ["silent"]
    assert reported["alarm_text"].tolist() == ["no reading after that of 2026-01-01T00:00 UTC"]
    assert len(shard.silent(_minutes(17)[0])) == 0
    restored = Shard(model, FleetSettings(silent_after=15))
    restored.restore(shard.state())
    assert not restored.is_silent
    assert restored.silent(_minutes(100)[0]).columns["meter"].tolist() == ["b"]
    assert restored.is_silent
    restored.push(["a"], _minutes(101), np.array([0.1]))
    assert restored.summary().columns["alarms"].tolist() == [None, "silent"]
    assert restored.silent(_minutes(117)[0]).columns["meter"].tolist() == ["a"]


@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_the_same_silences_are_reported_however_the_readings_are_distributed(
    model: NetworkForecaster, data: st.DataObject
) -> None:
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    meters, minutes = 6, 120
    there = rng.random((minutes, meters)) > 0.02
    there[:2] = there[-2:] = True
    for meter in range(meters - 1):
        first = int(rng.integers(5, minutes - 5))
        there[first : first + int(rng.integers(13, 40)), meter] = False
    at, which = np.nonzero(there)
    # By definition: more than 15 minutes without a reading.
    expected = []
    for meter in range(meters):
        times = [*at[which == meter].tolist(), minutes - 1]
        expected += [
            (f"m{meter}", START + (time + 1) * MINUTE)
            for time, later in pairwise(times)
            if later - time > 15
        ]
    cuts = data.draw(st.lists(st.integers(1, len(at) - 1), max_size=12))
    # Silence is found beside what takes the time: adaptation, and means of the next minutes.
    plain = FleetSettings(adapt=False, horizons=False, demand=0)
    shard = Shard(model, plain)
    parts = []
    for piece in np.split(np.arange(len(at)), sorted(set(cuts))):
        piece = rng.permutation(piece)
        names = [f"m{meter}" for meter in which[piece]]
        parts.append(shard.push(names, _minutes(*at[piece]), np.full(len(piece), 0.3)))
        assert shard.latest is not None
        parts.append(shard.silent(shard.latest))
        state = shard.state()
        shard = Shard(model, plain)
        shard.restore(state)
    columns = Outcome.joined(parts).columns
    silent = columns["alarms"] == np.array("silent", object)
    found = list(zip(columns["meter"][silent], columns["minute"][silent].tolist(), strict=True))
    assert sorted(found) == sorted(expected)
    assert len(columns["meter"]) == len(at) + len(expected)


@pytest.mark.parametrize(("meters", "ahead"), [(5, 1), (60, 1), (101, 1), (250, 2)])
def test_a_clock_that_is_ahead_makes_no_other_meter_silent(
    model: NetworkForecaster, meters: int, ahead: int
) -> None:
    shard = Shard(model)
    names = [f"m{number}" for number in range(meters)]
    shard.push(names, np.repeat(_minutes(9), meters), np.full(meters, 0.1))
    shard.push(names[:ahead], np.repeat(_minutes(100_000), ahead), np.full(ahead, 0.1))
    assert shard.latest == _minutes(9)[0]
    assert len(shard.silent(shard.latest)) == 0
    shard.push(names[: ahead + 1], np.repeat(_minutes(200_000), ahead + 1), np.full(ahead + 1, 0.1))
    assert shard.latest == _minutes(200_000)[0]


def test_the_latest_of_a_few_meters_counts(model: NetworkForecaster) -> None:
    shard = Shard(model)
    shard.push(["a", "b", "c", "d"], _minutes(5, 7, 6, 6), np.full(4, 0.1))
    assert shard.latest == _minutes(7)[0]


def test_no_meter_is_silent_after_0_minutes(model: NetworkForecaster) -> None:
    shard = Shard(model, FleetSettings(silent_after=0))
    shard.push(["a"], _minutes(0), np.array([0.1]))
    assert len(shard.silent(_minutes(10_000)[0])) == 0


def test_a_summary_has_one_row_per_meter(
    model: NetworkForecaster, sample_kw: NDArray[np.float64]
) -> None:
    shard = Shard(model)
    outcome = shard.push(["a"] * 60, _minutes(*range(60)), sample_kw[:60])
    shard.push(["b"], _minutes(7), np.array([1.5]))
    summary = shard.summary().columns
    assert summary["meter"].tolist() == shard.meters == ["a", "b"]
    assert summary["actual_kw"].tolist() == [sample_kw[59], 1.5]
    assert summary["settled"].tolist() == [11, 0]
    for name in ("next_kw", "mse_kw2", "skill", "coverage"):
        assert summary[name][0] == outcome.columns[name][-1]
        assert np.isnan(summary[name][1])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: state[: len(state) // 2],
        lambda state: b"",
        lambda state: b"{}\n",
        lambda state: b"[1]\n" + state,
        lambda state: state.replace(b'"version": 5', b'"version": 9', 1),
        lambda state: state.replace(b'["a"', b'["b"', 1),
    ],
)
def test_a_damaged_state_is_rejected(
    model: NetworkForecaster, spoil: Callable[[bytes], bytes]
) -> None:
    shard = Shard(model)
    shard.push(["a", "b"], _minutes(0, 0), np.array([0.1, 0.2]))
    with pytest.raises(StateError, match="state of a shard"):
        Shard(model).restore(spoil(shard.state()))


def test_a_state_of_other_settings_is_rejected(model: NetworkForecaster) -> None:
    state = Shard(model).state()
    with pytest.raises(StateError, match="this one has"):
        Shard(model, FleetSettings(confidence=0.8)).restore(state)
    with pytest.raises(StateError, match="this one has"):
        Shard(model, FleetSettings(adapt=False)).restore(state)


def test_a_state_with_impossible_classes_is_rejected(model: NetworkForecaster) -> None:
    shard = Shard(model)
    shard.push(["a"] * 50, _minutes(*range(50)), np.full(50, 0.3))
    shard._table.records["band"]["places"][0, 2] = TERMS
    with pytest.raises(StateError, match="classes"):
        Shard(model).restore(shard.state())


@pytest.mark.parametrize(
    "wrong", [{"confidence": 1.0}, {"gaps": "fill"}, {"max_gap": -1}, {"silent_after": -1}]
)
def test_wrong_settings_are_rejected(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        FleetSettings(**wrong)
