"""Tests of `streamer evaluate`, and of its imports."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from streamer.demand.settings import DemandRule
from streamer.evaluation import BASELINES
from streamer.sample import sample_path
from streamer.testing import FixedHead
from tests.commandline import Done, streamer

SAMPLE = sample_path()
KEYS = (
    "file", "from", "to", "readings", "scored", "training_readings", "gaps", "gap_minutes",
    "days", "bootstrap", "notes", "forecasters", "fixed_band", "breakdowns",
    "horizons", "quarter_hours", "demand",
)  # fmt: skip


def _fails(done: Done, code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert not done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("streamer: error:")
    for word in words:
        assert word in line


@pytest.fixture(scope="session")
def trained_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped weights with a card that gives the 22nd of March as their training span."""
    from streamer.models import CARD_FILE, MODEL_FILE, find_model

    shipped = find_model("sceaux")
    folder = tmp_path_factory.mktemp("model") / "mine"
    folder.mkdir()
    (folder / MODEL_FILE).write_bytes(shipped.read_bytes())
    card = json.loads(shipped.with_name(CARD_FILE).read_text())
    card.pop("horizons", None)
    card.update(name="mine", trained_from="2010-03-22T00:00:00", trained_to="2010-03-22T23:59:00")
    (folder / CARD_FILE).write_text(json.dumps(card))
    return folder


@pytest.fixture(scope="session")
def untrained_model(trained_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a card without a training span, so that no minute is rejected."""
    folder = tmp_path_factory.mktemp("model") / "other"
    folder.mkdir()
    for path in trained_model.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    card = json.loads((folder / "card.json").read_text())
    card.update(name="other", trained_from=None, trained_to=None)
    (folder / "card.json").write_text(json.dumps(card))
    return folder


def test_scores_equal_those_of_replay(untrained_model: Path) -> None:
    span = ("2010-03-23T00:00", "2010-03-24T12:00")
    done = streamer(
        *("evaluate", SAMPLE, "--from", span[0], "--to", span[1], "--format", "json"),
        *("--model", untrained_model),
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    found = json.loads(done.stdout)
    assert tuple(found) == KEYS
    replayed = streamer(
        *("replay", SAMPLE, "--start", span[0], "--end", span[1], "--format", "json"),
        *("--model", untrained_model),
    )
    last = json.loads(replayed.stdout.splitlines()[-1])
    assert found["to"] == last["at"]
    assert found["scored"] == last["settled"]
    frozen, model, persistence, *_ = found["forecasters"]
    assert [frozen["name"], model["name"]] == ["other, frozen", "other, adapted"]
    assert model["mse_kw2"] == pytest.approx(last["mse_kw2"], rel=1e-5)
    assert persistence["mse_kw2"] == pytest.approx(last["persistence_mse_kw2"], rel=1e-9)
    assert model["skill"] == pytest.approx(last["skill"], abs=1e-5)
    assert persistence["skill"] == 0.0
    names = [each["name"] for each in found["forecasters"][2:]]
    assert names == [name for name, baseline in BASELINES.items() if baseline.is_default]


def test_tables_list_every_forecaster_and_plots_are_written(
    untrained_model: Path, trained_model: Path, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    page = tmp_path / "scores.png"
    done = streamer(
        *("evaluate", SAMPLE, "--last", "1d", "--baseline", "autoregression", "--plot", page),
        *("--model", untrained_model, "--model", trained_model),
    )
    assert done.returncode == 0, done.stderr
    assert "1,391 minutes scored" in done.stdout
    rows = [line.split()[0] for line in done.stdout.splitlines() if line.strip()]
    for name in ("other", "frozen", "adapted", "fixed", "mine", "persistence", "autoregression"):
        assert name in rows
    assert "river" not in rows
    assert page.read_bytes().startswith(b"\x89PNG")
    assert str(page) in done.stderr


def test_minutes_trained_on_are_rejected_without_in_sample(trained_model: Path) -> None:
    arguments = ("evaluate", SAMPLE, "--model", trained_model, "--baseline", "none")
    _fails(
        streamer(*arguments),
        2,
        "'mine'",
        "1,440 minutes",
        "--from 2010-03-23T00:00",
        "--in-sample",
    )
    done = streamer(*arguments, "--in-sample", "--to", "2010-03-22T12:00")
    assert done.returncode == 0, done.stderr
    assert "mine*" in done.stdout
    assert "adapted*" in done.stdout
    assert done.stdout.count("was trained on some of these minutes") == 1
    assert "mine* was trained on some of these minutes" in done.stdout
    clear = streamer(*arguments, "--from", "2010-03-23T00:00", "--format", "json")
    for model in json.loads(clear.stdout)["forecasters"][:2]:
        assert (model["in_sample"], model["trained_to"]) == (False, "2010-03-22T23:59:00")


def test_no_adapt_leaves_out_the_adapted_row(untrained_model: Path) -> None:
    arguments = ("evaluate", SAMPLE, "--last", "0.2d", "--baseline", "none", "--format", "json")
    arguments += ("--model", untrained_model)
    (frozen, adapted, _) = json.loads(streamer(*arguments).stdout)["forecasters"]
    found = json.loads(streamer(*arguments, "--no-adapt").stdout)
    assert found["forecasters"][0] == frozen
    assert [each["name"] for each in found["forecasters"]] == ["other, frozen", "persistence"]
    assert (frozen["adapted"], adapted["adapted"]) == (False, True)
    assert list(found["fixed_band"]["models"]) == ["other"]


def test_light_adds_the_adapter_of_a_fleet(untrained_model: Path) -> None:
    arguments = ("evaluate", SAMPLE, "--model", untrained_model, "--light", "--baseline", "none")
    arguments += ("--last", "0.2d")
    done = streamer(*arguments, "--format", "json")
    names = [each["name"] for each in json.loads(done.stdout)["forecasters"]]
    assert names == ["other, frozen", "other, adapted", "other, adapted lightly", "persistence"]
    assert "  lightly" in streamer(*arguments, "--no-adapt").stdout


def test_confidence_sets_the_coverage_of_adapted_and_fixed_bands(untrained_model: Path) -> None:
    done = streamer(
        *("evaluate", SAMPLE, "--last", "1d", "--baseline", "none", "--format", "json"),
        *("--model", untrained_model, "--confidence", "0.8"),
    )
    found = json.loads(done.stdout)
    frozen, adapted, _ = found["forecasters"]
    assert list(adapted["pinball_kw"]) == ["0.1", "0.5", "0.9"]
    assert list(frozen["pinball_kw"]) == ["0.05", "0.5", "0.95"]
    assert adapted["bands"][0]["coverage"] == pytest.approx(0.8, abs=0.02)
    assert found["fixed_band"]["models"]["other"]["coverage"] == pytest.approx(0.8, abs=2e-3)
    assert frozen["bands"][0]["winkler_to_fixed"] is None
    assert adapted["bands"][0]["winkler_to_fixed"] > 0


def test_a_model_without_quantiles_gets_an_adapted_band(
    make_keras_file: Callable[..., tuple[Any, Path]],
) -> None:
    _, path = make_keras_file(3, timesteps=49)
    arguments = ("evaluate", SAMPLE, "--last", "0.2d", "--baseline", "none", "--model", path)
    frozen, adapted, _ = json.loads(streamer(*arguments, "--format", "json").stdout)["forecasters"]
    assert (frozen["bands"], frozen["pinball_kw"]) == ([], {})
    assert list(adapted["pinball_kw"]) == ["0.05", "0.95"]
    assert adapted["median_mae_w"] is None
    assert len(adapted["bands"]) == 1
    done = streamer(*arguments)
    assert done.returncode == 0, done.stderr
    assert "Fixed: " in done.stdout


def test_models_of_the_same_name_are_distinguished_by_path(untrained_model: Path) -> None:
    arguments = ("evaluate", SAMPLE, "--last", "0.2d", "--baseline", "none", "--format", "json")
    weights = untrained_model / "model.keras"
    done = streamer(*arguments, "--model", untrained_model, "--model", weights)
    names = [each["name"] for each in json.loads(done.stdout)["forecasters"]]
    second = f"other ({weights})"
    assert names == [
        *("other, frozen", "other, adapted"),
        *(f"{second}, frozen", f"{second}, adapted", "persistence"),
    ]
    twice = streamer(*arguments, *("--model", str(untrained_model)) * 3)
    _fails(twice, 2, "given more than once")


def test_horizons_are_scored_of_the_models_that_have_some(
    untrained_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamer.commands.evaluate import Trial, run_trial
    from streamer.commands.files import FileOptions
    from streamer.models import load_model
    from streamer.models.forecaster import NetworkForecaster

    def load(name: str, *, engine: str) -> NetworkForecaster:
        found = load_model(untrained_model, engine=engine)
        found.horizons = FixedHead(minutes=(5, 14, 60), spread_kw=0.5) if name == "b" else None  # type: ignore[assignment]
        return found

    monkeypatch.setattr("streamer.models.load_model", load)
    monkeypatch.setattr("streamer.commands.evaluate.joint_inputs", lambda _: ())
    trial = Trial(
        file=str(SAMPLE),
        options=FileOptions(),
        models=["a", "b"],
        engine="auto",
        baselines=["none"],
        since=None,
        until=None,
        last="0.4d",
        in_sample=False,
        adapt=True,
        light=True,
        confidence=0.8,
        horizons=None,
        demand=DemandRule(15, limit_kw=0.5),
        plot=None,
    )
    found = run_trial(trial)
    assert [horizon.minutes for horizon in found.means.horizons] == [5, 60]
    assert [quarter.known for quarter in found.means.quarters] == [1, 10]
    names = [score.name for score in found.means.horizons[0].scores]
    assert names[:3] == ["other (b), frozen", "other (b), adapted", "persistence"]
    frozen, adapted, persistence, *_ = found.means.horizons[1].scores
    assert frozen.mse_kw2 == pytest.approx(persistence.mse_kw2, rel=1e-5)
    assert frozen.band is not None
    assert adapted.band is not None
    assert (frozen.band.confidence, adapted.band.confidence) == pytest.approx((0.9, 0.8))
    assert [each.name for each in found.assessments][3:6] == [
        "other (b), frozen", "other (b), adapted", "other (b), adapted lightly"
    ]  # fmt: skip
    (demand,) = found.demand
    assert (demand.name, demand.minutes, demand.limit_kw) == ("other (b), adapted", 15, 0.5)
    assert demand.intervals == demand.bounded > 20
    assert demand.coverage is not None
    assert found.to_json()["demand"][0]["deadlines"] == (7, 5)
    nothing = run_trial(replace(trial, horizons=(), light=False))
    assert nothing.demand == found.demand
    assert nothing.means.to_json() == {"horizons": [], "quarter_hours": []}
    alone = run_trial(replace(trial, horizons=(60,), adapt=False, light=False))
    assert [each.name for each in alone.demand] == ["other (b), frozen"]
    assert [score.name for score in alone.means.horizons[0].scores][:2] == [
        "other (b), frozen", "persistence"
    ]  # fmt: skip


def test_demand_needs_forecasts_of_the_next_minutes(untrained_model: Path) -> None:
    arguments = "evaluate", SAMPLE, "--last", "0.4d", "--model", untrained_model, "--demand", "15"
    _fails(streamer(*arguments), 2, "--demand", "'other' does not forecast", "leave the option out")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--last", "10"], ["10%", "7d"]),
        (["--last", "10%", "--to", "2010-03-22"], ["either --last"]),
        (["--from", "2010-03-22", "--to", "2010-03-22"], ["--from 2010-03-22", "before --to"]),
        (["--from", "2010-03-22T00:00+01:00", "--to", "2010-03-23"], ["zone"]),
        (["--from", "yesterday"], ["not a time"]),
        (["--to", "2009-01-01"], ["no reading before --to"]),
        (["--last", "40%", "--to", "2009-01-01"], ["either --last"]),
        (["--last", "0.1%"], ["too few"]),
        (["--baseline", "arima"], ["arima", "seasonal-naive"]),
        (["--in-sample", "--baseline", "autoregression"], ["1,440 readings"]),
        (["--model", "nobody"], ["no model 'nobody'"]),
        (["--plot", "nowhere/scores.png"], ["the folder nowhere does not exist"]),
        (["--format", "yaml"], ["yaml"]),
        (["--horizons", "5,61"], ["'61' is not a horizon", "--horizons"]),
        (["--confidence", "1"], ["between 0 and 1"]),
        (["--confidence", "0"], ["between 0 and 1"]),
        (["--confidence", "-0.1"], ["between 0 and 1"]),
        (["--confidence", "nan", "--no-adapt"], ["between 0 and 1"]),
        (["--confidence", "most"], ["between 0 and 1"]),
    ],
)
def test_wrong_usage_is_reported_in_one_line(arguments: list[str], words: list[str]) -> None:
    _fails(streamer("evaluate", SAMPLE, *arguments), 2, *words)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    _fails(streamer("evaluate", tmp_path / "no.csv"), 2, "no.csv")


def test_standard_input_is_read_and_its_malformed_rows_reported(untrained_model: Path) -> None:
    rows = [f"2013-05-21T{n // 60:02}:{n % 60:02}:00,{0.3 + n % 5}\n" for n in range(120)]
    rows[60] = "nonsense\n"
    done = streamer(
        *("evaluate", "-", "--model", untrained_model, "--format", "json"),
        stdin="timestamp,power_kw\n" + "".join(rows),
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("streamer: malformed: stdin:62")
    found = json.loads(done.stdout)
    assert (found["scored"], found["gaps"], found["days"]) == (70, 1, 1)
    assert found["forecasters"][0]["skill_interval"] is None
    (note,) = found["notes"]
    assert note.startswith("autoregression needs at least")


def test_horizons_of_a_model_without_any_are_wrong_usage(untrained_model: Path) -> None:
    done = streamer("evaluate", SAMPLE, "--model", untrained_model, "--horizons", "5,60")
    _fails(done, 2, "--horizons: model 'other' does not forecast the mean of the next minutes")


def test_the_help_lists_every_baseline() -> None:
    text = streamer("evaluate", "--help").stdout
    for name in BASELINES:
        assert name in text


def _modules_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stderr.splitlines())


def test_evaluation_imports_neither_command_line_nor_dashboard() -> None:
    modules = _modules_after("import streamer.evaluation.tables, streamer.evaluation.plot")
    assert not {name for name in modules if name.startswith(("streamer.cli", "streamer.dashboard"))}
    assert not modules & {"tensorflow", "keras", "river", "scipy", "matplotlib", "lightgbm"}


def test_heavy_libraries_are_imported_only_when_needed(untrained_model: Path) -> None:
    arguments = ["evaluate", str(SAMPLE), "--last", "0.2d", "--baseline", "none"]
    arguments += ["--model", str(untrained_model)]
    code = (
        "from streamer.cli import main\n"
        "try:\n"
        f"    main({arguments!r})\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code"
    )
    modules = _modules_after(code)
    assert not modules & {"tensorflow", "keras", "river", "scipy", "matplotlib", "lightgbm"}


def test_the_help_imports_neither_numpy_nor_the_evaluation() -> None:
    code = (
        "import streamer\n"
        "from streamer.cli import main\n"
        "try:\n"
        "    main(['evaluate', '--help'])\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code"
    )
    assert not _modules_after(code) & {"numpy", "h5py", "matplotlib", "streamer.evaluation"}
