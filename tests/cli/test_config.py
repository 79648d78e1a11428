"""Tests of the settings of `streamer watch`: flags, variables, the configuration file."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.main import get_command

from streamer.cli import app, main
from streamer.cli.settings import resolve_settings
from streamer.commands.config import default_path, read_config
from streamer.errors import ConfigError, UsageError
from streamer.feeds.address import Address
from streamer.models.kernels import auto_engine
from streamer.recording.database import open_for_writing
from tests.cli.running import run

URL = "tail:meter.log?unit=W"


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the variables and the configuration file of the user who runs the tests."""
    import os

    for name in [name for name in os.environ if name.startswith("STREAMER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))


def _config(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["config", *arguments])
    return int(end.value.code or 0)


def _write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def _rows(text: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}


def test_flags_take_precedence_over_variables_and_variables_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _write(tmp_path / "a.toml", f'[watch]\nurl = "{URL}"\ngrace = 7\nretry = 9.5\n')
    monkeypatch.setenv("STREAMER_GRACE", "8")
    assert _config("--config", file) == 0
    rows = _rows(capsys.readouterr().out)
    assert rows["url"] == ["tail:meter.log", "file"]
    assert rows["grace"] == ["8.0", "STREAMER_GRACE"]
    assert rows["retry"] == ["9.5", "file"]
    assert rows["max_kw"] == ["100.0", "default"]
    assert " ".join(["engine", *rows["engine"]]) == f"engine auto is {auto_engine()}"


def test_horizons_are_shown_as_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _write(tmp_path / "a.toml", f'[watch]\nurl = "{URL}"\nhorizons = "60, 5"\n')
    for variable, shown in (("", ["5,60", "file"]), ("none", ["none", "STREAMER_HORIZONS"])):
        monkeypatch.setenv("STREAMER_HORIZONS", variable)
        assert _config("--config", file) == 0
        assert _rows(capsys.readouterr().out)["horizons"] == shown


def test_the_file_in_the_xdg_folder_is_the_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert default_path() == tmp_path / "xdg" / "streamer" / "streamer.toml"
    _write(default_path(), f'[watch]\nurl = "{URL}"\nadapt = false\n')
    assert _config("--check") == 0
    assert capsys.readouterr().out == f"{default_path()}: all right\n"
    assert _config() == 0
    assert _rows(capsys.readouterr().out)["adapt"][0] == "false"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[watch", "not valid TOML"),
        ("url = 'x'", "unknown table or key 'url'; settings are in [watch], others in [all]"),
        ("watch = 3", "watch is not a table"),
        ("[watch]\nstale_afer = 3", "[watch] stale_afer: unknown key; did you mean stale_after?"),
        ("[watch]\nzzz = 3", "[watch] zzz: unknown key; known keys: adapt, "),
        ("[watch]\nstale_after = 'soon'", "[watch] stale_after = 'soon': 'soon' is not a number\n"),
        (
            "[watch]\nstale_after = 0",
            "[watch] stale_after = 0: '0' is out of bounds; give at least 1",
        ),
        ("[watch]\ngrace = 61", "[watch] grace = 61: '61' is out of bounds; give at most 60"),
        ("[watch]\nmax_gap = 1.5", "[watch] max_gap = 1.5: '1.5' is not a whole number\n"),
        ("[watch]\nmax_kw = nan", "[watch] max_kw = nan: 'nan' is not a power; give a number"),
        ("[watch]\nmax_kw = -1", "[watch] max_kw = -1: '-1' is not a power; give a number"),
        (
            "[watch]\nengine = 'moon'",
            "[watch] engine = 'moon': 'moon' is not one of 'auto', 'compiled', 'numpy', "
            "'tensorflow'\n",
        ),
        ("[watch]\nadapt = 'maybe'", "[watch] adapt = 'maybe': give true or false"),
        ("[watch]\ngrace = true", "[watch] grace = True: give a value"),
        ("[watch]\nconfidence = 90", "[watch] confidence = 90: '90' is not a share"),
        ("[watch]\nhorizons = 45", "[watch] horizons = 45: '45' is not a horizon; give minutes"),
        ("[watch]\ndemand = 30", "[watch] demand = 30: '30' is not one of '15', '60', 'none'"),
        ("[watch]\npeak_limit = 0", "[watch] peak_limit = 0: '0' is not a peak; give a number"),
        ("[watch]\npeak_alarms = -1", "[watch] peak_alarms = -1: '-1' is not a number of alarms"),
        ("[watch]\nformat = 'html'", "[watch] format = 'html': "),
        ("[watch]\nrecord = ['a']", "[watch] record: give a single value"),
        ("[watch]\npassword = 12", "[watch] password: give a non-empty text in quotes"),
        ("[watch]\nconfig = 'b.toml'", "[watch] config: unknown key"),
        ("[watch]\ngrace = " + "[" * 20_000, "values are nested too deeply"),
        ("[watch]\ngrace = " + "9" * 5000, "Exceeds the limit (4300 digits)"),
        ("[watch]\ngrace = 0x" + "f" * 5000, "[watch] grace: the number is out of bounds"),
        ("#" * 1_100_000, "too large for settings; is it the right file?"),
    ],
)
def test_errors_name_file_and_key(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _write(tmp_path / "a.toml", text)
    assert _config("--config", file) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"streamer: error: {file}: ")
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("path", ["~nobody-of-this-name/a.toml", "a\0b", "", "."])
def test_a_path_without_a_file_is_one_line(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _config("--config", path) == 2
    assert capsys.readouterr().err.count("\n") == 1


@given(st.text() | st.text(alphabet="[]{}=\"'\n.#watch019-:T_ x"))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_read_or_a_config_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.toml"
    for content in (text, f"[watch]\n{text}"):
        file.write_text(content, encoding="utf-8", errors="replace")
        with suppress(ConfigError):
            read_config(str(file), ["watch"])


def test_a_variable_with_a_wrong_value_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STREAMER_MAX_GAP", "long")
    assert _config() == 2
    assert "STREAMER_MAX_GAP='long': 'long' is not a whole number\n" in capsys.readouterr().err
    monkeypatch.setenv("STREAMER_MAX_GAP", "10")
    monkeypatch.setenv("STREAMER_QUIET", "perhaps")
    assert _config() == 2
    assert "STREAMER_QUIET='perhaps': 'perhaps' is not true or false\n" in capsys.readouterr().err


def test_unreadable_files_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _config("--config", str(tmp_path / "no.toml")) == 2
    assert "no.toml: file not found" in capsys.readouterr().err
    assert _config("--config", str(tmp_path)) == 2
    assert "Is a directory" in capsys.readouterr().err
    (tmp_path / "latin.toml").write_bytes(b"[watch]\nurl = '\xff'")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_config(str(tmp_path / "latin.toml"), [])


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense://x", "unknown feed scheme 'nonsense'"),
        ("http://meter/x#path=p", "option unit is missing"),
        ("tail:x.log?unit=V", "option unit='V': give mW or W or kW"),
        ("tail:x.log?unit=W&colour=red", "unknown option 'colour'"),
    ],
)
def test_the_check_parses_the_address(
    url: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _write(tmp_path / "a.toml", f'[watch]\nurl = "{url}"\n')
    assert _config("--check", "--config", file) == 2
    assert message in capsys.readouterr().err


def test_the_check_reports_a_missing_address_and_a_missing_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _config("--check") == 2
    assert "no address of a meter" in capsys.readouterr().err
    file = _write(tmp_path / "a.toml", f'[watch]\nurl = "{URL}"\nrecord = "/no/such/house.db"\n')
    assert _config("--check", "--config", file) == 2
    assert "folder /no/such does not exist" in capsys.readouterr().err


def _check_with(record: Path, folder: Path) -> int:
    return _config(
        "--check",
        "--config",
        _write(folder / "a.toml", f'[watch]\nurl = "{URL}"\nrecord = "{record}"\n'),
    )


def test_the_check_rejects_files_that_cannot_be_recorded_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "house.csv"
    other.write_text("at,kw\n", encoding="utf-8")
    foreign = tmp_path / "photos.db"
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE photos (id)")
    for path, why in [
        (other, "is neither a recording nor another SQLite database"),
        (foreign, "is a database of another program"),
        (tmp_path, "is not a file; give one to record in"),
        (Path("~no-such-user/house.db"), "no such user"),
    ]:
        assert _check_with(path, tmp_path) in (1, 2)
        error = capsys.readouterr().err
        assert error.startswith("streamer: error: ")
        assert why in error
        assert error.count("\n") == 1
    assert other.read_text(encoding="utf-8") == "at,kw\n"


def test_the_check_accepts_every_file_that_watching_accepts(tmp_path: Path) -> None:
    new, empty, recording, damaged = (tmp_path / name for name in "abcd")
    empty.touch()
    open_for_writing(recording).close()
    damaged.write_bytes(bytes(5000))  # as after a power cut; watching moves it aside
    for path in (new, empty, recording, damaged):
        assert _check_with(path, tmp_path) == 0
    assert not new.exists()
    assert empty.stat().st_size == 0
    assert damaged.exists()


class TestSecrets:
    """Secrets from a variable, a secret file or the configuration file."""

    def test_values_are_never_shown(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = _write(
            tmp_path / "a.toml",
            '[watch]\nurl = "mqtt://me@broker/t?unit=W"\npassword = "file-secret"\n',
        )
        monkeypatch.setenv("STREAMER_TOKEN", "variable-secret")
        assert _config("--config", file) == 0
        out = capsys.readouterr().out
        assert "secret" not in out.replace("password", "")
        rows = _rows(out)
        assert rows["password"] == ["…", "file"]
        assert rows["token"] == ["…", "STREAMER_TOKEN"]
        assert rows["user"] == ["me", "url"]
        monkeypatch.setenv("STREAMER_URL", "mqtt://me:url-secret@broker/t?unit=W")
        assert _config("--config", file) == 0
        out = capsys.readouterr().out
        assert "url-secret" not in out
        assert _rows(out)["password"] == ["…", "url"]

    def test_a_secret_and_its_file_together_are_rejected(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = _write(
            tmp_path / "a.toml",
            f'[watch]\nurl = "{URL}"\npassword = "x-secret"\npassword_file = "y"\n',
        )
        assert _config("--check", "--config", file) == 2
        error = capsys.readouterr().err
        assert "has both password and password_file" in error
        assert "x-secret" not in error

    def test_a_missing_or_empty_secret_file_is_rejected(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        secret = tmp_path / "secret"
        file = _write(tmp_path / "a.toml", f'[watch]\nurl = "{URL}"\ntoken_file = "{secret}"\n')
        assert _config("--check", "--config", file) == 2
        assert f"secret file {secret}: No such file" in capsys.readouterr().err
        secret.write_text("\n", encoding="utf-8")
        assert _config("--check", "--config", file) == 2
        assert "is empty" in capsys.readouterr().err


class TestInTheAddress:
    """User and password in the address, which have the origin of the address."""

    URL = "mqtt://bob:url-secret@broker/t?unit=W"

    @pytest.fixture
    def secret(self, tmp_path: Path) -> str:
        return _write(tmp_path / "secret", "right-secret")

    @pytest.mark.parametrize("check", [(), ("--check",)])
    def test_the_address_is_parsed_once(
        self, check: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        parsed: list[str] = []
        parse = Address.parse

        def count(url: str) -> Address:
            parsed.append(url)
            return parse(url)

        monkeypatch.setattr(Address, "parse", count)
        file = _write(tmp_path / "a.toml", f'[watch]\nurl = "{self.URL}"\n')
        assert _config(*check, "--config", file) == 0
        assert parsed == [self.URL]

    def _found(self, *arguments: str) -> tuple[str | None, str]:
        """User and password in effect."""
        watch = get_command(app).commands["watch"]  # type: ignore[attr-defined]
        with watch.make_context("watch", list(arguments)) as context:
            (settings,) = resolve_settings(context)
            assert settings.address is not None
            found = settings.meter(settings.address).credentials
        return found.user, "" if found.password is None else found.password.reveal()

    def _rejected(self, *arguments: str) -> str:
        with pytest.raises(UsageError) as error:
            self._found(*arguments)
        assert "secret" not in str(error.value)
        return str(error.value)

    def test_credentials_are_taken_from_the_address_or_beside_it(self, secret: str) -> None:
        assert self._found(self.URL) == ("bob", "url-secret")
        bare = "mqtt://broker/t?unit=W"
        assert self._found(bare, "--user", "al", "--password-file", secret) == (
            "al",
            "right-secret",
        )
        named = "mqtt://bob@broker/t?unit=W"
        assert self._found(named, "--password-file", secret) == ("bob", "right-secret")

    def test_credentials_given_twice_in_one_place_are_rejected(
        self, secret: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        both = "both in the address and beside it; leave one out"
        assert self._rejected(self.URL, "--user", "al") == f"the command line has a user {both}"
        assert self._rejected(self.URL, "--password-file", secret) == (
            f"the command line has a password {both}"
        )
        for line, what in [("user = 'al'", "user"), ("password = 'x-secret'", "password")]:
            file = _write(tmp_path / "a.toml", f"[watch]\nurl = '{self.URL}'\n{line}\n")
            assert self._rejected("--config", file) == f"{file}: [watch] has a {what} {both}"
        monkeypatch.setenv("STREAMER_URL", self.URL)
        monkeypatch.setenv("STREAMER_PASSWORD", "x-secret")
        assert self._rejected() == f"the environment has a password {both}"

    def test_flags_take_precedence_over_variables_and_variables_over_the_file(
        self, secret: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        beside = ("--user", "al", "--password-file", secret)
        file = _write(tmp_path / "a.toml", f"[watch]\nurl = '{self.URL}'\n")
        assert self._found("--config", file, *beside) == ("al", "right-secret")
        monkeypatch.setenv("STREAMER_PASSWORD", "variable-secret")
        assert self._found("--config", file) == ("bob", "variable-secret")
        assert self._found("--config", file, self.URL) == ("bob", "url-secret")
        file = _write(tmp_path / "b.toml", "[watch]\nuser = 'al'\npassword = 'file-secret'\n")
        monkeypatch.delenv("STREAMER_PASSWORD")
        monkeypatch.setenv("STREAMER_URL", self.URL)
        assert self._found("--config", file) == ("bob", "url-secret")
        assert self._found("--config", file, *beside) == ("al", "right-secret")

    def test_the_listed_user_is_the_one_in_effect(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = _write(tmp_path / "a.toml", "[watch]\nuser = 'al'\n")
        monkeypatch.setenv("STREAMER_URL", self.URL)
        assert _config("--config", file) == 0
        assert _rows(capsys.readouterr().out)["user"] == ["bob", "url"]
        _write(tmp_path / "a.toml", f"[watch]\nurl = '{self.URL}'\n")
        monkeypatch.delenv("STREAMER_URL")
        monkeypatch.setenv("STREAMER_USER", "al")
        assert _config("--config", file) == 0
        assert _rows(capsys.readouterr().out)["user"] == ["al", "STREAMER_USER"]


@pytest.mark.parametrize(
    ("text", "exposed"),
    [
        ("url = 'mqtt://u@h/a?unit=W'\npassword = 'swordfish'", "a.toml"),
        ("url = 'mqtt://u:swordfish@h/a?unit=W'", "a.toml"),
        ("url = 'mqtt://u@h/a?unit=W'\npassword_file = '{secret}'", "secret"),
        ("url = 'hass://h/sensor.power'\ntoken_file = '{secret}'", "secret"),
        ("url = 'push://127.0.0.1?unit=W&token_file={secret}'", "secret"),
        ("url = 'mqtt://h/a?unit=W'", None),
    ],
)
def test_files_with_secrets_that_others_may_read_are_warned_about(
    text: str, exposed: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("swordfish\n")
    file = Path(_write(tmp_path / "a.toml", "[watch]\n" + text.format(secret=secret)))
    for mode in (0o644, 0o600):
        for path in (file, secret):
            path.chmod(mode)
        assert _config("--check", "--config", str(file)) == 0
        printed = capsys.readouterr()
        assert printed.out == f"{file}: all right\n"
        path = tmp_path / str(exposed)
        assert printed.err == (
            f"streamer: warning: {path} has a secret in it, and other users may read it (mode 644);"
            f" run: chmod 600 {path}\n"
            if exposed and mode == 0o644
            else ""
        )


def test_watching_begins_with_a_warning_of_secrets_that_others_may_read(tmp_path: Path) -> None:
    text = "[watch]\nurl = 'stdin:?unit=W'\ntoken = 'swordfish'\nquiet = true"
    file = Path(_write(tmp_path / "a.toml", text))
    file.chmod(0o644)
    ended = run("watch", "--config", file, stdin=b"")
    assert ended.code == 0
    assert ended.err.splitlines()[0].startswith(f"streamer: warning: {file} has a secret in it")
