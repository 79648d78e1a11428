"""Tests with a real Home Assistant, in `streamer watch` as people run it.

They take ten minutes, and are run by hand; CONTRIBUTING.md has the steps.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.children import ending
from tests.feeds.hass.realhass import RealHomeAssistant, find_hass

pytestmark = [
    pytest.mark.homeassistant,
    pytest.mark.skipif(
        "STREAMER_TEST_HASS" not in os.environ,
        reason="needs Home Assistant: STREAMER_TEST_HASS=/path/to/hass, or =install",
    ),
]

POWER = "sensor.power"
MINUTE_S = 60
_GRACE_S = 8.0


class Watched:
    """A `streamer watch` of an entity, and its recording."""

    def __init__(self, house: RealHomeAssistant, folder: Path, entity: str, token: str) -> None:
        self.database = folder / "house.db"
        self._errors = folder / "errors.txt"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("STREAMER_")}
        environment |= {"STREAMER_TOKEN": token, "XDG_CONFIG_HOME": str(folder)}
        url = f"hass://{house.host}/{entity}"
        options = ["--record", str(self.database), "--format", "json"]
        with self._errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamer", "watch", url, *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=environment,
            )

    @property
    def stderr(self) -> str:
        return self._errors.read_text()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        if not self.database.exists():
            return []
        with closing(sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)) as connection:
            try:
                return connection.execute(query).fetchall()
            except sqlite3.OperationalError:
                return []  # it is being created, or written

    def minutes(self) -> dict[int, float]:
        return dict(self.rows("SELECT at, actual_kw FROM steps ORDER BY at"))

    def events(self) -> list[str]:
        return [kind for (kind,) in self.rows("SELECT kind FROM events ORDER BY id")]

    def until(self, condition: Callable[[], bool], what: str, within_s: float) -> float:
        """Wait until a condition holds; returns the seconds."""
        began = time.monotonic()
        while not condition():
            assert self.process.poll() is None, self.stderr
            waited = time.monotonic() - began
            assert waited < within_s, f"{what}: not within {within_s:g} s: {self.stderr}"
            time.sleep(0.1)
        return time.monotonic() - began

    def is_up(self) -> bool:
        """Whether the last change of the connection was to a working one."""
        changes = [kind for kind in self.events() if kind in ("up", "lost", "silent")]
        return changes[-1:] == ["up"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHomeAssistant]:
    hass = find_hass(os.environ["STREAMER_TEST_HASS"])
    house = RealHomeAssistant(hass, tmp_path_factory.mktemp("hass"))
    try:
        house.start()
        yield house
    finally:
        house.stop()


@contextmanager
def watching(
    house: RealHomeAssistant, folder: Path, entity: str = POWER, *, token: str | None = None
) -> Iterator[Watched]:
    watched = Watched(house, folder, entity, house.token if token is None else token)
    with ending(watched.process, within_s=900.0):
        yield watched
        if watched.process.poll() is None:
            watched.process.send_signal(signal.SIGTERM)
            watched.process.wait(20.0)
    assert "Traceback" not in watched.stderr


def whole_minutes(count: int) -> float:
    """Seconds until so many whole minutes have passed, and their allowed lateness."""
    return (count + 1) * MINUTE_S - time.time() % MINUTE_S + _GRACE_S


def minute_of(at_s: float) -> int:
    return int(at_s) // MINUTE_S * MINUTE_S


def test_changes_arrive_in_kw(house: RealHomeAssistant, tmp_path: Path) -> None:
    """Of W and of kW, and weighted by time over the minute."""
    house.set_state(POWER, 250)
    with watching(house, tmp_path) as watched:
        watched.until(watched.is_up, "a connection", 20.0)
        watched.until(lambda: time.time() % MINUTE_S < 1.0, "a minute", 61.0)
        begin = minute_of(time.time())
        house.set_state(POWER, 1.0, unit="kW")
        watched.until(lambda: time.time() >= begin + 30, "its half", 31.0)
        house.set_state(POWER, 500)
        watched.until(lambda: begin in watched.minutes(), "the minute", 45.0)
        assert watched.minutes()[begin] == pytest.approx(0.75, abs=0.02)


def test_a_constant_entity_is_not_silent_and_unavailable_ends_its_value(
    house: RealHomeAssistant, tmp_path: Path
) -> None:
    """Home Assistant sends changes alone: quick ones are followed by none for minutes."""
    with watching(house, tmp_path) as watched:
        for watts in range(240, 251):
            house.set_state(POWER, watts)
            time.sleep(0.5)
        constant_from = time.time()
        watched.until(lambda: len(watched.minutes()) >= 3, "minutes", whole_minutes(3) + 5.0)
        whole = {at: kw for at, kw in watched.minutes().items() if at > constant_from}
        assert set(whole.values()) == {0.25}
        assert len(whole) >= 2
        assert "silent" not in watched.events()
        assert "silent" not in watched.stderr

        house.set_state(POWER, "unavailable")
        gone_s = time.time()
        time.sleep(whole_minutes(1))
        assert max(watched.minutes()) <= minute_of(gone_s)
        house.set_state(POWER, 300)
        back = minute_of(time.time()) + MINUTE_S
        watched.until(lambda: back in watched.minutes(), "a minute", whole_minutes(1) + 5.0)
        assert watched.minutes()[back] == 0.3
        between = [at for at in watched.minutes() if minute_of(gone_s) < at < back - MINUTE_S]
        assert between == []
        gaps = watched.rows("SELECT at, gap_minutes FROM steps")
        assert sum(missing for at, missing in gaps if at > gone_s) >= 1


def test_a_restart_is_survived_and_an_entity_may_appear_late(
    house: RealHomeAssistant, tmp_path: Path
) -> None:
    """As while integrations are set up: the entity does not exist for 8 s after the start."""
    house.set_state(POWER, 400)
    with watching(house, tmp_path) as watched:
        watched.until(watched.is_up, "a connection", 20.0)
        house.stop()
        watched.until(lambda: "lost" in watched.events(), "the loss", 30.0)
        house.start()
        assert house.state(POWER) is None
        time.sleep(8.0)
        house.set_state(POWER, 600)
        appeared = time.time()
        first = minute_of(appeared) + MINUTE_S
        watched.until(lambda: first in watched.minutes(), "a minute", whole_minutes(1) + 5.0)
        assert watched.minutes()[first] == 0.6
        assert watched.is_up()


def test_an_entity_may_appear_after_the_start_of_watching(
    house: RealHomeAssistant, tmp_path: Path
) -> None:
    entity = "sensor.late_power"
    with watching(house, tmp_path, entity) as watched:
        time.sleep(8.0)
        assert watched.process.poll() is None, watched.stderr
        house.set_state(entity, 700)
        first = minute_of(time.time()) + MINUTE_S
        watched.until(lambda: first in watched.minutes(), "a minute", whole_minutes(1) + 5.0)
        assert watched.minutes()[first] == 0.7
    house.remove(entity)


def test_an_entity_that_never_appears_is_an_error_with_similar_names(
    house: RealHomeAssistant, tmp_path: Path
) -> None:
    house.set_state(POWER, 250)
    with watching(house, tmp_path, "sensor.powr") as watched:
        watched.process.wait(60.0)
        assert watched.process.returncode == 1
        assert "sensor.powr does not exist" in watched.stderr
        assert f"is it {POWER}" in watched.stderr


def test_a_wrong_token_is_one_line(house: RealHomeAssistant, tmp_path: Path) -> None:
    with watching(house, tmp_path, token="swordfish") as watched:  # noqa: S106
        watched.process.wait(30.0)
        assert watched.process.returncode == 1
        (line,) = [line for line in watched.stderr.splitlines() if "error" in line]
        assert "Home Assistant rejects the token" in line
        assert "swordfish" not in watched.stderr


@pytest.mark.parametrize("unit", ["A", "°C", "%", None])
def test_another_quantity_is_refused(
    house: RealHomeAssistant, tmp_path: Path, unit: str | None
) -> None:
    entity = "sensor.other"
    house.set_state(entity, 12, unit=unit)
    with watching(house, tmp_path, entity) as watched:
        watched.process.wait(60.0)
        assert watched.process.returncode == 1
        assert f"{entity} {'has no unit' if unit is None else 'is in ' + unit}" in watched.stderr
        assert watched.minutes() == {}
    house.remove(entity)


def test_an_energy_sensor_becomes_power(house: RealHomeAssistant, tmp_path: Path) -> None:
    """A template sensor in kWh with device class energy: 10 Wh every 12 s are 3 kW."""
    entity, wh = "sensor.meter_reading", 1000
    house.set_state("sensor.pulses", wh, unit=None)
    with watching(house, tmp_path, entity) as watched:
        watched.until(watched.is_up, "a connection", 20.0)
        began = time.time()
        end_s = time.monotonic() + whole_minutes(2)
        while time.monotonic() < end_s:
            time.sleep(12.0)
            wh += 10
            house.set_state("sensor.pulses", wh, unit=None)
            assert watched.process.poll() is None, watched.stderr
        whole = {at: kw for at, kw in watched.minutes().items() if at > began}
        assert whole, watched.stderr
        for kw in whole.values():
            assert kw == pytest.approx(3.0, rel=0.05)
