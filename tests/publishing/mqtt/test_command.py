"""The command `watch` publishing over MQTT, in a process of its own, and its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.children import ending
from tests.commandline import streamer
from tests.feeds.broker import MISSING, running
from tests.publishing.mqtt.listener import Listener, listening

_MINUTES = 55

broker_installed = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


@contextmanager
def watching(
    folder: Path, *options: str, within_s: float = 90.0
) -> Iterator[subprocess.Popen[bytes]]:
    """A watch of a log, that keeps waiting for more."""
    log = folder / "meter.log"
    if not log.exists():
        log.write_text("")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("STREAMER_")}
    command = [sys.executable, "-m", "streamer", "watch", *options, "--format", "json"]
    url = f"tail:{log}?unit=kW"
    with (folder / "errors.txt").open("w") as errors:
        child = subprocess.Popen(
            [*command, url, "--clock", "feed"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**environment, "XDG_CONFIG_HOME": str(folder)},
        )
    with ending(child, within_s=within_s):
        yield child
        child.kill()


def write_minutes(folder: Path, count: int) -> list[str]:
    """Append samples of the last minutes up to now; returns the minutes that they complete."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    at = [now - timedelta(minutes=count - each) for each in range(count + 1)]
    with (folder / "meter.log").open("a") as log:
        for each in at:
            log.write(json.dumps({"time": each.isoformat(), "power": 0.3}) + "\n")
    return [each.isoformat() for each in at[:-1]]


def is_connected(heard: Listener) -> bool:
    """Whether the log is read, so that what is written from now on arrives."""
    found = heard.of("streamer/house/link")
    return bool(found) and found[-1].json["connected"] == "ON"


def _minutes(listener: Listener) -> list[str]:
    return [each.json["at"] for each in listener.of("streamer/house/minute")]


@pytest.mark.mosquitto
@broker_installed
def test_a_kill_is_followed_by_the_last_will(tmp_path: Path) -> None:
    with (
        running(tmp_path) as broker,
        listening(broker.port) as heard,
        watching(tmp_path, "--publish", f"mqtt://localhost:{broker.port}") as child,
    ):
        heard.until(lambda: is_connected(heard), 60.0)
        written = write_minutes(tmp_path, _MINUTES)
        heard.until(lambda: len(_minutes(heard)) >= _MINUTES - 1, 60.0)
        heard.until(lambda: heard.last("streamer/house/status") == "online")
        assert _minutes(heard) == written[: len(_minutes(heard))]
        entities = heard.of("streamer/house/entities")[-1].json
        assert entities["next"] is not None
        child.send_signal(signal.SIGKILL)
        killed_s = time.monotonic()
        heard.until(lambda: heard.last("streamer/status") == "offline")
        assert heard.of("streamer/status")[-1].at_s - killed_s < 5.0


def test_a_wrong_address_is_one_line_and_no_traceback() -> None:
    done = streamer("watch", "stdin:?unit=W", "--publish", "mqtt://me:swordfish@broker/+")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "swordfish" not in done.stderr


def test_the_configuration_is_checked_and_shown_without_secrets(tmp_path: Path) -> None:
    file = tmp_path / "streamer.toml"
    file.write_text('[watch]\nurl = "stdin:?unit=W"\npublish = "mqtt://me:swordfish@broker/home"\n')
    file.chmod(0o600)
    done = streamer("config", "--check", "--config", file)
    assert done.returncode == 0, done.stderr
    done = streamer("config", "--config", file)
    assert "mqtt://broker/home" in done.stdout.replace("\n", "")
    assert "swordfish" not in done.stdout
    file.write_text('[watch]\nurl = "stdin:?unit=W"\n[publish]\nurl = "mqtt://broker/?qos=2"\n')
    done = streamer("config", "--check", "--config", file)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "option qos='2': give 0 or 1" in done.stderr


def test_a_readable_file_with_the_password_is_warned_of(tmp_path: Path) -> None:
    file = tmp_path / "streamer.toml"
    file.write_text(
        '[watch]\nurl = "stdin:?unit=W"\n[publish]\nurl = "mqtt://me@broker"\npassword = "x"\n'
    )
    file.chmod(0o644)
    done = streamer("config", "--check", "--config", file)
    assert done.returncode == 0
    assert "other users may read it" in done.stderr
