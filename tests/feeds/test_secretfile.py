"""Tests of files with secrets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from streamer.errors import UsageError
from streamer.feeds.secretfile import exposure, read_secret


def test_a_secret_is_the_text_without_the_line_end(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b" sword fish \r\n")
    assert read_secret(str(file)).reveal() == " sword fish "
    for data, text in (
        (b"\xff", "secret: it is not text in UTF-8"),
        (b"\n", "secret is empty"),
        (bytes(100_000), "secret: too large for a secret; is it the right file?"),
    ):
        file.write_bytes(data)
        with pytest.raises(UsageError, match=text):
            read_secret(str(file))


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o640, 0o660, 0o777, 0o444])
def test_a_file_that_others_may_read_is_warned_about(mode: int, tmp_path: Path) -> None:
    file = tmp_path / "my secret"
    file.touch(mode=0o600)
    assert exposure(file) is None
    file.chmod(mode)
    assert exposure(str(file)) == (
        f"{file} has a secret in it, and other users may read it (mode {mode:03o}); run: "
        f"chmod 600 '{file}'"
    )


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o611, 0o622])
def test_a_file_that_its_owner_alone_may_read_is_in_order(mode: int, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.touch()
    file.chmod(mode)
    assert exposure(file) is None


def test_a_group_may_read_what_belongs_to_another_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    file.touch()
    file.chmod(0o640)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert exposure(file) is None
    file.chmod(0o644)
    assert exposure(file) is not None


def test_what_is_not_a_file_has_no_mode_to_change(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o644)
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "missing", "~nobody-here/x", "a\0b"):
        assert exposure(path) is None


@pytest.mark.parametrize("path", ["a\0b", "~nobody-of-this-name/a", "", "missing"])
def test_a_path_without_a_file_is_a_usage_error(path: str) -> None:
    with pytest.raises(UsageError, match=r"^secret file "):
        read_secret(path)
