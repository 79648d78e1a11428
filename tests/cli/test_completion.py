"""Tests of -h and of shell completion, in the way that the shells ask for it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from streamer.cli import main
from tests.docs.commands import options
from tests.test_imports import ENGINES, FEEDS, HEAVY

GROUPS = ["streamer", "streamer fleet", "streamer models"]
BROKEN = "[watch\nurl ="

# Each completion in turn, then the modules that they have loaded.
ASK = """
import os, sys
from streamer.cli import main
os.environ["_STREAMER_COMPLETE"] = "complete_bash"
for words in sys.stdin.read().splitlines():
    os.environ["COMP_WORDS"] = words
    os.environ["COMP_CWORD"] = str(words.count(" "))
    print("asked:", words)
    try:
        main([])
    except SystemExit as end:
        assert not end.code, end.code
print("asked: modules")
print(*sys.modules, sep="\\n")
"""


@pytest.mark.parametrize("command", [*GROUPS, *options()])
def test_h_is_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    helps = []
    for option in ("-h", "--help"):
        with pytest.raises(SystemExit) as end:
            main([*command.split()[1:], option])
        assert end.value.code == 0
        helps.append(capsys.readouterr().out)
    assert helps[0].startswith(f"Usage: {command} ")
    assert helps[0] == helps[1]


def test_commands_options_and_values_are_completed_without_a_heavy_library(
    tmp_path: Path,
) -> None:
    (tmp_path / "streamer").mkdir()
    # A file that is being edited does not keep its options from being completed.
    (tmp_path / "streamer" / "streamer.toml").write_text(BROKEN)
    asked = {
        "streamer re": ["replay", "report"],
        "streamer fleet ": ["run", "status", "reshard", "backfill", "simulate"],
        "streamer replay --st": ["--start", "--strict"],
        "streamer replay --engine ": ["auto", "compiled", "numpy", "tensorflow"],
        "streamer watch --conf": ["--confidence", "--config"],
        "streamer fleet run --mas": ["--master"],
    }
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        input="\n".join(asked),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path)},
    )
    assert done.stderr == ""
    answers = {
        words: found
        for words, *found in (part.splitlines() for part in done.stdout.split("asked: ")[1:])
    }
    modules = set(answers.pop("modules"))
    assert answers == asked
    assert "streamer.cli.watch" in modules
    assert not modules & (HEAVY | ENGINES | FEEDS)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_a_script(
    shell: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_STREAMER_COMPLETE", f"source_{shell}")
    with pytest.raises(SystemExit) as end:
        main([])
    assert end.value.code == 0
    assert f"_STREAMER_COMPLETE=complete_{shell}" in capsys.readouterr().out


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_with_the_script_as_documented(tmp_path: Path) -> None:
    program = tmp_path / "streamer"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m streamer "$@"\n')
    program.chmod(0o755)
    script = """
        eval "$(_STREAMER_COMPLETE=source_bash streamer)"
        complete -p streamer
        COMP_WORDS=(streamer replay --conf) COMP_CWORD=2
        _streamer_completion streamer
        echo "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "--confidence"
    assert "-F _streamer_completion streamer" in done.stdout
