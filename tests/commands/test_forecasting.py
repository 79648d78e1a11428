"""Tests of the settings that `replay` and `watch` share."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streamer.commands.forecasting import Forecasting
from streamer.demand.settings import DemandRule
from streamer.models import CARD_FILE, MODEL_FILE, find_model
from streamer.models.artefact import sha256_of
from streamer.models.horizons import HORIZONS_FILE
from streamer.pipeline import Pipeline
from streamer.readings import Notice
from streamer.recording.recorder import Recorder
from streamer.testing import FixedForecaster, readings
from tests.cli.running import run


def test_a_fingerprint_names_all_networks_and_only_those_in_use(tmp_path: Path) -> None:
    folder = find_model("sceaux").parent
    every, alone = Forecasting().fingerprint(), Forecasting(horizons=False).fingerprint()
    assert every["weights"] == alone["weights"] == sha256_of(folder / MODEL_FILE)
    assert every["horizons"] == sha256_of(folder / HORIZONS_FILE)
    assert "horizons" not in alone
    bare = shutil.copy(folder / MODEL_FILE, tmp_path / "bare.keras")
    card = json.loads((folder / CARD_FILE).read_text())
    assert card["sha256"] == every["weights"]
    level = tmp_path / "level"
    level.mkdir()
    shutil.copy(bare, level / MODEL_FILE)
    del card["horizons"]
    (level / CARD_FILE).write_text(json.dumps(card))
    assert "horizons" not in Forecasting(model=str(level)).fingerprint()


def test_without_shown_horizons_the_demand_interval_is_still_forecast() -> None:
    kw = [0.3] * 50
    for demand, is_forecast in ((DemandRule(), True), (None, False)):
        pipeline, _ = Forecasting(horizons=False, demand=demand).prepare("test")
        step = pipeline.push_many(readings(kw))[-1]
        assert (step.next_means is not None) == is_forecast
        assert (step.demand is not None and step.demand.low_kw is not None) == is_forecast


def test_a_recording_is_continued_with_another_demand_rule(tmp_path: Path) -> None:
    rules = (DemandRule(), DemandRule(60, limit_kw=4.0), None, DemandRule())
    fingerprints = [Forecasting(demand=rule).fingerprint() for rule in rules]
    assert fingerprints[1:] == fingerprints[:-1]
    stream = readings([0.3] * 90, start=datetime(2010, 3, 19, 17, tzinfo=UTC))
    for start, rule in zip(range(0, 80, 20), rules, strict=True):
        pipeline = Pipeline(FixedForecaster(window=2), demand=rule)
        notices: list[Notice] = []
        recorder = Recorder.open(
            tmp_path / "house.db", settings={}, state=pipeline.state, notify=notices.append
        )
        resumed = recorder.resume(pipeline)
        assert (resumed.rebuilt, notices) == (False, [])
        for step in map(pipeline.push, stream[start : start + 20]):
            recorder.write(step)
        recorder.close()
        if rule is not None and start == 20:
            # The energies of the first twenty minutes are those of the first rule.
            assert [row.minutes for row in step.quarter_hours] == [15, 15, 10]


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        (["--peak-limit", "0.2"], True),
        (["--peak-limit", "0.2", "--demand", "60"], True),
        (["--peak-limit", "9"], False),
        (["--peak-limit", "0.2", "--peak-alarms", "0"], False),
        (["--peak-limit", "0.2", "--demand", "none"], False),
    ],
)
def test_options_choose_the_alarms(options: list[str], warned: bool, tmp_path: Path) -> None:
    house = tmp_path / "house.csv"
    stream = readings([0.30 + 0.01 * (minute % 7) for minute in range(70)])
    lines = [f"{reading.at:%Y-%m-%d %H:%M},{reading.kw}\n" for reading in stream]
    house.write_text("timestamp,power_kw\n" + "".join(lines), encoding="utf-8")
    done = run("replay", house, "-q", *options)
    assert done.code == 0, done.err
    assert bool(re.search(r"alarms: \d+ peak", done.out + done.err)) == warned


def test_the_best_needs_a_challenger() -> None:
    for command in ("replay", "watch"):
        address = ["stdin:"] if command == "watch" else []
        done = run(command, *address, "--serve-best", "--quiet", stdin=b"")
        assert done.code == 2
        assert "--serve-best needs a challenger; give --challenger MODEL" in done.err
