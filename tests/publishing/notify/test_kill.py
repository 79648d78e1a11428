"""`kill -9` of the program itself, while it records, sends, and waits for a dead receiver."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from streamer.errors import RecordError
from streamer.recording.notifications import Kept, KeptNotifications, Notification
from tests.children import ending
from tests.publishing.notify.servers import JsonServer, json_server

pytestmark = pytest.mark.slow

MINUTES = 800
KILLS = 6
LOADS = 3


def _lines() -> list[str]:
    """Samples of the last hours: a calm house, with a few loads that are each far larger."""
    chance = random.Random(3)  # noqa: S311 - no secret
    start = datetime.now().astimezone().replace(second=0, microsecond=0)
    start -= timedelta(minutes=MINUTES + 2)
    found = []
    for minute in range(MINUTES):
        kw = 0.3 + 0.05 * chance.random()
        if minute > 250 and minute % 100 < 2:
            kw += 5.0 * 1.8 ** ((minute - 250) // 100)
        at = start + timedelta(minutes=minute, seconds=30)
        found.append(json.dumps({"at": at.isoformat(), "power_kw": round(kw, 3)}) + "\n")
    return found


class _Program:
    """`streamer watch` with a recording and one receiver."""

    def __init__(self, folder: Path, address: str) -> None:
        self.db = folder / "house.db"
        self.config = folder / "streamer.toml"
        self.config.write_text(
            f'[notify]\nurls = ["{address}"]\nsummary = false\na_day = 24\na_month = 300\n'
        )
        self.config.chmod(0o600)

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "streamer", "watch", "stdin:", "--clock", "feed", "-q"]
        return subprocess.Popen(
            [*command, "--record", str(self.db), "--config", str(self.config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def kept(self) -> Kept:
        return KeptNotifications(self.db, lambda _: False).read(0, 0)

    def wait(self, done: Callable[[], bool]) -> None:
        """Wait until its recording has come so far; it may not be a recording yet."""
        for _ in range(600):
            with suppress(RecordError):
                if done():
                    return
            threading.Event().wait(0.05)
        raise AssertionError("it has not come so far within 30 s")

    def waiting(self) -> list[Notification]:
        return [each for each in self.kept().notifications if each.state == Notification.WAITING]


def _feed(child: subprocess.Popen[str], lines: list[str], *, close: bool = False) -> None:
    assert child.stdin is not None
    with suppress(BrokenPipeError):
        for line in lines:
            child.stdin.write(line)
            child.stdin.flush()
        if close:
            child.stdin.close()


@contextmanager
def feeding(child: subprocess.Popen[str], lines: list[str]) -> Iterator[None]:
    """Feed a program while the context lasts, which ends the program."""
    thread = threading.Thread(target=_feed, args=(child, lines))
    thread.start()
    yield
    thread.join()


def _texts(server: JsonServer) -> Counter[str]:
    return Counter(message["message"] for message in server.taken)


def _finish(program: _Program, lines: list[str]) -> None:
    """Let everything be recorded, and then everything be sent."""
    with ending(program.start(), within_s=60) as child:
        _feed(child, lines, close=True)
        _ended_well(child)
    with ending(program.start(), within_s=60) as child:
        # What came last waits in the recording for the next start.
        program.wait(lambda: not program.waiting())
        _feed(child, [], close=True)
        _ended_well(child)


def _ended_well(child: subprocess.Popen[str]) -> None:
    assert child.stderr is not None
    text = child.stderr.read()
    assert (child.wait(), "warning" in text, "error" in text) == (0, False, False), text


def _check(program: _Program, server: JsonServer, *, kills: int) -> None:
    """Each recorded anomaly was decided on, and each decided on was sent once."""
    kept = program.kept()
    anomalies = [alarm for alarm in kept.alarms if alarm.kind in ("anomaly", "unit")]
    made = [each for each in kept.notifications if each.kind == "anomaly"]
    assert len(made) == len({each.key for each in made}) == len(anomalies) >= LOADS
    wanted = Counter(each.text for each in made if each.state == Notification.SENT)
    assert not [each for each in made if each.state not in ("sent", "withheld")]
    taken = _texts(server)
    assert taken.keys() == wanted.keys()
    # One that was being sent when the program was killed may be sent again, and no other.
    assert (taken - wanted).total() <= kills


def test_none_is_lost_and_each_is_sent_once_over_kills(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    chance, lines = random.Random(seed), _lines()  # noqa: S311 - no secret
    with json_server() as server:
        program = _Program(tmp_path, server.address)
        for _ in range(KILLS):
            with ending(program.start(), within_s=60) as child, feeding(child, lines):
                with suppress(subprocess.TimeoutExpired):
                    child.wait(chance.uniform(1.0, 3.0))
                child.kill()
        _finish(program, lines)
        _check(program, server, kills=KILLS)


def test_a_kill_while_the_receiver_is_dead_loses_none_and_repeats_none(tmp_path: Path) -> None:
    lines = _lines()
    with json_server() as server:
        program = _Program(tmp_path, server.address)
        server.stop()
        for _ in range(2):
            with ending(program.start(), within_s=60) as child, feeding(child, lines):
                program.wait(lambda: len(program.waiting()) >= LOADS)
                child.kill()
        assert not server.taken
        server.start()
        _finish(program, lines)
        _check(program, server, kills=0)


def test_the_window_is_that_of_one_message_which_is_then_the_same(tmp_path: Path) -> None:
    """A receiver that has taken a message, and does not answer before the kill."""
    lines = _lines()
    with json_server() as server:
        program = _Program(tmp_path, server.address)
        server.hold.clear()
        with ending(program.start(), within_s=60) as child, feeding(child, lines):
            assert server.has_taken.wait(30)
            child.kill()
        server.hold.set()
        _finish(program, lines)
        _check(program, server, kills=1)
        assert max(_texts(server).values()) == 2
