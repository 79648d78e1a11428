"""Tests of failing standard streams: closed, full, or without a reader."""

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
from streamer.stream.standard import HangupError, ReaderGoneError, guarded_streams


class Broken(io.StringIO):
    """Stream that accepts writes and fails to flush them."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def flush(self) -> None:
        raise OSError(self._number, os.strerror(self._number))


class Unwritable(Broken):
    """Stream that fails to write."""

    def write(self, text: str) -> int:
        raise OSError(self._number, os.strerror(self._number))


@pytest.mark.parametrize("number", [errno.EPIPE, errno.ECONNRESET])
@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_broken_pipe_becomes_reader_gone_error(
    name: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Unwritable(number)
    monkeypatch.setattr(sys, name, before)
    with guarded_streams():
        with pytest.raises(ReaderGoneError):
            getattr(sys, name).write("text")
        getattr(sys, name).write("discarded")
    assert getattr(sys, name) is before


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_hangup_is_an_input_output_error_of_a_terminal(
    is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Unwritable(errno.EIO)
    monkeypatch.setattr(stream, "isatty", lambda: is_terminal)
    monkeypatch.setattr(sys, "stdout", stream)
    with guarded_streams():
        with pytest.raises(OSError, match="error") as failure:
            sys.stdout.write("text")
        assert isinstance(failure.value, HangupError) == is_terminal
        sys.stdout.write("discarded")


@pytest.mark.parametrize(("name", "word"), [("stdout", "output"), ("stderr", "error")])
def test_other_failures_name_the_stream(
    name: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, name, Unwritable(errno.ENOSPC))
    with guarded_streams(), pytest.raises(OSError, match="No space left") as failure:
        getattr(sys, name).write("text")
    assert failure.value.filename == f"standard {word}"
    assert failure.value.errno == errno.ENOSPC


def test_working_stream_is_unchanged(capsys: pytest.CaptureFixture[str]) -> None:
    with guarded_streams():
        assert sys.stdout.write("text") == 4
        assert not sys.stdout.isatty()
        assert sys.stdout.encoding
    assert capsys.readouterr().out == "text"


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_missing_stream_discards_output(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, name, None)
    with guarded_streams():
        print("text", file=getattr(sys, name))
        assert not getattr(sys, name).isatty()
    assert getattr(sys, name) is None


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return int(end.value.code or 0)


# Of the shipped models, this one uses all columns of the sample: there is no note on another.
_REPLAY = ["replay", "--limit", "5", "--model", "sceaux-channels"]


@pytest.mark.parametrize("kind", [Broken, Unwritable])
@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["sources"], ["config"], _REPLAY])
def test_commands_exit_normally_when_their_reader_has_gone(
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
def test_full_disk_is_reported_for_standard_output(
    arguments: list[str],
    kind: type[Broken],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdout", kind(errno.ENOSPC))
    assert _run(*arguments) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == "streamer: error: standard output: No space left on device"


def test_exit_code_is_kept_when_the_error_cannot_be_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", Unwritable(errno.EPIPE))
    assert _run("replay", "absent.csv") == 2


def test_error_of_a_stream_takes_precedence_over_a_gone_reader(
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
    """Runs in a child process, whose interpreter flushes its buffers at exit."""

    @pytest.mark.parametrize(
        ("command", "unbuffered"), [("export", ""), ("watch", ""), ("watch", "1")]
    )
    def test_pipe_without_a_reader_is_a_normal_end(
        self, command: str, unbuffered: str, tmp_path: Path
    ) -> None:
        recording = tmp_path / "house.db"
        open_for_writing(recording).close()
        watched = ["stdin:?unit=W", "--clock", "feed", "--format", "csv"]
        arguments = {"export": [str(recording)], "watch": watched}
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [sys.executable, "-m", "streamer", command, *arguments[command]],
            input=b"".join(b"%d,250\n" % (1_790_000_040 + 60 * minute) for minute in range(3)),
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

    def test_closed_standard_output_discards_output(self, tmp_path: Path) -> None:
        recording = tmp_path / "house.db"
        open_for_writing(recording).close()
        command = [sys.executable, "-m", "streamer", "export", str(recording)]
        done = subprocess.run(
            ["sh", "-c", '"$@" >&-', "sh", *command],
            stderr=subprocess.PIPE,
            timeout=120,
        )
        assert (done.returncode, done.stderr) == (0, b"")
