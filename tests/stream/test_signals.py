"""Tests of the signals that end a stream; those of whole commands are beside the commands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from streamer.stream.pacing import Pacer
from streamer.stream.signals import ENDINGS, handled_signals, stopping

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")

_STUCK = """
import signal, sys, threading
from streamer.stream.pacing import Pacer
from streamer.stream.signals import stopping
stuck = threading.Event()
with stopping(Pacer(on_stop=stuck.wait)):
    for name in sys.argv[1:]:
        signal.raise_signal(signal.Signals[name])
"""


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["SIGTERM"], 0),
        (["SIGTERM", "SIGTERM"], -15),
        (["SIGINT", "SIGTERM"], -15),
        (["SIGINT", "SIGINT"], -2),
        # A terminal that closes and the shell in it both send it.
        (["SIGHUP", "SIGHUP"], 0),
        (["SIGHUP", "SIGHUP", "SIGTERM"], -15),
    ],
)
def test_a_second_signal_ends_a_stuck_process_at_once(names: list[str], code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _STUCK, *names], capture_output=True, check=False, timeout=60
    )
    assert done.returncode == code, done.stderr


_LEAVING = """
import signal, sys
from streamer.stream.signals import SecondSignal, end_at_next, leave_at_once
end_at_next(leave_at_once)
try:
    signal.raise_signal(signal.Signals[sys.argv[1]])
except SecondSignal as second:
    print("the terminal is restored", flush=True)
    second.end()
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_second_signal_restores_the_terminal_and_ends_the_process(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LEAVING, name], capture_output=True, check=False, timeout=60
    )
    assert done.returncode == -signal.Signals[name]
    assert (done.stdout, done.stderr) == (b"the terminal is restored\n", b"")


@pytest.mark.parametrize("number", ENDINGS)
def test_the_first_signal_leaves_a_read_that_waits(number: signal.Signals) -> None:
    before = [signal.getsignal(each) for each in ENDINGS]
    stopped = threading.Event()
    ended = ["after the summary"]
    with stopping(Pacer(on_stop=stopped.set)) as ending:
        try:
            with ending:
                signal.raise_signal(number)
                raise AssertionError("the read continues")
        finally:
            ended.append("summary")
    assert ended == ["after the summary", "summary"]
    assert ending.number == number
    assert ending.exit_code == 128 + number
    assert stopped.wait(10.0)
    assert [signal.getsignal(each) for each in ENDINGS] == before


def test_a_signal_between_two_reads_prevents_the_next_one() -> None:
    with stopping(Pacer()) as ending:
        with ending:
            pass
        signal.raise_signal(signal.SIGTERM)
        with ending:
            raise AssertionError("there is another read")
    assert ending.exit_code == 143


def test_without_a_signal_the_exit_code_is_0() -> None:
    with stopping(Pacer()) as ending, ending:
        pass
    assert ending.exit_code == 0


def test_a_hangup_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping(Pacer()) as ending:
            signal.raise_signal(signal.SIGHUP)
            assert ending.number is None
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_outside_of_the_main_thread_nothing_is_handled() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def look() -> None:
        with handled_signals({signal.SIGTERM: lambda *_: None}):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]
