"""Settings of `streamer watch`: flags, variables, the configuration file."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamer.cli import main
from streamer.config import default_path, read_config
from streamer.errors import ConfigError

URL = "tail:meter.log?unit=W"


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variables and no file of whoever runs the tests."""
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


def test_flags_win_over_variables_and_those_over_the_file(
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


def test_the_file_in_the_xdg_folder_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert default_path() == tmp_path / "xdg" / "streamer" / "streamer.toml"
    _write(default_path(), f'[watch]\nurl = "{URL}"\nadapt = false\n')
    assert _config("--check") == 0
    assert capsys.readouterr().out == f"{default_path()}: all right\n"
    assert _config() == 0
    assert _rows(capsys.readouterr().out)["adapt"][0] == "false"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[watch", "is not TOML"),
        ("url = 'x'", "unknown table or key 'url'; all settings are in [watch]"),
        ("watch = 3", "watch is no table"),
        ("[watch]\nstale_afer = 3", "[watch] stale_afer: unknown key; did you mean stale_after?"),
        ("[watch]\nzzz = 3", "[watch] zzz: unknown key; there are adapt, "),
        ("[watch]\nstale_after = 'soon'", "[watch] stale_after = 'soon': "),
        ("[watch]\nstale_after = 0", "[watch] stale_after = 0: "),
        ("[watch]\nadapt = 'maybe'", "[watch] adapt = 'maybe': give true or false"),
        ("[watch]\ngrace = true", "[watch] grace = True: give a value"),
        ("[watch]\nconfidence = 90", "[watch] confidence = 90: '90' is not a share"),
        ("[watch]\nformat = 'html'", "[watch] format = 'html': "),
        ("[watch]\nrecord = ['a']", "[watch] record: give one value"),
        ("[watch]\npassword = 12", "[watch] password: give some text in quotes"),
        ("[watch]\nconfig = 'b.toml'", "[watch] config: unknown key"),
    ],
)
def test_errors_name_file_and_key(
    text: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _write(tmp_path / "a.toml", text)
    assert _config("--config", file) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"streamer: error: {file}: ")
    assert complaint in error
    assert error.count("\n") == 1


def test_a_wrong_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STREAMER_MAX_GAP", "long")
    assert _config() == 2
    assert "STREAMER_MAX_GAP='long': " in capsys.readouterr().err


def test_files_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _config("--config", str(tmp_path / "no.toml")) == 2
    assert "no.toml: there is no such file" in capsys.readouterr().err
    assert _config("--config", str(tmp_path)) == 2
    assert "Is a directory" in capsys.readouterr().err
    (tmp_path / "latin.toml").write_bytes(b"[watch]\nurl = '\xff'")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        read_config(str(tmp_path / "latin.toml"), [])


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("nonsense://x", "no feed has the scheme 'nonsense'"),
        ("http://meter/x#path=p", "option unit is missing"),
        ("tail:x.log?unit=MW", "option unit='MW': give W or kW"),
        ("tail:x.log?unit=W&colour=red", "unknown option 'colour'"),
    ],
)
def test_the_check_reads_the_address(
    url: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _write(tmp_path / "a.toml", f'[watch]\nurl = "{url}"\n')
    assert _config("--check", "--config", file) == 2
    assert complaint in capsys.readouterr().err


def test_the_check_finds_that_there_is_nothing_to_watch_or_no_place_to_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _config("--check") == 2
    assert "no address of a meter" in capsys.readouterr().err
    file = _write(tmp_path / "a.toml", f'[watch]\nurl = "{URL}"\nrecord = "/no/such/house.db"\n')
    assert _config("--check", "--config", file) == 2
    assert "there is no folder /no/such" in capsys.readouterr().err


class TestSecrets:
    """They come from variable, file or configuration, and are never shown."""

    def test_none_is_shown(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = _write(
            tmp_path / "a.toml",
            '[watch]\nurl = "mqtt://me:url-secret@broker/t?unit=W"\npassword = "file-secret"\n',
        )
        monkeypatch.setenv("STREAMER_TOKEN", "variable-secret")
        assert _config("--config", file) == 0
        out = capsys.readouterr().out
        assert "secret" not in out.replace("password", "")
        rows = _rows(out)
        assert rows["password"] == ["…", "file"]
        assert rows["token"] == ["…", "STREAMER_TOKEN"]

    def test_a_secret_twice_in_the_file(
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

    def test_a_secret_file_that_is_missing_or_empty(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        secret = tmp_path / "secret"
        file = _write(tmp_path / "a.toml", f'[watch]\nurl = "{URL}"\ntoken_file = "{secret}"\n')
        assert _config("--check", "--config", file) == 2
        assert f"secret file {secret}: No such file" in capsys.readouterr().err
        secret.write_text("\n", encoding="utf-8")
        assert _config("--check", "--config", file) == 2
        assert "is empty" in capsys.readouterr().err
