"""Tests with apprise's own services, against a web server and a mail server on loopback."""

from __future__ import annotations

import socket
import sys

import pytest

from streamer.errors import MissingExtraError, UsageError
from streamer.feeds.address import Secret
from streamer.publishing.notify.queue import Queue
from streamer.publishing.notify.receivers import Receiver, open_receivers
from streamer.recording.notifications import Notification
from tests.publishing.notify.conftest import settings
from tests.publishing.notify.servers import json_server, mail_server

NOW = 1_772_000_000


def _open(*addresses: str) -> list[Receiver]:
    return open_receivers(
        settings(
            addresses=tuple(map(Secret, addresses)),
            origins=tuple(f"urls, entry {place}" for place, _ in enumerate(addresses, 1)),
        )
    )


def _notification(key: str = "a", kind: str = "anomaly", at: int = NOW) -> Notification:
    text = "At 12:00: 2.5 kW where 0.2 to 0.6 was expected <b> & so on.\nSecond line: ü."
    return Notification(f"house:{key}", kind, at, at + 86_400, f"House: {key}", text)


@pytest.mark.parametrize(
    ("kind", "type_"),
    [
        ("peak", "warning"),
        ("anomaly", "warning"),
        ("silent", "failure"),
        ("back", "success"),
        ("summary", "info"),
    ],
)
def test_a_web_server_gets_title_text_and_type(kind: str, type_: str) -> None:
    with json_server() as server:
        (receiver,) = _open(server.address)
        assert receiver.name == "json (receiver 1)"
        message = _notification(kind=kind)
        assert receiver.send(message) is None
    (taken,) = server.taken
    assert (taken["title"], taken["message"], taken["type"]) == (message.title, message.text, type_)


def test_a_mail_has_subject_and_lines_as_they_are() -> None:
    with mail_server() as (port, mails):
        (receiver,) = _open(f"mailto://127.0.0.1:{port}?from=house@example.com&to=me@example.com")
        assert receiver.send(_notification("Prüfung")) is None
    (mail,) = mails
    assert mail["subject"] == "House: Prüfung"
    assert mail["to"] == "me@example.com"
    text = mail.get_body(("html", "plain")).get_content()  # type: ignore[attr-defined]
    assert "0.6 was expected &lt;b&gt; &amp; so on." in text or "expected <b> & so on." in text
    assert "Second line: ü." in text


def test_reasons_of_failures_have_no_secrets() -> None:
    with json_server() as server:
        (receiver,) = _open(server.address)
        server.status = 401
        assert receiver.send(_notification()) == "it answers with HTTP 401"
        server.status = 503
        assert receiver.send(_notification()) == "it answers with HTTP 503"
        server.stop()
        assert receiver.send(_notification()) == "it does not answer, or refuses"
    assert not server.taken


def test_a_mail_server_that_is_dead_is_a_failure() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        (receiver,) = _open(f"mailto://127.0.0.1:{port}?from=a@example.com&to=b@example.com")
        assert receiver.send(_notification()) == "it does not answer, or refuses"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("tgram://swordfish", "tgram://…"),
        ("nonsense://me:swordfish@host", "nonsense://…"),
        ("swordfish", "it"),
        ("json://", "json://…"),
        ("", "it"),
        ("://swordfish", "it"),
    ],
)
def test_a_wrong_address_is_an_error_without_its_secrets(
    address: str, shown: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError) as found:
        _open("json://127.0.0.1", address)
    assert str(found.value) == (
        f"urls, entry 2: {shown} is not a complete address of a service that apprise knows; "
        "its documentation lists them"
    )
    assert capfd.readouterr() == ("", "")


def test_the_same_address_twice_is_one_receiver() -> None:
    assert len(_open("json://127.0.0.1", "json://127.0.0.1", "json://127.0.0.2")) == 2


def test_the_digest_of_an_address_has_nothing_of_it() -> None:
    (receiver,) = _open("json://user:swordfish@127.0.0.1")
    assert len(receiver.id) == 8
    assert int(receiver.id, 16) >= 0


def test_without_apprise_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(MissingExtraError, match=r"\[notify\] needs an extra: pip install"):
        _open("json://127.0.0.1")


def test_a_receiver_that_is_dead_for_an_hour_gets_each_once_and_in_order() -> None:
    """Two real servers on a simulated clock; one of them is down for an hour."""
    with json_server() as well, json_server() as other:
        receivers = _open(well.address, other.address)
        queue = Queue([receiver.id for receiver in receivers])
        made = {0: "anomaly", 20: "silent", 40: "peak", 50: "back", 90: "summary"}
        for minute in range(120):
            now = NOW + 60 * minute
            if minute == 10:
                other.stop()
            if minute == 70:
                other.start()
            if minute in made:
                useful_s = 600 if made[minute] == "peak" else 86_400
                found = _notification(f"{minute}", made[minute], now)
                queue.add(
                    Notification(
                        found.key, found.kind, now, now + useful_s, found.title, found.text
                    )
                )
            for receiver in receivers:
                while (message := queue.next(receiver.id, now)) is not None:
                    if receiver.send(message) is None:
                        queue.delivered(message.key, receiver.id, now)
                    else:
                        queue.failed(message.key, receiver.id, now)
    assert well.titles == [f"House: {minute}" for minute in made]
    # The peak alarm was of no use any longer.
    assert other.titles == ["House: 0", "House: 20", "House: 50", "House: 90"]
    states = {each.key: each.state for each in queue.take_changed()}
    assert states.pop("house:40") == Notification.EXPIRED
    assert set(states.values()) == {Notification.SENT}
