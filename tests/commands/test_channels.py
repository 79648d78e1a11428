"""Commands with models that take channels beside the power."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streamer.commands.channels import joint_inputs, own_requests, requests_for
from streamer.commands.files import FileOptions
from streamer.errors import UsageError
from streamer.models import model_inputs
from streamer.models.inputs import Input
from streamer.pipeline import Pipeline
from streamer.readings import Reading
from streamer.recording.recorder import Recorder
from streamer.sample import sample_path
from streamer.sources.files.layout import ChannelRequest
from streamer.testing import FixedForecaster
from streamer.training.data import series_from
from tests.cli.running import run
from tests.models.several import UCI_INPUTS, write_model

VOLTAGE = (Input("power", "kW", 1.0), Input("voltage", "V", 230.0, 5.0))


@pytest.fixture
def seven(tmp_path: Path) -> Path:
    """A model that takes all columns of the UCI file."""
    return write_model(tmp_path / "seven")


@pytest.fixture
def volts(tmp_path: Path) -> Path:
    """A model that takes the voltage beside the power."""
    return write_model(tmp_path / "volts", VOLTAGE)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Two hours of power and voltage."""
    rows = [f"2024-06-01 {11 + i // 60}:{i % 60:02},{500 + i},{230 + i % 7}" for i in range(120)]
    path = tmp_path / "house.csv"
    path.write_text("\n".join(["time,power_w,U1", *rows]) + "\n")
    return path


def test_a_replay_forecasts_from_the_channels_of_the_file(seven: Path) -> None:
    done = run("replay", sample_path(), "--model", seven, "--limit", "80", "--format", "json")
    assert done.code == 0, done.err
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert len(lines) == 80
    assert lines[49]["forecast_kw"] is not None
    plain = run("replay", sample_path(), "--limit", "80", "--format", "json")
    assert [line["actual_kw"] for line in lines] == [
        json.loads(line)["actual_kw"] for line in plain.out.splitlines()
    ]


def test_a_replay_takes_the_columns_of_options(house: Path, volts: Path) -> None:
    done = run("replay", house, "--model", volts, "--channel", "voltage=U1", "-q")
    assert done.code == 0, done.err
    assert "71 forecasts settled" in done.err


@pytest.mark.parametrize("command", ["replay", "evaluate"])
@pytest.mark.parametrize(
    ("options", "text"),
    [
        ((), "the model takes voltage (V) beside the power (--model sceaux takes the power alone)"),
        (("--channel", "voltage=U9"), "--channel voltage='U9' is not among them"),
        (("--channel", "voltage"), "--channel 'voltage': give NAME=COLUMN, such as voltage=U1"),
        (("--channel", "=U1"), "--channel '=U1': give NAME=COLUMN"),
        (("--channel", "volt=U1"), "--channel 'volt': the model takes voltage beside the power"),
        (("--channel", "voltage=U1", "--channel", "voltage=2"), "given more than once"),
        (("--channel", "voltage=U1:kWh"), "voltage cannot be in 'kWh'"),
    ],
)
def test_wrong_channels_are_errors_of_one_line(
    house: Path, volts: Path, command: str, options: tuple[str, ...], text: str
) -> None:
    done = run(command, house, "--model", volts, *options)
    assert done.code == 2
    assert text in done.err
    assert done.err.startswith("streamer: error: ")
    assert done.err.count("\n") == 1


def test_channels_for_a_model_of_the_power_alone_are_an_error(house: Path) -> None:
    done = run("replay", house, "--channel", "voltage=U1")
    assert done.code == 2
    assert "--channel 'voltage': the model takes the power alone; leave it out" in done.err


def test_an_evaluation_scores_models_with_and_without_channels_on_the_same_minutes(
    seven: Path,
) -> None:
    options = ("--model", "sceaux", "--model", seven, "--in-sample", "--baseline", "none")
    done = run("evaluate", sample_path(), *options, "--last", "5%", "--format", "json")
    assert done.code == 0, done.err
    scored = json.loads(done.out)["scored"]
    alone = run("evaluate", sample_path(), *options[:2], *options[4:], "--last", "5%",
                "--format", "json")  # fmt: skip
    assert json.loads(alone.out)["scored"] == scored == round(0.05 * 8053) - 49


def test_a_replay_names_a_shipped_model_that_uses_its_columns(house: Path) -> None:
    line = (
        "streamer: event: sceaux_2010-03-19.txt has columns that another model uses, too: "
        "--model sceaux-channels"
    )
    for options in (("-q",), ("--format", "json")):
        done = run("replay", sample_path(), "--limit", "60", *options)
        assert done.code == 0, done.err
        assert done.err.splitlines().count(line) == 1
    for arguments in ((house,), (sample_path(), "--model", "sceaux-channels")):
        done = run("replay", *arguments, "--limit", "60", "-q")
        assert done.code == 0, done.err
        assert "another model uses" not in done.err


def test_the_card_shows_the_inputs(seven: Path) -> None:
    done = run("models", "show", seven)
    assert done.code == 0, done.err
    shown = " ".join(done.out.split())
    assert "power in kW, less 1; (reactive in kvar, less 0.1) / 0.1;" in shown
    assert "window 49 readings " in shown
    assert json.loads(run("models", "show", seven, "--json").out)["inputs"][2]["unit"] == "V"


def _record(path: Path, channels: dict[str, str], values: tuple[float, ...]) -> Path:
    pipeline = Pipeline(FixedForecaster())
    recorder = Recorder.open(
        path,
        settings={"model": "fixed"},
        state=pipeline.state,
        notify=pytest.fail,
        channels=channels,
    )
    for minute in range(60):
        at = datetime(2024, 6, 1, tzinfo=UTC) + timedelta(minutes=minute)
        recorder.write(pipeline.push(Reading(at, 0.5, channels=values)))
    recorder.close()
    return path


def test_a_recording_is_replayed_with_the_channels_of_the_model(
    tmp_path: Path, volts: Path
) -> None:
    path = _record(tmp_path / "house.db", {"boiler": "kW", "voltage": "V"}, (0.0, 230.5))
    done = run("replay", path, "--model", volts, "--format", "json")
    assert done.code == 0, done.err
    last = json.loads(done.out.splitlines()[-1])
    assert last["at"] == "2024-06-01T00:59:00+00:00"
    assert last["next_kw"] is not None
    assert run("replay", path, "-q").code == 0


def test_a_recording_without_what_the_model_takes_is_refused(tmp_path: Path, volts: Path) -> None:
    plain = _record(tmp_path / "plain.db", {}, ())
    done = run("replay", plain, "--model", volts)
    assert done.code == 2
    assert "plain.db has no channel voltage, which the model takes; recorded beside" in done.err
    kilo = _record(tmp_path / "kilo.db", {"voltage": "kV"}, (0.23,))
    done = run("replay", kilo, "--model", volts)
    assert done.code == 2
    assert "kilo.db has the channel voltage in kV, but the model takes it in V" in done.err
    done = run("replay", plain, "--channel", "voltage=U")
    assert done.code == 2
    assert "plain.db is a recording: --channel does not apply to it" in done.err


def test_requests_are_in_the_order_of_the_model() -> None:
    given = ["sub_3=Pump (W):W", "voltage=Grid:U1"]
    found = requests_for(UCI_INPUTS[1:], given)
    assert [each.name for each in found] == [each.name for each in UCI_INPUTS[1:]]
    assert found[1] == ChannelRequest("voltage", "V", "Grid:U1", None)
    assert found[5] == ChannelRequest("sub_3", "kW", "Pump (W)", "W")
    assert own_requests(given) == (found[5], found[1])


def test_a_training_gets_all_inputs_of_a_file(house: Path) -> None:
    series = series_from(FileOptions(channel=("voltage=U1",)).open_all(str(house)))
    assert series.kw[:2].tolist() == [[0.5, 230.0], [0.501, 231.0]]
    with closing(FileOptions().open_all(str(sample_path()))) as source:
        units = [(each.name, each.unit) for each in source.channels]
    assert units == [(each.name, each.unit) for each in UCI_INPUTS[1:]]


def test_models_in_different_units_are_evaluated_apart(tmp_path: Path, volts: Path) -> None:
    assert joint_inputs(["sceaux", str(volts), str(volts)]) == VOLTAGE[1:]
    other = write_model(tmp_path / "kilo", (VOLTAGE[0], Input("voltage", "kV")))
    with pytest.raises(UsageError, match="take voltage in V and in kV; evaluate them one at a"):
        joint_inputs([str(volts), str(other)])


def test_inputs_of_a_model_without_a_card_are_none(volts: Path) -> None:
    assert model_inputs("sceaux") == ()
    assert model_inputs(volts) == VOLTAGE
    (volts / "card.json").unlink()
    assert model_inputs(volts) == ()
