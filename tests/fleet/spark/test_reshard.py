"""Tests of the replacement of a checkpoint's state, interrupted anywhere, without Spark."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from streamer.errors import StateError, UsageError
from streamer.fleet.spark.checkpoint import NAME, CheckpointConfig, CheckpointOptions, read_config
from streamer.fleet.spark.progress import FOLDER, ProgressLog
from streamer.fleet.spark.reports import DONE, Run
from streamer.fleet.spark.reshard import BUILT, FORMER, replace_state, stopped, undone
from streamer.fleet.spark.storage import LocalFolder
from tests.cli.running import run

CONFIG = CheckpointConfig(CheckpointOptions(shards=3), weights="ab12", partitions=2)
WANTED = replace(CONFIG, choices=replace(CONFIG.choices, shards=7), partitions=4)


class KilledError(Exception):
    """In place of a kill, after which the process does nothing more."""


class LocalStorage(LocalFolder):
    """The part of `Storage` that is used here; dies before a chosen change."""

    def __init__(self, path: Path, lives: Any = None) -> None:
        super().__init__(str(path))
        self.path, self.url = path, str(path)
        self._lives = count() if lives is None else lives

    def _live(self) -> None:
        if next(self._lives, None) is None:
            raise KilledError

    def write(self, name: str, text: str) -> None:
        self._live()
        (self.path / name).write_text(text)

    def move(self, name: str, to: str) -> None:
        self._live()
        assert not (self.path / to).exists()
        (self.path / name).rename(self.path / to)

    def remove(self, name: str, *, with_content: bool = False) -> None:
        self._live()
        if with_content:
            shutil.rmtree(self.path / name, ignore_errors=True)

    def below(self, name: str) -> LocalStorage:
        return LocalStorage(self.path / name, self._lives)


def offsets(partitions: int) -> str:
    conf = {"spark.sql.shuffle.partitions": str(partitions), "other": "kept"}
    return "\n".join(["v1", json.dumps({"conf": conf}, separators=(",", ":")), '{"logOffset":3}'])


def checkpoint(folder: Path) -> Path:
    for name in ("state", f"{BUILT}/state", "offsets", "commits"):
        (folder / name).mkdir(parents=True)
    (folder / "state" / "old").touch()
    (folder / BUILT / "state" / "new").touch()
    (folder / "offsets" / "9").write_text(offsets(9))
    (folder / "offsets" / "10").write_text(offsets(2))
    (folder / "commits" / "10").touch()
    (folder / NAME).write_text(CONFIG.to_text())
    return folder


def contents(folder: Path) -> Mapping[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    found = {path.relative_to(folder).as_posix(): path.read_text() for path in files}
    return {name: text for name, text in found.items() if not name.startswith((BUILT, FORMER))}


def test_an_interruption_anywhere_leaves_the_old_state_or_the_new_one(tmp_path: Path) -> None:
    before = contents(checkpoint(tmp_path / "before"))
    replace_state(LocalStorage(checkpoint(tmp_path / "after")), CONFIG, WANTED)  # type: ignore[arg-type]
    after = contents(tmp_path / "after")
    assert after["offsets/10"] == offsets(4)
    assert after["offsets/9"] == offsets(9)
    assert "state/new" in after
    assert "state/old" not in after
    outcomes = []
    for lives in count():
        folder = checkpoint(tmp_path / f"{lives}")
        storage: Any = LocalStorage(folder, iter(range(lives)))
        try:
            replace_state(storage, CONFIG, WANTED)
        except KilledError:
            pass
        else:
            break
        for again in count():
            # The work that undoes it may be interrupted too.
            storage = LocalStorage(folder, iter(range(again)))
            config = read_config(storage, "ck")
            assert config is not None
            try:
                config = undone(storage, config)
            except KilledError:
                continue
            break
        assert contents(folder) == (after if config == WANTED else before)
        outcomes.append(config)
        (folder / BUILT / "state").mkdir(parents=True, exist_ok=True)
        replace_state(LocalStorage(folder), config, WANTED)  # type: ignore[arg-type]
        assert read_config(LocalFolder(str(folder)), "ck") == WANTED
        assert {path.name for path in folder.iterdir()} == {"state", "offsets", "commits", NAME}
    assert outcomes == [CONFIG] * 6 + [WANTED] * 2


def test_a_state_without_its_number_of_partitions_is_damaged(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path)
    (folder / "offsets" / "10").write_text('v1\n{"conf":{}}\n-')
    with pytest.raises(StateError, match=r"offsets/10 is damaged"):
        replace_state(LocalStorage(folder), CONFIG, WANTED)  # type: ignore[arg-type]


def test_a_checkpoint_is_known_to_be_stopped(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no fleet"):
        stopped(LocalFolder, str(tmp_path / "none"))
    folder = checkpoint(tmp_path / "ck")
    assert stopped(LocalFolder, str(folder)) == (CONFIG, 10)
    (folder / "offsets" / "11").touch()
    with pytest.raises(UsageError, match=r"batch 11 of .* is incomplete: complete it with"):
        stopped(LocalFolder, str(folder))


def test_a_checkpoint_in_use_is_rejected(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path)
    (folder / FOLDER).mkdir()
    this = Run(began=time.time(), source="in", sink="out")
    with ProgressLog(LocalStorage(folder / FOLDER), this, pytest.fail) as log:
        with pytest.raises(UsageError, match=r"is in use by process \d+ on .*: stop it first"):
            stopped(LocalFolder, str(folder))
        log.end(DONE)
    assert stopped(LocalFolder, str(folder)) == (CONFIG, 10)


def test_the_command_names_what_is_wrong_before_spark_starts(tmp_path: Path) -> None:
    for name, arguments, message in (
        ("none", ["--shards", "4"], "none has no fleet: give the checkpoint folder of a run"),
        ("none", ["--shards", "0"], "Invalid value for '--shards'"),
        ("ck", ["--shards", "4"], "batch 10 of"),
    ):
        folder = tmp_path / name
        if name == "ck":
            (checkpoint(folder) / "commits" / "10").unlink()
        ended = run("fleet", "reshard", "--checkpoint", folder, *arguments)
        assert ended.code == 2
        assert message in ended.err
        assert not (folder / "state.before-reshard").exists()


def test_a_backfill_names_what_is_wrong_before_spark_starts(tmp_path: Path) -> None:
    places = ["--checkpoint", tmp_path / "ck", "--source", tmp_path / "in", "--sink", "out"]
    (tmp_path / "in").mkdir()
    ended = run("fleet", "backfill", *places)
    assert ended.code == 2
    assert "ck has no fleet: give the checkpoint folder of a run" in ended.err
