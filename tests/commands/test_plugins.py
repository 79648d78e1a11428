"""Tests of forecasters and sinks that are plug-ins, as commands take them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from streamer.sample import sample_path
from tests.commandline import streamer

PLUGINS = '''
class Steps:
    """Forecasts the last reading and a thousandth of a kW for each minute it has learnt."""

    window = 3

    def __init__(self):
        self.minutes = 0

    def forecast(self, window):
        return window[-1] + 0.001 * self.minutes

    def learn(self, window, actual_kw):
        self.minutes += 1

    def state(self):
        return {"minutes": self.minutes}

    def restore(self, state):
        self.minutes = state["minutes"]


class Faulty(Steps):
    def forecast(self, window):
        if window.at[-1].minute == 30:
            raise ValueError("half past")
        return window[-1]


class Wired(Steps):
    channels = ("voltage",)

    def forecast(self, window):
        return window.channels["voltage"][-1] / 100


class Counter:
    def __init__(self):
        self.items = 0

    def write(self, item):
        self.items += 1
        if self.items == 7:
            raise OSError("no light")

    def close(self):
        print("counted", self.items)


broken = 3
'''


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "doors_mine.py").write_text(PLUGINS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    sys.modules.pop("doors_mine", None)


def test_a_replay_with_a_forecaster_of_ones_own() -> None:
    done = streamer(
        "replay", "--limit", "40", "--format", "json", "--no-adapt", "--model", "doors_mine:Steps"
    )
    assert done.returncode == 0, done.stderr
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    found = [step["next_kw"] - step["actual_kw"] for step in steps if step["next_kw"] is not None]
    assert found == pytest.approx([0.001 * minutes for minutes in range(38)])


@pytest.mark.parametrize("form", [["--format", "plain"], ["-q"]])
def test_a_fault_is_reported_once_and_in_the_summary(form: list[str]) -> None:
    done = streamer("replay", "--limit", "200", *form, "--model", "doors_mine:Faulty")
    text = "model doors_mine:Faulty: forecast() raised ValueError: half past; the minute is not"
    assert done.stderr.count(f"streamer: warning: {text}") == (form[0] == "--format")
    assert done.stderr.count(f"\n{text} forecast\n") + done.stderr.startswith(text) == 1
    assert "194 forecasts settled" in done.stderr  # 197, less three at half past


def test_a_forecaster_takes_channels_of_a_file() -> None:
    done = streamer(
        "replay", "--limit", "5", "--format", "json", "--no-adapt", "--model", "doors_mine:Wired"
    )
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert 2.2 < last["next_kw"] < 2.6


@pytest.mark.parametrize(
    ("name", "said", "code"),
    [
        ("doors_mine:Nothing", "no forecaster 'doors_mine:Nothing': doors_mine has no Nothing", 2),
        ("doors_none:X", "there is no module doors_none here", 2),
        ("doors_mine:broken", "model doors_mine:broken: it has no method forecast(window)", 1),
        ("river", "give a class of it", 2),
        ("nonsense", "no model 'nonsense'", 2),
    ],
)
@pytest.mark.parametrize("command", [["replay"], ["watch", "stdin:?unit=W"]])
def test_a_forecaster_that_cannot_be_made_is_one_line(
    command: list[str], name: str, said: str, code: int
) -> None:
    done = streamer(*command, "--model", name)
    assert done.returncode == code
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("form", [["--format", "csv"], ["-q"]])
def test_a_sink_gets_the_items_and_is_closed_and_its_fault_does_not_end_the_stream(
    form: list[str],
) -> None:
    done = streamer("replay", "--limit", "20", *form, "--sink", "doors_mine:Counter")
    assert done.returncode == 0
    assert done.stdout.endswith("counted 23\n")  # About, 20 steps, twice the vitals
    text = "sink doors_mine:Counter: write() raised OSError: no light; it misses that item\n"
    assert text in done.stderr
    assert "20 readings" in done.stderr


def test_a_sink_that_cannot_be_made_is_one_line() -> None:
    done = streamer("watch", "stdin:?unit=W", "--sink", "doors_mine:broken")
    assert done.returncode == 1
    assert done.stderr == (
        "streamer: error: the sink doors_mine:broken has no methods write(item) and close()\n"
    )


def test_sinks_are_settings_of_a_watch() -> None:
    Path("settings.toml").write_text(
        '[watch]\nurl = "stdin:?unit=W"\nsink = "doors_mine:Counter doors_mine:Counter"\n'
    )
    shown = streamer("config", "--config", "settings.toml").stdout
    assert "doors_mine:Counter doors_mine:Counter" in shown
    assert streamer("config", "--config", "settings.toml", "--check").returncode == 0
    wrong = streamer("config", "--config", "settings.toml", "--check", STREAMER_SINK="doors_mine:X")
    assert wrong.stderr == "streamer: error: no sink 'doors_mine:X': doors_mine has no X\n"


def test_a_recording_is_resumed_with_what_the_forecaster_has_learnt() -> None:
    def watch(first: int, last: int) -> list[float]:
        log = "".join(f"{1_790_000_040 + 60 * minute} 500\n" for minute in range(first, last))
        done = streamer(
            *("watch", "stdin:?unit=W", "--clock", "feed", "--format", "json", "--no-adapt"),
            *("--model", "doors_mine:Steps", "--record", "house.db"),
            stdin=log,
        )
        assert done.returncode == 0, done.stderr
        found = [json.loads(line)["next_kw"] for line in done.stdout.splitlines()]
        return [kw - 0.5 for kw in found if kw is not None]

    before, after = watch(0, 20), watch(20, 30)
    assert before == pytest.approx([0.001 * minutes for minutes in range(len(before))])
    learnt = round(1000 * before[-1])
    assert after == pytest.approx([0.001 * (learnt + 1 + place) for place in range(len(after))])


def test_challengers_run_beside_the_model() -> None:
    names = ["doors_mine:Steps", "seasonal-naive", "river:LinearRegression"]
    options = [option for name in names for option in ("--challenger", name)]
    done = streamer("replay", "--limit", "80", "--format", "json", *options)
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert [each["name"] for each in last["challengers"]] == names
    assert [each["settled"] for each in last["challengers"]] == [last["settled"]] * 3
    assert last["challengers"][0]["model_skill"] == pytest.approx(last["skill"])
    assert "\nseasonal-naive          skill +0.0 %, the model " in done.stderr


def test_a_challenger_that_is_given_twice_is_one_line() -> None:
    twice = ["--challenger", "seasonal-naive"] * 2
    done = streamer("replay", "--limit", "5", *twice)
    assert done.returncode == 2
    assert done.stderr.endswith(
        "streamer: error: --challenger seasonal-naive is given more than once\n"
    )


def test_an_evaluation_takes_the_same_names() -> None:
    done = streamer(
        *("evaluate", str(sample_path()), "--to", "2010-03-19T20:00", "--in-sample"),
        *("--horizons", "none", "--no-adapt", "--format", "json", "--baseline", "none"),
        *("--challenger", "doors_mine:Faulty", "--challenger", "seasonal-naive"),
        *("--model", "river:LinearRegression"),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    names = [each["name"] for each in found["forecasters"]]
    assert names == [
        *(
            "sceaux, frozen",
            "river:LinearRegression",
            "doors_mine:Faulty",
            "persistence",
            "seasonal-naive",
        )
    ]
    skills = {each["name"]: each["skill"] for each in found["forecasters"]}
    assert skills["doors_mine:Faulty"] == 0.0  # the last reading, also where it is absent
    assert found["notes"] == [
        "challenger doors_mine:Faulty: forecast() raised ValueError: half past; the minute is not "
        "forecast",
        "doors_mine:Faulty: 2 minutes without a forecast are scored as the last reading",
    ]


def test_a_baseline_that_is_a_plug_in_sees_the_day_before() -> None:
    done = streamer(
        *("evaluate", str(sample_path()), "--last", "10%", "--in-sample", "--no-adapt"),
        *("--horizons", "none", "--format", "json", "--baseline", "doors_mine:Steps"),
        *("--baseline", "river", "--challenger", "river:LinearRegression"),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    names = [each["name"] for each in found["forecasters"]]
    assert names == [
        *("sceaux, frozen", "river:LinearRegression", "doors_mine:Steps", "persistence", "river")
    ]
    bias = {each["name"]: each["bias_w"] for each in found["forecasters"]}
    # It has learnt from a day and the warm-up, less the first window, before the first minute.
    middle = 1440 + 49 - 3 + (found["scored"] - 1) / 2
    assert bias["doors_mine:Steps"] - bias["persistence"] == pytest.approx(middle, abs=1e-6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--baseline", "doors_mine:Steps"] * 2, "--baseline doors_mine:Steps is given more than"),
        (
            ["--baseline", "doors_mine:Steps", "--challenger", "doors_mine:Steps"],
            "doors_mine:Steps is given as a challenger and as a baseline; give it once",
        ),
        (
            ["--baseline", "doors_mine:Steps", "--baseline", "none"],
            "--baseline none cannot be combined with another one",
        ),
        (["--baseline", "arima"], "lightgbm, none; or a forecaster as for --challenger"),
        (["--baseline", "statsforecast"], "statsforecast: give a class of it"),
    ],
)
def test_a_wrong_baseline_is_one_line(options: list[str], said: str) -> None:
    done = streamer("evaluate", str(sample_path()), *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
