"""Tests of the notifications to a service manager, with its real sockets."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streamer.errors import StreamerError
from streamer.readings import Link
from streamer.sinks.servicestatus import ServiceStatus
from streamer.stream.service import MAX_STATUS, Service
from streamer.stream.servicemanager import WATCHDOG, ServiceManager
from streamer.testing import START, ManualClock
from tests.stream.manager import Manager

pytestmark = pytest.mark.skipif(
    not hasattr(socket, "AF_UNIX"), reason="the protocol needs Unix sockets"
)
WATCHDOG_S = 60.0


class Turning:
    """A loop that turns when the test lets it."""

    def __init__(self) -> None:
        self._calls: list[Callable[[], None]] = []

    def call_soon(self, call: Callable[[], None]) -> None:
        self._calls.append(call)

    def turn(self) -> None:
        calls, self._calls = self._calls, []
        for call in calls:
            call()


def at_once(call: Callable[[], None]) -> None:
    """A loop that turns whenever it is asked to."""
    call()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.close()


def _service(
    manager: Manager,
    *loops: Callable[[Callable[[], None]], None],
    clock: ManualClock | None = None,
    watchdog_s: float | None = WATCHDOG_S,
) -> Service:
    service = Service(
        ServiceManager(manager.address, watchdog_s),
        loops,
        clock=clock or ManualClock(frozen=True),
    )
    service.start()
    return service


@pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets are Linux's")
def test_an_abstract_socket_is_notified() -> None:
    manager = Manager(f"@streamer-{secrets.token_hex(8)}")
    sender = ServiceManager.of_process({"NOTIFY_SOCKET": manager.address}, os.getpid())
    assert sender is not None
    assert sender.send(WATCHDOG)
    assert manager.heard() == {"WATCHDOG": "1"}
    sender.close()
    manager.close()


@pytest.mark.parametrize(
    "environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}]
)
def test_without_a_socket_nobody_is_notified(environment: dict[str, str]) -> None:
    assert ServiceManager.of_process(environment, 1) is None


@pytest.mark.parametrize("address", ["/nowhere/notify", "@nobody-listens", "/" + 200 * "x"])
def test_a_socket_that_cannot_be_reached_is_an_error(address: str) -> None:
    with pytest.raises(StreamerError, match=r"^NOTIFY_SOCKET=.*cannot be notified: \w"):
        ServiceManager.of_process({"NOTIFY_SOCKET": address}, 1)


@pytest.mark.parametrize(
    ("environment", "expected_s"),
    [
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "77"}, 30.0),
        ({"WATCHDOG_USEC": "1500000"}, 1.5),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "78"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_that_of_this_process(
    manager: Manager, environment: dict[str, str], expected_s: float | None
) -> None:
    environment["NOTIFY_SOCKET"] = manager.address
    sender = ServiceManager.of_process(environment, 77)
    assert sender is not None
    assert sender.watchdog_s == expected_s
    sender.close()


def test_a_value_cannot_add_a_line(manager: Manager) -> None:
    sender = ServiceManager(manager.address)
    sender.send({"STATUS": "all is well\nMAINPID=1"})
    assert manager.heard() == {"STATUS": "all is well MAINPID=1"}
    sender.close()


def test_a_manager_that_has_gone_is_no_error(manager: Manager) -> None:
    sender = ServiceManager(manager.address)
    manager.close()
    assert not sender.send(WATCHDOG)
    sender.close()


def test_the_service_is_ready_once_each_loop_has_turned(manager: Manager) -> None:
    meter, publishers = Turning(), Turning()
    service = _service(manager, meter.call_soon, publishers.call_soon)
    service.set_status("House", "starting")
    assert manager.heard() == {"STATUS": "starting"}
    meter.turn()
    service.set_status("House", "0.25 kW")
    assert manager.heard() == {"STATUS": "0.25 kW"}
    publishers.turn()
    assert manager.heard() == {"READY": "1"}
    service.close()
    assert manager.heard() == {"STOPPING": "1"}


def test_signs_of_life_come_at_half_of_the_time(manager: Manager) -> None:
    clock = ManualClock(frozen=True)
    service = _service(manager, at_once, clock=clock)
    assert manager.heard() == {"READY": "1"}
    for minute in range(3):
        clock.advance(WATCHDOG_S / 2 - 1.0)
        service.set_status("House", str(minute))  # nothing else is due yet
        assert manager.heard() == {"STATUS": str(minute)}
        clock.advance(1.0)
        assert manager.heard() == {"WATCHDOG": "1"}
    service.close()


def test_a_loop_that_hangs_ends_the_signs_of_life_until_it_turns_again(manager: Manager) -> None:
    clock, meter = ManualClock(frozen=True), Turning()
    asked: list[float] = []

    def publishers(call: Callable[[], None]) -> None:
        asked.append(clock.now())
        call()

    service = _service(manager, meter.call_soon, publishers, clock=clock)
    meter.turn()
    assert manager.heard() == {"READY": "1"}
    for hour in range(3):
        clock.advance(3600.0)
        service.set_status("House", str(hour))
        assert manager.heard() == {"STATUS": str(hour)}
    assert len(asked) <= 2  # it is not asked again before all have answered
    meter.turn()
    assert manager.heard() == {"WATCHDOG": "1"}
    service.close()


def test_without_a_watchdog_there_are_no_signs_of_life(manager: Manager) -> None:
    clock = ManualClock(frozen=True)
    service = _service(manager, at_once, clock=clock, watchdog_s=None)
    assert manager.heard() == {"READY": "1"}
    clock.advance(1e6)
    service.set_status("House", "still here")
    assert manager.heard() == {"STATUS": "still here"}
    service.close()
    assert manager.heard() == {"STOPPING": "1"}


def test_the_status_names_the_meters_if_there_are_several(manager: Manager) -> None:
    service = _service(manager, Turning().call_soon)
    service.set_status("House", "1.25 kW")
    assert manager.heard() == {"STATUS": "1.25 kW"}
    service.set_status("Garage", "0.10 kW")
    assert manager.heard() == {"STATUS": "House: 1.25 kW; Garage: 0.10 kW"}
    service.set_status("Garage", "0.10 kW")  # no news
    service.set_status("House", "x" * 10_000)
    assert len(manager.heard()["STATUS"]) == MAX_STATUS
    service.close()


def test_the_status_of_a_lost_connection() -> None:
    lines: list[str] = []
    status = ServiceStatus(lines.append)
    status.write(Link(Link.UP, "broker"))
    status.write(Link(Link.LOST, "broker", "refused\nby \x1b[1m it", since=START))
    status.write(Link(Link.SILENT, "meter"))
    status.close()
    assert lines == ["broker lost since 17:00: refused by ?[1m it", "meter silent"]
