"""Standard output and standard error that fail: closed, full, or read by nobody."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from streamer.cli import main
from streamer.recording.database import open_for_writing
from streamer.sinks import Sink
from streamer.sinks.summary import Summary
from streamer.sinks.text import TextSink
from streamer.stream.finish import summed_up
from streamer.stream.standard import ReaderGoneError, guarded_streams


class Broken(io.StringIO):
    """A stream that takes what is written, and fails to let it out."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def flush(self) -> None:
        raise OSError(self._number, os.strerror(self._number))


class Unwritable(Broken):
    """A stream that takes nothing."""

    def write(self, text: str) -> int:
        raise OSError(self._number, os.strerror(self._number))


@pytest.mark.parametrize("number", [errno.EPIPE, errno.ECONNRESET])
@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_reader_that_has_gone_is_no_broken_pipe(
    name: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Unwritable(number)
    monkeypatch.setattr(sys, name, before)
    with guarded_streams():
        with pytest.raises(ReaderGoneError):
            getattr(sys, name).write("text")
        getattr(sys, name).write("what comes then goes nowhere")
    assert getattr(sys, name) is before


@pytest.mark.parametrize(("name", "said"), [("stdout", "output"), ("stderr", "error")])
def test_another_failure_has_the_name_of_the_stream(
    name: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, name, Unwritable(errno.ENOSPC))
    with guarded_streams(), pytest.raises(OSError, match="No space left") as failure:
        getattr(sys, name).write("text")
    assert failure.value.filename == f"standard {said}"
    assert failure.value.errno == errno.ENOSPC


def test_a_stream_that_does_not_fail_is_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    with guarded_streams():
        assert sys.stdout.write("text") == 4
        assert not sys.stdout.isatty()
        assert sys.stdout.encoding
    assert capsys.readouterr().out == "text"


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_stream_that_is_not_there_takes_all(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, name, None)
    with guarded_streams():
        print("text", file=getattr(sys, name))
        assert not getattr(sys, name).isatty()
    assert getattr(sys, name) is None


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return int(end.value.code or 0)


@pytest.mark.parametrize("kind", [Broken, Unwritable])
@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["sources"], ["config"], ["replay", "--limit", "5"]],
)
def test_every_command_is_done_when_its_reader_has_gone(
    arguments: list[str],
    kind: type[Broken],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nowhere")
    monkeypatch.setattr(sys, "stdout", kind(errno.EPIPE))
    assert _run(*arguments) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("kind", [Broken, Unwritable])
@pytest.mark.parametrize("arguments", [["sources"], ["replay", "--limit", "5", "--format", "csv"]])
def test_a_full_disk_is_that_of_standard_output(
    arguments: list[str],
    kind: type[Broken],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdout", kind(errno.ENOSPC))
    assert _run(*arguments) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == "streamer: error: standard output: No space left on device"


def test_nobody_needs_to_read_that_a_command_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Unwritable(errno.EPIPE))
    assert _run("replay", "absent.csv") == 2


def test_what_ended_a_stream_is_told_rather_than_that_nobody_reads_its_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", Broken(errno.EPIPE))
    with guarded_streams(), pytest.raises(ValueError, match="the meter is gone"):
        _fail_on_the_way()


def _fail_on_the_way() -> None:
    summary = Summary()
    sinks: list[Sink] = [summary, TextSink(sys.stdout, "json")]
    with summed_up(summary, sinks):
        raise ValueError("the meter is gone")


@pytest.mark.skipif(os.name == "nt", reason="pipes and shells are POSIX's")
class TestChild:
    """As the interpreter meets it, which writes what is left when it exits."""

    @pytest.mark.parametrize("unbuffered", ["", "1"])
    @pytest.mark.parametrize("command", ["export", "watch"])
    def test_a_pipe_without_a_reader(self, command: str, unbuffered: str, tmp_path: Path) -> None:
        recording = tmp_path / "house.db"
        open_for_writing(recording).close()
        arguments = {"export": [str(recording)], "watch": ["stdin:?unit=W", "--format", "csv"]}
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [sys.executable, "-m", "streamer", command, *arguments[command]],
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=120,
            env={
                **os.environ,
                "PYTHONUNBUFFERED": unbuffered,
                "XDG_CONFIG_HOME": str(tmp_path),
            },
        )
        os.close(writer)
        assert (done.returncode, done.stderr) == (0, b"")

    def test_no_standard_output_at_all(self, tmp_path: Path) -> None:
        recording = tmp_path / "house.db"
        open_for_writing(recording).close()
        command = [sys.executable, "-m", "streamer", "export", str(recording)]
        done = subprocess.run(
            ["sh", "-c", '"$@" >&-', "sh", *command],
            stderr=subprocess.PIPE,
            timeout=120,
        )
        assert (done.returncode, done.stderr) == (0, b"")
