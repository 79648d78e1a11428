"""Tests of several meters in the configuration file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.main import get_command

from streamer.cli import app
from streamer.cli.jobs import make_meters
from streamer.cli.settings import resolve_settings
from streamer.commands.watch import Watch
from streamer.errors import UsageError
from tests.commandline import Done, streamer

THREE = """
[all]
grace = 7
password = "shared-secret"
user = "me"

[[watch]]
name = "grid"
url = "mqtt://broker/grid?unit=W"
record = "grid.db"

[[watch]]
name = "Roof"
url = "mqtt://broker/roof?unit=W"
grace = 3
model = "sceaux"

[[watch]]
name = "house"
derive = "grid + Roof"
"""


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the variables and the configuration file of the user who runs the tests."""
    for name in [name for name in os.environ if name.startswith("STREAMER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def three(tmp_path: Path) -> Path:
    file = tmp_path / "a.toml"
    file.write_text(THREE, encoding="utf-8")
    return file


def _config(text: str, *arguments: str) -> Done:
    Path("b.toml").write_text(text, encoding="utf-8")
    return streamer("config", "--config", "b.toml", *arguments)


def _jobs(*arguments: str) -> list[Watch]:
    watch = get_command(app).commands["watch"]  # type: ignore[attr-defined]
    with watch.make_context("watch", list(arguments)) as context:
        return make_meters(resolve_settings(context))


def _password(job: Watch) -> str:
    assert job.address is not None
    password = job.address.credentials.password
    return "" if password is None else password.reveal()


def test_each_meter_has_its_own_settings_and_those_of_all(three: Path) -> None:
    grid, roof, house = _jobs("--config", str(three))
    assert [job.name for job in (grid, roof, house)] == ["grid", "Roof", "house"]
    assert [job.grace_s for job in (grid, roof)] == [7.0, 3.0]
    assert [job.forecasting.model for job in (grid, roof, house)] == ["homes", "sceaux", "homes"]
    assert [job.record for job in (grid, roof, house)] == [Path("grid.db"), None, None]
    assert [_password(job) for job in (grid, roof)] == ["shared-secret"] * 2
    assert grid.address is not None
    assert grid.address.credentials.user == "me"
    assert house.part_keys == ("grid", "roof")


def test_flags_take_precedence_for_all(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMER_GRACE", "1")
    jobs = _jobs("--config", str(three), "--model", "sceaux-channels", "--no-adapt")
    assert {job.grace_s for job in jobs} == {1.0}
    assert {job.forecasting.model for job in jobs} == {"sceaux-channels"}
    assert {job.forecasting.adapt for job in jobs} == {False}


def test_a_secret_of_a_meter_replaces_that_of_all(three: Path) -> None:
    Path("secret").write_text("own-secret", encoding="utf-8")
    text = THREE.replace("grace = 3", "password_file = 'secret'")
    three.write_text(text, encoding="utf-8")
    assert [_password(job) for job in _jobs("--config", str(three))[:2]] == [
        "shared-secret",
        "own-secret",
    ]
    text = THREE.replace('password = "shared-secret"', "password_file = 'secret'")
    three.write_text(text.replace("grace = 3", "password = 'other'"), encoding="utf-8")
    assert [_password(job) for job in _jobs("--config", str(three))[:2]] == ["own-secret", "other"]


@pytest.mark.parametrize(
    ("arguments", "variable", "given"),
    [
        (["tail:x?unit=W"], "", "URL"),
        (["--record", "x.db"], "", "--record"),
        (["--name", "x"], "", "--name"),
        (["--allow-other-meter"], "", "--allow-other-meter"),
        (["--password-file", "x"], "", "--password-file"),
        ([], "STREAMER_USER", "STREAMER_USER"),
        ([], "STREAMER_RECORD", "STREAMER_RECORD"),
        ([], "STREAMER_PASSWORD", "STREAMER_PASSWORD"),
    ],
)
def test_what_is_about_one_meter_cannot_be_given_for_several(
    arguments: list[str],
    variable: str,
    given: str,
    three: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if variable:
        monkeypatch.setenv(variable, "x")
    with pytest.raises(UsageError) as error:
        _jobs("--config", str(three), *arguments)
    assert str(error.value) == (
        f"{given} cannot be for several meters; set it in the tables [[watch]] of {three}, or "
        "choose one meter by --only"
    )


def test_some_of_the_meters_can_be_chosen(three: Path) -> None:
    assert [job.name for job in _jobs("--config", str(three), "--only", "Roof, grid")] == [
        "grid",
        "Roof",
    ]
    (grid,) = _jobs("--config", str(three), "--only", "grid", "--record", "x.db")
    assert (grid.record, grid.grace_s) == (Path("x.db"), 7.0)
    for only, message in [
        ("moon", "--only moon: no meter has this name; known names: grid, Roof, house"),
        ("house", "no watched meter is called 'grid'; others: none"),
    ]:
        with pytest.raises(UsageError) as error:
            _jobs("--config", str(three), "--only", only)
        assert message in str(error.value)


def test_the_origin_of_each_setting_is_shown(three: Path) -> None:
    shown = streamer("config", "--config", three, STREAMER_RETRY="5").stdout
    assert "secret" not in shown.replace("password", "")
    everyone, grid, roof, house = shown.split("\n[")[1:]
    assert everyone.startswith("all]")
    rows = [
        {line.split()[0]: line.split()[1:] for line in part.splitlines() if line}
        for part in (everyone, grid, roof, house)
    ]
    assert rows[0]["format"] == ["auto", "default"]
    assert "grace" not in rows[0]
    assert rows[1]["[watch]]"] == ["1", "(grid)"]
    assert [row["grace"] for row in rows[1:3]] == [["7.0", "file"], ["3.0", "file"]]
    assert rows[1]["retry"] == ["5.0", "STREAMER_RETRY"]
    assert "format" not in rows[1]
    assert rows[2]["password"] == ["…", "file"]
    assert rows[3]["derive"] == ["grid", "+", "Roof", "file"]
    assert not {"grace", "url", "password", "user"} & rows[3].keys()


def test_all_meters_are_checked(three: Path) -> None:
    three.chmod(0o600)
    done = streamer("config", "--check", "--config", three)
    assert (done.returncode, done.stdout) == (0, f"{three}: all right\n")
    three.chmod(0o644)
    done = streamer("config", "--check", "--config", three)
    assert done.stderr.count("warning") == 1
    text = THREE.replace("grid.db", "/no/such/grid.db")
    assert _config(text, "--check").stderr == (
        "streamer: error: b.toml: [[watch]] 1 (grid): /no/such/grid.db: folder /no/such does not "
        "exist\n"
    )
    text = THREE.replace("roof?unit=W", "roof?unit=V")
    assert (
        "b.toml: [[watch]] 2 (Roof): mqtt://broker/roof: option unit='V'"
        in _config(text, "--check").stderr
    )


GRID = "[[watch]]\nname = 'grid'\nurl = 'tail:x?unit=W'\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{GRID}[[watch]]\nurl = 'x'", "[[watch]] 2: name is missing; give each meter its own"),
        (f"{GRID}{GRID}", "[[watch]] 2 (grid) name: grid is that of grid, too"),
        (f"{GRID}[[watch]]\nname = 'b'\nurl = 'tail:y'\ngrac = 1", "2 (b) grac: unknown key; did"),
        (f"{GRID}grace = 99", "[[watch]] 1 (grid) grace = 99: '99' is out of bounds"),
        (f"{GRID}format = 'json'", "1 (grid) format: this is for all meters together: set it in"),
        (f"{GRID}solar = 'x'", "1 (grid) solar: this is for a meter with derive only"),
        ("[watch]\nderive = 'x'", "[watch] derive: this needs other meters: begin each with a"),
        (f"{GRID}[[watch]]\nname = 'b'", "[[watch]] 2 (b): no address of a meter: give one"),
        (f"{GRID}[[watch]]\nname = 'b'\nderive = 3", "2 (b) derive: give a non-empty text in"),
        (f"{GRID}[[watch]]\nname = 'b'\nderive = 'grid'\nurl = 'x'", "2 (b) url: a derived meter"),
        (f"{GRID}[[watch]]\nname = 'b'\nderive = 'grid'\npassword = 'x'", "password: a derived"),
        (f"{GRID}[[watch]]\nname = 'b'\nderive = 'x'", "2 (b) derive: no watched meter is called"),
        (f"{GRID}[[watch]]\nname = 'a\\nb'\nurl = 'tail:x'", "name 'a b': give up to 40 printable"),
        (f"[all]\nurl = 'x'\n{GRID}", "[all] url: two meters cannot have it in common: set it in"),
        (f"[all]\nderive = 'x'\n{GRID}", "[all] derive: two meters cannot have it in common"),
        (f"[all]\ngrace = 99\n{GRID}", "[all] grace = 99: '99' is out of bounds"),
        ("watch = []", "watch is not a table; begin it with a line [watch]"),
        ("watch = [3]", "[[watch]] 1 is not a table; begin it with a line [[watch]]"),
        ("all = 3", "all is not a table"),
    ],
)
def test_errors_name_file_table_and_key(text: str, message: str) -> None:
    done = _config(text.replace("'a\\nb'", '"a\\nb"'), "--check")
    assert done.returncode == 2
    assert done.stderr.startswith("streamer: error: b.toml: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_one_table_of_an_array_is_the_only_meter() -> None:
    Path("c.toml").write_text(f"[all]\nformat = 'json'\n{GRID}", encoding="utf-8")
    (job,) = _jobs("--config", "c.toml", "--record", "x.db")
    assert (job.name, job.record) == ("grid", Path("x.db"))
