"""Settings of a publication over MQTT, and their errors."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.commands.publishing import Publishing
from streamer.commands.publishmqtt import VARIABLE
from streamer.commands.tables import Table
from streamer.errors import StreamerError, UsageError
from streamer.feeds.address import Secret
from streamer.publishing.mqtt.settings import read_settings
from streamer.publishing.mqtt.topics import Topics, why_no_prefix


def test_the_defaults() -> None:
    settings = read_settings("mqtt://broker", where="--publish")
    assert settings.name == "mqtt://broker/streamer"
    assert settings.topics.of("house", "state") == "streamer/house/state"
    assert (settings.discovery, settings.per_device) == ("homeassistant", False)
    broker = settings.broker
    assert (broker.host, broker.port, broker.tls, broker.version, broker.qos) == (
        "broker",
        1883,
        None,
        3,
        0,
    )


def test_everything_can_be_given() -> None:
    settings = read_settings(
        "mqtts://me@broker:8884/home/forecast/?discovery=ha&discovery_payload=device&version=5"
        "&qos=1&keepalive=60&client_id=x&insecure=yes",
        Secret("swordfish"),
        where="--publish",
    )
    assert settings.name == "mqtts://broker:8884/home/forecast"
    assert (settings.discovery, settings.per_device) == ("ha", True)
    broker = settings.broker
    assert (broker.version, broker.qos, broker.keepalive_s, broker.client_id) == (5, 1, 60, "x")
    assert broker.credentials.user == "me"
    assert broker.credentials.password == Secret("swordfish")
    assert broker.insecure


def test_the_client_id_is_the_same_at_each_start_and_another_for_another_prefix() -> None:
    ids = [
        read_settings(url, where="--publish").broker.client_id
        for url in ("mqtt://broker", "mqtt://broker/streamer", "mqtt://broker/garage")
    ]
    assert ids == ["streamer-streamer", "streamer-streamer", "streamer-garage"]


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://broker/", "--publish: give the address of an MQTT broker"),
        ("broker", "--publish: give the address of an MQTT broker"),
        ("mqtt:///streamer", "--publish: the host is missing"),
        ("mqtt://me:swordfish@broker:x/", "--publish: its host or port cannot be read"),
        ("mqtt://broker/a/+", "the prefix of the topics is not valid: it has a wildcard"),
        ("mqtt://broker/a//b", "one of its levels is empty"),
        ("mqtt://broker/$SYS/x", r"begins with \$"),
        ("mqtt://broker/?topic=x", "unknown option 'topic'"),
        ("mqtt://broker/?version=4", "option version='4': give 3 or 5"),
        ("mqtt://broker/?cafile=x", "it is for mqtts:// only"),
        ("mqtts://broker/?cafile=/none/such", "option cafile='/none/such'"),
        ("mqtt://broker/?discovery=a%23", "option discovery='a#': it has a wildcard"),
        ("mqtt://broker/?discovery=", "option discovery='': one of its levels is empty"),
        ("mqtt://broker/?discovery_payload=x", "give entity or device"),
        ("mqtt://broker/?discovery=no&discovery_payload=device", "it has no effect"),
        ("mqtt://:swordfish@broker/", "a password is given, but no user"),
    ],
)
def test_a_wrong_address_is_an_error_without_its_password(url: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        read_settings(url, where="--publish")
    assert "swordfish" not in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text())
def test_a_prefix_is_either_refused_or_makes_valid_names(text: str) -> None:
    if why_no_prefix(text):
        return
    topics = Topics(text)
    topic = topics.of("house", "state")
    assert not set("+#\0") & set(topic)
    assert "" not in topic.split("/")
    assert topics.node.isascii()
    assert topics.node.replace("_", "a").isalnum()


@given(st.text())
def test_any_address_is_read_or_refused_in_one_line(text: str) -> None:
    for url in (text, f"mqtt://{text}", f"mqtt://broker/{text}"):
        try:
            found = read_settings(url, where="--publish").name
        except StreamerError as error:
            found = str(error)
        assert found.isprintable()


def _table(**values: object) -> Table:
    return Table("publish", Path("streamer.toml"), values)


def test_without_option_and_table_nothing_is_published() -> None:
    with Publishing().running() as background:
        assert background is None


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"usr": "x"}, r"streamer.toml: \[publish\] usr: unknown key; did you mean url"),
        ({"password": "x"}, r"streamer.toml: \[publish\] url: it is missing"),
        ({"url": "ftp://x"}, r"streamer.toml: \[publish\] url: give the address"),
        ({"url": 1}, r"\[publish\] url: give a non-empty text"),
        (
            {"url": "mqtt://a:swordfish@b", "password": "x"},
            "url: it has a password, and there is one beside it",
        ),
        ({"url": "mqtt://a@b", "password": "x", "password_file": "y"}, "leave one out"),
        ({"url": "mqtt://a@b", "password_file": "/none/such"}, "secret file /none/such"),
    ],
)
def test_a_wrong_table_is_an_error_that_names_file_and_key(
    values: dict[str, object], problem: str
) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        Publishing(tables={"publish": _table(**values)}).check()
    assert "swordfish" not in str(caught.value)


def test_the_option_takes_precedence_and_the_table_gives_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamer.commands.publishmqtt import mqtt_maker

    secret = tmp_path / "password"
    secret.write_text("swordfish\n")
    table = _table(url="mqtt://other", password_file=str(secret))
    publisher = mqtt_maker("mqtt://me@broker/", table)(print)
    assert publisher.name == "mqtt://broker/streamer"
    monkeypatch.setenv(VARIABLE, "")
    mqtt_maker("mqtt://me@broker/", table)
    assert Publishing(tables={"publish": table}).secret_files() == [secret]


def test_the_extra_is_named_if_its_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamer.extras.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"--publish needs an extra: .*\[mqtt\]"):
        Publishing("mqtt://broker").check()
