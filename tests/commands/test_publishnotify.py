"""Tests of the table `[notify]`, and of the command that tries it."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Any

import pytest

from streamer.commands.publishing import Publishing
from streamer.commands.publishnotify import KEYS, notify_maker, read_notify_settings
from streamer.commands.tables import Table
from streamer.errors import UsageError
from streamer.publishing.notify.publisher import Notifier
from streamer.publishing.notify.settings import A_DAY, A_MONTH, SILENT_AFTER_MIN
from tests.commandline import streamer
from tests.publishing.notify.servers import json_server

FILE = Path("streamer.toml")
URLS = ["json://me:swordfish@127.0.0.1", "tgram://swordfish"]


def _table(**values: Any) -> Table:
    return Table("notify", FILE, {"urls": URLS, **values})


def test_the_defaults() -> None:
    found = read_notify_settings(_table())
    assert [address.reveal() for address in found.addresses] == URLS
    assert found.origins == (
        "streamer.toml: [notify] urls, entry 1",
        "streamer.toml: [notify] urls, entry 2",
    )
    assert (found.peak, found.anomaly, found.silent, found.summary) == (True, True, True, time(7))
    limits = found.a_day, found.a_month, found.silent_after_min
    assert limits == (A_DAY, A_MONTH, SILENT_AFTER_MIN)
    assert "swordfish" not in repr(found)


def test_every_key_is_taken() -> None:
    values = {
        "peak": False,
        "anomaly": False,
        "silent": False,
        "summary": "6:30",
        "a_day": 1,
        "a_month": 2,
        "silent_after": 3,
    }
    assert {*values, "urls", "urls_file"} == set(KEYS)
    found = read_notify_settings(_table(**values))
    assert (found.peak, found.anomaly, found.silent, found.summary) == (
        *(False, False, False),
        time(6, 30),
    )
    assert (found.a_day, found.a_month, found.silent_after_min) == (1, 2, 3)
    assert read_notify_settings(_table(summary=False)).summary is None
    assert read_notify_settings(_table(summary=time(5, 15))).summary == time(5, 15)


def test_addresses_in_a_file_are_added(tmp_path: Path) -> None:
    secrets = tmp_path / "urls"
    secrets.write_text("# my phone\n\n  ntfy://swordfish  \nmailto://me:swordfish@example.com\n")
    secrets.chmod(0o600)
    found = read_notify_settings(_table(urls_file=str(secrets)))
    assert [address.reveal() for address in found.addresses] == [
        *URLS,
        "ntfy://swordfish",
        "mailto://me:swordfish@example.com",
    ]
    assert found.origins[2:] == (f"{secrets}, line 3", f"{secrets}, line 4")
    publishing = Publishing(tables={"notify": _table(urls_file=str(secrets))})
    assert publishing.secret_files() == [secrets, FILE]


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"urls": []}, "has no receiver"),
        ({"urls": "ntfy://topic"}, "urls: give a list of texts"),
        ({"urls": [""]}, "urls: give a list of texts"),
        ({"urls": ["json://a"] * 51}, "51 receivers; at most 50"),
        ({"urls_file": "missing"}, "secret file missing: No such file"),
        ({"summary": "25:00"}, 'summary: give a time, like "07:00", or false'),
        ({"summary": True}, "summary: give a time"),
        ({"summary": 7}, "summary: give a time"),
        ({"a_day": 0}, "a_day: give a number from 1 to 24"),
        ({"a_day": 2.5}, "a_day: give a whole number from 1 to 24"),
        ({"a_month": 301}, "a_month: give a number from 1 to 300"),
        ({"silent_after": "ten"}, "silent_after: give a number from 1 to 1440"),
        ({"peak": "yes"}, "peak: give true or false"),
        ({"sumary": "07:00"}, "sumary: unknown key; did you mean summary"),
    ],
)
def test_wrong_values_are_named(values: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as found:
        read_notify_settings(_table(**values))
    assert "swordfish" not in str(found.value)


def test_a_file_of_addresses_without_any_is_an_error(tmp_path: Path) -> None:
    secrets = tmp_path / "urls"
    secrets.write_text("# nothing yet\n")
    with pytest.raises(UsageError, match=r"urls_file: .* has no address; give one a line"):
        read_notify_settings(_table(urls_file=str(secrets)))


def test_the_publisher_is_made_of_the_table_alone() -> None:
    assert not Publishing()._makers()
    (maker,) = Publishing(tables={"notify": _table()})._makers()
    assert isinstance(maker(lambda _: None), Notifier)


def test_without_apprise_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamer.extras.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"\[notify\] needs an extra: pip install .*\[notify\]"):
        notify_maker(_table())


def _config(tmp_path: Path, *addresses: str) -> Path:
    path = tmp_path / "streamer.toml"
    urls = ", ".join(f'"{address}"' for address in addresses)
    path.write_text(f'[watch]\nurl = "stdin:?unit=W"\n[notify]\nurls = [{urls}]\n')
    path.chmod(0o600)
    return path


def test_a_test_message_is_sent_to_all_and_failures_are_named(tmp_path: Path) -> None:
    with json_server() as server, json_server() as other:
        config = _config(tmp_path, server.address, other.address)
        done = streamer("notify", "--config", config)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "json (receiver 1): sent\njson (receiver 2): sent\n"
        assert server.titles == other.titles == ["streamer: test"]
        other.status = 403
        done = streamer("notify", "--config", config)
    assert done.returncode == 1
    assert done.stdout.splitlines()[1] == "json (receiver 2): it answers with HTTP 403"
    assert done.stderr == (
        "streamer: error: not sent to json (receiver 2); check address and network\n"
    )
    assert len(server.taken) == 2


def test_without_the_table_there_is_nothing_to_try(tmp_path: Path) -> None:
    config = tmp_path / "streamer.toml"
    config.write_text("[watch]\n")
    done = streamer("notify", "--config", config)
    assert done.returncode == 2
    assert "the configuration has no table [notify]" in done.stderr


def test_a_wrong_address_is_an_error_of_check_and_of_watch(tmp_path: Path) -> None:
    config = _config(tmp_path, "json://127.0.0.1", "tgram://swordfish")
    for command in (("config", "--check"), ("watch", "-q"), ("notify",)):
        done = streamer(*command, "--config", config)
        assert done.returncode == 2
        assert done.stderr == (
            f"streamer: error: {config}: [notify] urls, entry 2: tgram://… is not a complete "
            "address of a service that apprise knows; its documentation lists them\n"
        )
    done = streamer("config", "--check", "--config", _config(tmp_path, "json://127.0.0.1"))
    assert (done.returncode, done.stderr) == (0, "")
