"""Tests of the evaluation against a replay and plain computations, and of its output."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from streamer.evaluation import (
    BASELINES,
    Evaluation,
    Forecasts,
    Stretch,
    assess,
    forecast_stretch,
)
from streamer.evaluation import forecasts as forecasts_module
from streamer.models import load_model
from streamer.pipeline import Pipeline
from streamer.readings import Reading, skill
from streamer.testing import FixedForecaster
from tests.evaluation.conftest import minutes

LEVELS = (0.05, 0.5, 0.95)
EDGES = [0.0, 0.3, 0.5, 1.0, 2.0, 4.0, np.inf]


def _ignore(count: int) -> None:
    pass


def _model(stretch: Stretch, name: str = "model", seed: int = 0) -> Forecasts:
    rng = np.random.default_rng(seed)
    mean = stretch.actual_kw + rng.normal(0, 0.1, stretch.minutes)
    quantiles = mean[:, None] + np.array([-0.1, 0.01, 0.2])
    return Forecasts(name, mean, LEVELS, quantiles, is_model=True)


def _adapted(frozen: Forecasts) -> Forecasts:
    """Forecasts slightly nearer to the readings than the frozen ones."""
    rng = np.random.default_rng(2)
    mean = frozen.mean_kw + rng.normal(0, 0.02, len(frozen.mean_kw))
    return replace(
        frozen, name="model, adapted", mean_kw=mean, adapted_from=frozen.name, in_sample=True
    )


def _persistence(stretch: Stretch) -> Forecasts:
    return Forecasts("persistence", BASELINES["persistence"].forecast(stretch, _ignore))


@pytest.fixture(scope="module")
def evaluation(stretch: Stretch) -> Evaluation:
    model = _model(stretch)
    forecasts = [model, _adapted(model), _model(stretch, "other", 1), _persistence(stretch)]
    return assess(stretch, forecasts, ["mind this"])


def test_scores_equal_those_of_a_replay(sample_kw: np.ndarray, sample_at: np.ndarray) -> None:
    begin, end = 1000, 2700
    stretch = Stretch(sample_kw[:end], sample_at[:end], start=begin)
    model = load_model()
    mean, _ = forecast_stretch(model, stretch, _ignore)
    pipeline = Pipeline(model)
    steps = [
        pipeline.push(Reading(at.item(), kw))
        for at, kw in zip(sample_at[begin:end], sample_kw[begin:end].tolist(), strict=True)
    ]
    settled = [step.settled for step in steps if step.settled is not None]
    np.testing.assert_allclose(mean, [f.frozen_kw for f in settled], rtol=0, atol=1e-6)
    found = assess(stretch, [Forecasts("m", mean, is_model=True)])
    scores, metrics = steps[-1].scores, found.assessments[0].metrics
    assert scores.frozen is not None
    assert scores.settled == stretch.minutes == found.stretch.minutes
    # The forecasts agree to some 1e-7 kW, and so do the scores.
    assert metrics.mse_kw2 == pytest.approx(scores.frozen.mse_kw2, rel=1e-5)
    assert metrics.mae_w == pytest.approx(scores.frozen.mae_w, rel=1e-5)
    reached = skill(scores.frozen.mse_kw2, scores.persistence.mse_kw2)
    assert metrics.skill == pytest.approx(reached, abs=1e-5)


def test_equal_forecasts_give_the_scores_of_a_replay(
    sample_kw: np.ndarray, sample_at: np.ndarray
) -> None:
    stretch = Stretch(sample_kw[:3000], sample_at[:3000], start=500)
    model = load_model()
    pipeline = Pipeline(model)
    steps = pipeline.push_many(
        [
            Reading(at.item(), kw)
            for at, kw in zip(sample_at[500:3000], sample_kw[500:3000].tolist(), strict=True)
        ]
    )
    mean, _ = forecast_stretch(model, stretch, _ignore)
    found = assess(stretch, [Forecasts("m", mean, is_model=True), _persistence(stretch)])
    scores = steps[-1].scores
    for assessment, errors in zip(
        found.assessments, (scores.frozen, scores.persistence), strict=True
    ):
        assert errors is not None
        assert assessment.metrics.mse_kw2 == pytest.approx(errors.mse_kw2, rel=1e-9)
        assert assessment.metrics.mae_w == pytest.approx(errors.mae_w, rel=1e-9)
        assert assessment.metrics.rmse_w == pytest.approx(errors.rmse_w, rel=1e-9)
    assert found.to_json()["gaps"] == pipeline.state()["counts"]["gaps"]
    assert found.to_json()["gap_minutes"] == pipeline.state()["counts"]["gap_minutes"]


def test_block_size_does_not_change_the_forecasts(
    monkeypatch: pytest.MonkeyPatch, sample_kw: np.ndarray, sample_at: np.ndarray
) -> None:
    stretch = Stretch(sample_kw[:700], sample_at[:700])
    model = load_model()
    advances: list[int] = []
    whole = forecast_stretch(model, stretch, advances.append)
    monkeypatch.setattr(forecasts_module, "_BLOCK", 100)
    parts = forecast_stretch(model, stretch, advances.append)
    assert advances == [651, *[100] * 6, 51]
    for one, two in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-6)


def test_persistence_model_has_a_skill_of_exactly_zero(stretch: Stretch) -> None:
    mean, quantiles = forecast_stretch(FixedForecaster(spread_kw=0.1), stretch, _ignore)
    found = assess(
        stretch, [Forecasts("p", mean, LEVELS, quantiles, is_model=True), _persistence(stretch)]
    )
    for assessment in found.assessments:
        assert assessment.metrics.skill == 0.0
        assert assessment.skill_interval is not None
        assert (assessment.skill_interval.low, assessment.skill_interval.high) == (0.0, 0.0)
    for parts in found.breakdowns.values():
        assert [score.skill for part in parts for score in part.scores] == [0.0] * 2 * len(parts)


def test_constant_readings_leave_scores_undefined() -> None:
    stretch = Stretch(np.full(9 * 1440, 0.3), minutes(9 * 1440), start=2000)
    forecasts = [
        Forecasts(name, baseline.forecast(stretch, _ignore), is_model=name == "river")
        for name, baseline in BASELINES.items()
        if baseline.is_default
    ]
    text = json.dumps(assess(stretch, forecasts).to_json(), allow_nan=False)
    for found in json.loads(text)["forecasters"]:
        assert (found["skill"], found["r2"], found["skill_interval"]) == (None, None, None)
        assert found["first_leads_by"] is None
        assert found["mse_kw2"] == pytest.approx(0.0, abs=1e-20)


def _groups(stretch: Stretch) -> dict[str, list[object]]:
    """The group of each scored minute, computed one minute at a time."""
    found: dict[str, list[object]] = {"hour": [], "level": [], "gap": [], "month": []}
    moments: list[datetime] = stretch.at.tolist()
    for i in range(stretch.first, len(moments)):
        steps = [
            (later - earlier).total_seconds() / 60
            for earlier, later in zip(moments[i - 49 : i], moments[i - 48 : i + 1], strict=True)
        ]
        found["hour"].append(f"{moments[i].hour:02}")
        found["month"].append(f"{moments[i]:%Y-%m}")
        last = stretch.kw[i - 1]
        found["level"].append(next(n for n in range(6) if EDGES[n] <= last < EDGES[n + 1]))
        within = "gap in the window" if max(steps[:-1]) > 1 else "no gap in the window"
        found["gap"].append("right after a gap" if steps[-1] > 1 else within)
    return found


def test_breakdowns_equal_a_plain_computation(evaluation: Evaluation, stretch: Stretch) -> None:
    assert list(evaluation.breakdowns) == ["hour", "level", "gap", "month"]
    labels = [
        "below 0.3 kW", "0.3–0.5 kW", "0.5–1 kW", "1–2 kW", "2–4 kW", "4 kW and more"
    ]  # fmt: skip
    reference = stretch.actual_kw - stretch.last_kw
    for name, groups in _groups(stretch).items():
        parts = evaluation.breakdowns[name]
        names = [labels[g] if name == "level" else g for g in groups]
        assert {part.label for part in parts} == set(names)
        assert sum(part.minutes for part in parts) == stretch.minutes
        for part in parts:
            chosen = np.array([label == part.label for label in names])
            assert part.minutes == chosen.sum()
            for assessment, score in zip(evaluation.assessments, part.scores, strict=True):
                errors = (stretch.actual_kw - assessment.forecasts.mean_kw)[chosen]
                mse = np.mean(errors**2)
                assert score.mse_kw2 == pytest.approx(mse, rel=1e-9)
                assert score.mae_w == pytest.approx(1000 * np.mean(np.abs(errors)), rel=1e-9)
                skill = 1 - mse / np.mean(reference[chosen] ** 2)
                assert score.skill == pytest.approx(skill, abs=1e-9)
    assert [part.minutes for part in evaluation.breakdowns["gap"]] == [2, 50, 9858]


def test_lead_is_computed_over_the_same_days(evaluation: Evaluation) -> None:
    first, _, other, persistence = evaluation.assessments
    assert first.lead is None
    assert other.lead is not None
    assert other.lead.skill == first.metrics.skill - other.metrics.skill
    assert persistence.lead is not None
    assert persistence.lead.skill == first.metrics.skill
    assert persistence.lead.interval == first.skill_interval
    for lead in (other.lead, persistence.lead):
        assert lead.interval is not None
        assert lead.interval.low < lead.skill < lead.interval.high
    assert evaluation.days == 7


def test_adapted_forecaster_is_compared_with_the_frozen_one(evaluation: Evaluation) -> None:
    first, adapted, other, persistence = evaluation.assessments
    for assessment in (first, other, persistence):
        assert assessment.mse_to_frozen is None
    found = adapted.mse_to_frozen
    assert found is not None
    assert found.ratio == adapted.metrics.mse_kw2 / first.metrics.mse_kw2
    assert found.interval is not None
    assert found.interval.low < found.ratio < found.interval.high
    # Both over the same days drawn, hence much narrower than the interval of either skill.
    day = evaluation.stretch.scored_at.astype("datetime64[D]")
    errors = [
        np.square(evaluation.stretch.actual_kw - assessment.forecasts.mean_kw)
        for assessment in (adapted, first)
    ]
    ratios = [np.divide(*(e[day == one].sum() for e in errors)) for one in np.unique(day)]
    assert min(ratios) < found.interval.low < found.interval.high < max(ratios)


def test_ratio_to_no_error_is_undefined(stretch: Stretch) -> None:
    perfect = Forecasts("m", stretch.actual_kw, is_model=True)
    adapted = replace(perfect, name="m, adapted", adapted_from="m")
    found = assess(stretch, [perfect, adapted])
    assert found.assessments[1].mse_to_frozen is None
    json.dumps(found.to_json(), allow_nan=False)


def test_ratio_over_few_days_has_no_interval() -> None:
    stretch = Stretch(np.random.default_rng(0).random(500), minutes(500))
    model = _model(stretch)
    ratio = assess(stretch, [model, _adapted(model)]).assessments[1].mse_to_frozen
    assert ratio is not None
    assert ratio.interval is None


def test_ratio_has_no_interval_if_some_days_have_no_error(stretch: Stretch) -> None:
    mean = stretch.actual_kw.copy()
    mean[0] += 1.0  # one day in seven has an error, so many draws have none
    model = Forecasts("m", mean, is_model=True)
    ratio = assess(stretch, [model, _adapted(model)]).assessments[1].mse_to_frozen
    assert ratio is not None
    assert ratio.interval is None


def test_every_model_has_a_fixed_band(evaluation: Evaluation) -> None:
    first, adapted, other, persistence = evaluation.assessments
    actual = evaluation.stretch.actual_kw
    assert first.fixed_band is adapted.fixed_band
    assert persistence.fixed_band is None
    for assessment in (first, other):
        fixed = assessment.fixed_band
        assert fixed is not None
        errors = np.abs(actual - assessment.forecasts.mean_kw)
        assert fixed.half_width_kw == np.quantile(errors, 0.9)
        assert fixed.band.coverage == pytest.approx(0.9, abs=1e-3)
    (band,) = adapted.metrics.bands
    assert adapted.fixed_band is not None
    expected = band.winkler_kw / adapted.fixed_band.band.winkler_kw
    assert adapted.to_fixed(band) == expected
    assert evaluation.to_json()["forecasters"][1]["bands"][0]["winkler_to_fixed"] == expected


def test_bands_of_another_confidence_are_not_compared_with_the_fixed_one(stretch: Stretch) -> None:
    model = _model(stretch)
    found = assess(stretch, [model], confidence=0.8)
    (assessment,) = found.assessments
    assert assessment.to_fixed(assessment.metrics.bands[0]) is None
    text = found.to_json()
    assert text["fixed_band"]["confidence"] == 0.8
    assert text["fixed_band"]["models"]["model"]["coverage"] == pytest.approx(0.8, abs=1e-3)


def _keys(value: object) -> object:
    if isinstance(value, dict):
        return {key: _keys(inner) for key, inner in value.items()}
    return [_keys(value[0])] if isinstance(value, list) and value else None


def test_json_has_the_documented_keys(evaluation: Evaluation) -> None:
    found = evaluation.to_json()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    spread = {"low": None, "high": None}
    quantiles = {"0.05": None, "0.5": None, "0.95": None}
    score = {"mse_kw2": None, "mae_w": None, "skill": None}
    part = {
        "part": None,
        "minutes": None,
        "forecasters": dict.fromkeys(
            ("model, frozen", "model, adapted", "other, frozen", "persistence"), score
        ),
    }
    band = {**dict.fromkeys(("coverage", "width_kw", "winkler_kw")), "week_coverage": None}
    fixed = {"half_width_kw": None, **band}
    plain = (
        "file", "from", "to", "readings", "scored", "training_readings", "gaps", "gap_minutes",
        "days",
    )  # fmt: skip
    found["forecasters"] = found["forecasters"][1:]
    assert _keys(found) == {
        **dict.fromkeys(plain),
        "bootstrap": {"replicates": None, "seed": None, "confidence": None},
        "notes": [None],
        "forecasters": [
            {
                **dict.fromkeys(("name", "kind", "adapted", "in_sample")),
                **dict.fromkeys(("trained_from", "trained_to")),
                **dict.fromkeys(("mse_kw2", "rmse_w", "mae_w", "median_mae_w", "bias_w", "r2")),
                "skill": None,
                "skill_interval": spread,
                "first_leads_by": {"skill": None, "interval": spread},
                "mse_to_frozen": {"ratio": None, "interval": spread},
                "pinball_kw": quantiles,
                "reliability": quantiles,
                "bands": [{"low": None, "high": None, **band, "winkler_to_fixed": None}],
            }
        ],
        "fixed_band": {"confidence": None, "models": {"model": fixed, "other": fixed}},
        "breakdowns": {name: [part] for name in ("hour", "level", "gap", "month")},
        "horizons": None,
        "quarter_hours": None,
        "demand": None,
    }


def test_json_describes_the_stretch(evaluation: Evaluation) -> None:
    found = evaluation.to_json()
    stretch = evaluation.stretch
    assert found["file"] == "made up"
    assert found["from"] == stretch.at[stretch.first].item().isoformat()
    assert found["to"] == "2010-03-09T23:59:00"
    assert found["readings"] == found["scored"] + 49 == len(stretch.kw) - 2877
    assert (found["training_readings"], found["gaps"], found["gap_minutes"]) == (2877, 2, 121)
    kinds = [(each["kind"], each["adapted"]) for each in found["forecasters"]]
    model, adapted = ("model", False), ("model", True)
    assert kinds == [model, adapted, model, ("baseline", False)]


@pytest.fixture(scope="module")
def render() -> Callable[[Evaluation], str]:
    from rich.console import Console

    from streamer.evaluation.tables import tables

    def render(evaluation: Evaluation) -> str:
        console = Console(width=80, highlight=False)
        with console.capture() as capture:
            console.print(tables(evaluation))
        return capture.get()

    return render


def test_tables_have_every_forecaster(
    evaluation: Evaluation, render: Callable[[Evaluation], str]
) -> None:
    text = render(evaluation)
    assert max(map(len, text.splitlines())) <= 80
    lines = [line.split() for line in text.splitlines()]
    overall = lines[: lines.index(["Quantile", "forecasts"])]
    rows = [line for line in overall if len(line) == 11]
    assert [line for line in overall if len(line) == 1][-2:] == [["model"], ["other"]]
    assert [row[0] for row in rows] == ["frozen", "adapted*", "frozen", "persistence"]
    for assessment, row in zip(evaluation.assessments, rows, strict=True):
        metrics = assessment.metrics
        assert row[1:5] == [
            f"{metrics.mse_kw2:.5f}",
            f"{metrics.rmse_w:.1f}",
            f"{metrics.mae_w:.1f}",
            f"{metrics.bias_w:+.1f}",
        ]
    assert "model's skill less other's, frozen: " in text
    ratio = evaluation.assessments[1].mse_to_frozen
    assert ratio is not None
    assert f"model, adapted: MSE {ratio.ratio:.3f} of the frozen forecast's (95 %:" in text
    assert "less model, adapted's" not in text
    assert "By hour of day" in text
    assert "right after a gap" in text
    assert "Note: mind this." in text


def test_of_a_long_name_of_a_plug_in_the_last_part_is_shown(
    stretch: Stretch, render: Callable[[Evaluation], str]
) -> None:
    names = ("statsforecast:AutoETS", "river:HoeffdingTreeRegressor", "mine:Own", "long and empty:")
    forecasts = [Forecasts(name, stretch.last_kw) for name in names]
    text = render(assess(stretch, [_persistence(stretch), *forecasts]))
    shown = [line.split("  ")[0] for line in text.splitlines()]
    assert shown[8:12] == ["AutoETS", "HoeffdingTree…", "mine:Own", "long and empt…"]


def test_huge_scores_are_not_cut_in_tables(
    stretch: Stretch, render: Callable[[Evaluation], str]
) -> None:
    forecasts = [
        Forecasts("a model with a rather long name", stretch.actual_kw + 9.0, is_model=True),
        _persistence(stretch),
    ]
    text = render(assess(stretch, forecasts))
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("…") == text.count("a model with …") > 0


def _band_rows(text: str) -> list[list[str]]:
    lines = [line.rstrip() for line in text.splitlines()]
    start = lines.index("Bands") + 4
    end = next(i for i, line in enumerate(lines) if line.startswith("Fixed: "))
    return [line.split() for line in lines[start:end]]


def test_bands_have_a_table(evaluation: Evaluation, render: Callable[[Evaluation], str]) -> None:
    rows = _band_rows(render(evaluation))
    labels = ["model", "frozen", "adapted*", "fixed", "other", "frozen", "fixed"]
    assert [row[0] for row in rows] == labels
    (band,) = evaluation.assessments[1].metrics.bands
    to_fixed = evaluation.assessments[1].to_fixed(band)
    assert rows[2][1:4] == ["0.05–0.95", f"{100 * band.coverage:.1f}", "%"]
    assert rows[2][-4:] == [
        "–", f"{band.width_kw:.3f}", f"{band.winkler_kw:.3f}", f"{to_fixed:.3f}"
    ]  # fmt: skip
    assert rows[3][1].startswith("±")
    assert rows[3][-1] == "1.000"


def test_model_without_quantiles_has_dashes_for_a_band(
    stretch: Stretch, render: Callable[[Evaluation], str]
) -> None:
    model = _model(stretch)
    plain = replace(model, levels=())
    rows = _band_rows(render(assess(stretch, [plain, _adapted(model), _persistence(stretch)])))
    assert rows[1] == ["frozen", *["–"] * 6]
    assert [row[0] for row in rows] == ["model", "frozen", "adapted*", "fixed"]


def test_model_with_two_bands_has_two_rows(
    stretch: Stretch, render: Callable[[Evaluation], str]
) -> None:
    mean = stretch.last_kw
    quantiles = mean[:, None] + np.array([-0.2, -0.1, 0.1, 0.2])
    model = Forecasts("model", mean, (0.05, 0.25, 0.75, 0.95), quantiles, is_model=True)
    rows = _band_rows(render(assess(stretch, [model, _persistence(stretch)])))
    assert [row[0] for row in rows] == ["model", "frozen", "0.25–0.75", "fixed"]
    assert rows[2][-1] == "–"


def test_wide_terminal_has_long_breakdowns_side_by_side(evaluation: Evaluation) -> None:
    from rich.console import Console

    from streamer.evaluation.tables import tables

    console = Console(width=120, highlight=False)
    with console.capture() as capture:
        console.print(tables(evaluation, width=120))
    (row,) = [line.split() for line in capture.get().splitlines() if line.startswith("00 ")]
    assert "12" in row


def test_breakdowns_of_many_models_cut_names_and_not_numbers(
    stretch: Stretch, render: Callable[[Evaluation], str]
) -> None:
    models = [_model(stretch, f"a model with number {i}", i) for i in range(4)]
    text = render(assess(stretch, [*models, _persistence(stretch)]))
    assert max(map(len, text.splitlines())) <= 80
    assert "9,910" in text[text.index("By month") :]
    assert text.count("a mod…") == 4 * 4


def test_model_without_quantiles_has_a_row_above_the_adapted_one(
    stretch: Stretch, render: Callable[[Evaluation], str]
) -> None:
    model = _model(stretch)
    plain = replace(model, levels=())
    text = render(assess(stretch, [plain, _adapted(model), _persistence(stretch)]))
    lines = text[text.index("Quantile forecasts") : text.index("Mean absolute")].splitlines()
    rows = [line.split()[0] for line in lines[3:] if line.strip()]
    assert rows == ["model", "frozen", "adapted*"]


def test_long_breakdowns_are_set_side_by_side_for_one_model(
    stretch: Stretch, render: Callable[[Evaluation], str]
) -> None:
    text = render(assess(stretch, [_model(stretch), _persistence(stretch)]))
    (row,) = [line.split() for line in text.splitlines() if line.startswith("00 ")]
    assert row[5] == "12"


def test_undefined_scores_are_dashes_in_tables(render: Callable[[Evaluation], str]) -> None:
    stretch = Stretch(np.full(200, 0.3), minutes(200))
    found = assess(stretch, [Forecasts("m", stretch.last_kw, is_model=True), _persistence(stretch)])
    assert "nan" not in render(found)
    assert "–" in render(found)
