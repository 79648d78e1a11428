from __future__ import annotations

import gzip
import http.client
import io
import json
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamer.errors import LinkError, RefusedError, UsageError
from streamer.feeds import FeedItem, Pace
from streamer.feeds.address import Address, Credentials, Secret
from streamer.feeds.registry import open_feed
from streamer.readings import CounterSample, Link, Notice, Sample
from streamer.sinks.notes import NoteSink
from streamer.sinks.summary import Summary
from streamer.testing import check_source
from streamer.web import server
from streamer.web.server import Limits
from tests.feeds.broker import free_port

TOKEN = "swordfish"  # noqa: S105 - of nothing
INFLUX = "house,host=cellar power_w=250"


class _Listening:
    """A feed read by a thread, and the items that it has returned."""

    def __init__(self, options: str = "unit=W", token: str | None = None) -> None:
        credentials = Credentials(token=None if token is None else Secret(token))
        self.feed = open_feed(Address.parse(f"push://127.0.0.1:0?{options}", credentials))
        self.items: list[FeedItem] = list(self.feed.read())
        link = self.items[0]
        assert isinstance(link, Link)
        self.url = link.text.removeprefix("listening on ")
        self.port = int(self.url.split(":")[2].split("/")[0])
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while items := self.feed.read():
            self.items += items

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def post(
        self, body: str | bytes, path: str = "/reading", **headers: str
    ) -> tuple[int, dict[str, Any]]:
        return self.ask("POST", path, body, **headers)

    def ask(
        self, method: str, path: str, body: str | bytes = b"", **headers: str
    ) -> tuple[int, dict[str, Any]]:
        with closing(self.connect()) as connection:
            return _ask(connection, method, path, body, **headers)

    def samples(self, count: int) -> list[Sample]:
        """Wait until there are `count` samples, and return them all."""
        return self._wait_for(Sample, count)

    def counters(self, count: int) -> list[CounterSample]:
        return self._wait_for(CounterSample, count)

    def notices(self, count: int) -> list[Notice]:
        return self._wait_for(Notice, count)

    def _wait_for(self, kind: type, count: int) -> list[Any]:
        deadline = time.monotonic() + 10
        while True:
            found = [item for item in self.items if isinstance(item, kind)]
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, self.items
            time.sleep(0.002)

    def close(self) -> None:
        self.feed.close()
        self._reader.join(5)
        assert not self._reader.is_alive()


def _ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: str | bytes = b"",
    **headers: str,
) -> tuple[int, dict[str, Any]]:
    data = body.encode() if isinstance(body, str) else body
    connection.request(
        method, path, data, {name.replace("_", "-"): value for name, value in headers.items()}
    )
    response = connection.getresponse()
    text = response.read()
    return response.status, json.loads(text) if text else {}


@pytest.fixture
def listen() -> Iterator[Callable[..., _Listening]]:
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(closing(_Listening(*arguments)))


@pytest.fixture(scope="module")
def listening() -> Iterator[_Listening]:
    with closing(_Listening()) as server:
        yield server


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/reading", '{"power_w": 250}', {"Content_Type": "application/json"}),
        ("/reading", '{"power_kw": 0.25}', {}),
        ("/reading", '{"value": 0.25, "unit": "kW"}', {"Content_Type": "text/plain"}),
        ("/reading", '\ufeff[{"value": 250}]', {"Content_Type": "application/json"}),
        ("/reading", "250", {"Content_Type": "application/x-www-form-urlencoded"}),
        ("/reading", INFLUX, {"Content_Type": "text/plain"}),
        ("/reading", gzip.compress(INFLUX.encode(), mtime=0), {"Content_Encoding": "gzip"}),
        ("/write?db=x", INFLUX, {}),
        ("/api/v2/write?org=x&bucket=y", f"{INFLUX}\n", {}),
    ],
)
def test_records_of_each_format_are_accepted(
    listening: _Listening, path: str, body: str | bytes, headers: dict[str, str]
) -> None:
    before = len(listening.samples(0))
    assert listening.post(body, path, **headers) == (204, {})
    assert listening.samples(before + 1)[before:] == [Sample(0.25)]


@pytest.mark.parametrize(
    ("precision", "stamp"),
    [("", "1774745940000000000"), ("s", "1774745940"), ("ms", "1774745940000"), ("m", "29579099")],
)
def test_times_of_each_precision_are_accepted(
    listening: _Listening, precision: str, stamp: str
) -> None:
    before = len(listening.samples(0))
    query = f"?precision={precision}" if precision else ""
    assert listening.post(f"{INFLUX} {stamp}", f"/write{query}") == (204, {})
    json_body = '[{"power_w": 250, "time": "2026-03-29T01:59:00+01:00"}]'
    assert listening.post(json_body) == (204, {})
    one, other = listening.samples(before + 2)[before:]
    assert one == other
    assert one.at is not None


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "error"),
    [
        ("POST", "/reading", "", {}, 400, "the body is empty"),
        ("POST", "/reading", "on", {}, 400, "'on' is not a number"),
        ("POST", "/reading", '{"value": 1, "unit": "A"}', {}, 400, "the unit is 'A', not a unit"),
        ("POST", "/reading", '{"watts": 1}', {}, 400, "power_kw, power_w"),
        ("POST", "/reading", '[{"value": "x"}, {}]', {}, 400, "record 1: 'x' is not a number"),
        ("POST", "/reading", "250", {"Content_Type": "application/json"}, 400, "not a JSON object"),
        ("POST", "/reading", "[" * 100_000, {}, 400, "not JSON"),
        ("POST", "/reading", "[" + "1," * 20_000 + "1]", {}, 400, "send at most 10000"),
        ("POST", "/reading", b"\xff", {}, 400, "not text in UTF-8"),
        ("POST", "/reading", b"plain", {"Content_Encoding": "gzip"}, 400, "encoding of the body"),
        ("POST", "/write", "250", {}, 400, "a space and fields are missing"),
        ("POST", "/write?precision=d", INFLUX, {}, 400, "unknown precision 'd'; give one of ns"),
        ("POST", "/reading", b" " * 1_100_000, {}, 413, "at most 1 MiB"),
        ("POST", "/reading", gzip.compress(b" " * 50_000_000, mtime=0),
         {"Content_Encoding": "gzip"}, 413, "at most 1 MiB"),
        ("POST", "/reading", "250", {"Origin": "http://elsewhere.example"}, 403, "web pages"),
        ("GET", "/reading", "", {}, 405, "use POST"),
        ("POST", "/", "250", {}, 405, "use GET"),
        ("POST", "/else", "250", {}, 404, "'/else' does not exist; POST to /reading"),
        ("POST", "/%1b%5b2J", "250", {}, 404, r"'/\x1b[2J' does not exist"),
    ],
)  # fmt: skip
def test_wrong_requests_are_refused_with_the_reason(
    listening: _Listening,
    method: str,
    path: str,
    body: str | bytes,
    headers: dict[str, str],
    status: int,
    error: str,
) -> None:
    samples, notices = len(listening.samples(0)), len(listening.notices(0))
    answer = listening.ask(method, path, body, **headers)
    assert answer[0] == status
    assert error in answer[1]["error"]
    notice = listening.notices(notices + 1)[notices]
    assert notice.kind == (Notice.MALFORMED if status == 400 else Notice.REFUSED)
    assert bool(notice.reason) == (status != 400)
    assert error in notice.text
    assert notice.text.isprintable()
    assert listening.post("250") == (204, {})
    assert len(listening.samples(samples + 1)) == samples + 1


def test_the_status_counts_samples_and_refusals(listen: Callable[..., _Listening]) -> None:
    server = listen()
    server.post("1\n2")
    server.post("on")
    for path in ("/", "/health", "/ping"):
        assert server.ask("GET", path) == (200, {"status": "pass", "samples": 2, "refused": 1})


def test_a_token_is_required(listen: Callable[..., _Listening]) -> None:
    server = listen("unit=W", TOKEN)
    expected = "the token is wrong or missing; send Authorization: Bearer TOKEN"
    for header in (None, TOKEN, "Bearer", "Bearer swordfis", "Basic swordfish", "Bearer sw\xf6rd"):
        headers = {} if header is None else {"Authorization": header}
        status, answer = server.post("250", **headers)
        assert (status, answer["error"]) == (401, expected)
    for scheme in ("Bearer", "Token", "bearer"):
        assert server.post("250", Authorization=f"{scheme} {TOKEN}")[0] == 204
    # A web page that knows the token is accepted.
    assert server.post("250", Authorization=f"Bearer {TOKEN}", Origin="http://here")[0] == 204
    assert len(server.samples(4)) == 4
    assert len(server.notices(6)) == 6
    assert TOKEN not in repr(server.items)
    assert TOKEN not in server.feed.name


def test_the_token_can_be_in_a_file(listen: Callable[..., _Listening], tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    server = listen(f"unit=W&token_file={tmp_path / 'token'}")
    assert server.post("250")[0] == 401
    assert server.post("250", Authorization=f"Token {TOKEN}")[0] == 204


def test_a_record_without_a_unit_is_refused(listen: Callable[..., _Listening]) -> None:
    server = listen("")
    status, answer = server.post('{"value": 250}')
    assert status == 400
    assert "the unit is missing" in answer["error"]
    assert server.post('{"power_w": 250}')[0] == 204


def test_a_batch_with_other_points_is_taken(listen: Callable[..., _Listening]) -> None:
    server = listen("unit=W&field=power")
    batch = "cpu,host=a usage=3.2 1795908000\nmeter,host=a power=251 1795908000\n"
    assert server.post(batch, "/write?precision=s") == (204, {})
    assert [sample.kw for sample in server.samples(1)] == [0.251]
    assert server.post("cpu,host=a usage=3.2", "/write") == (204, {})
    assert server.post('meter power="x"', "/write")[0] == 400
    assert len(server.samples(1)) == 1
    assert len(server.notices(1)) == 1


def test_malformed_records_of_a_batch_are_counted(listen: Callable[..., _Listening]) -> None:
    server = listen("unit=W")
    body = '[{"value": "x"}, {"value": 250}, {}, {"value": "unavailable"}]'
    assert server.post(body) == (204, {})
    known, unknown = server.samples(2)
    assert known == Sample(0.25)
    assert math.isnan(unknown.kw)
    (notice,) = server.notices(1)
    assert notice.count == 2
    assert "record 1: 'x' is not a number" in notice.text


@pytest.mark.parametrize(
    "body", ['{"value":"unavailable"}', '{"value":"None"}', '{"value":null}', "nan", '{"value":""}']
)
def test_an_unknown_value_is_taken_as_such(listening: _Listening, body: str) -> None:
    before = len(listening.samples(0))
    assert listening.post(body) == (204, {})
    assert math.isnan(listening.samples(before + 1)[before].kw)


def test_energy_registers_are_taken(listen: Callable[..., _Listening]) -> None:
    server = listen("unit=kWh&every=60")
    assert server.feed.pace == Pace(every_s=60.0)
    assert server.post('{"value": 1000.01}') == (204, {})
    assert server.counters(1) == [CounterSample(1000.01)]


def test_a_connection_serves_many_requests(listening: _Listening) -> None:
    with closing(listening.connect()) as connection:
        for body, status in (("250", 204), ("on", 400), ("250", 204)):
            assert _ask(connection, "POST", "/reading", body)[0] == status


@pytest.fixture
def limited(
    listen: Callable[..., _Listening], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., _Listening]:
    """Listen with other limits."""

    def begin(**limits: float) -> _Listening:
        monkeypatch.setattr(server, "Limits", lambda: Limits(**limits))  # type: ignore[arg-type]
        return listen()

    return begin


Limited = Callable[..., _Listening]


def _open(stack: ExitStack, server: _Listening, data: bytes = b"") -> socket.socket:
    connection = stack.enter_context(
        socket.create_connection(("127.0.0.1", server.port), timeout=10)
    )
    connection.sendall(data)
    return connection


def _is_closed(connection: socket.socket) -> bool:
    """Wait for the end of a connection, of whose bytes the server may have left some unread."""
    try:
        return not connection.recv(1000)
    except ConnectionResetError:
        return True


HEAD = b"POST /reading HTTP/1.1\r\nHost: localhost\r\n"
HALF = HEAD + b"Content-Length: 999\r\n\r\n25"


def test_incomplete_requests_time_out(limited: Limited) -> None:
    # Complete requests have the same time limit.
    server = limited(request_s=0.5)
    with ExitStack() as stack:
        silent = _open(stack, server)
        headless, bodiless = _open(stack, server, HEAD), _open(stack, server, HALF)
        assert server.post("250") == (204, {})
        assert b" 408 " in bodiless.recv(1000)
        assert b" 408 " in headless.recv(1000)
        assert not headless.recv(1000)  # closed
        assert not silent.recv(1000)
    assert server.post("250") == (204, {})
    # A silent connection is not a request.
    assert [notice.reason for notice in server.notices(2)] == ["too slow"] * 2


@pytest.mark.parametrize("begun", [HEAD, HALF], ids=["header lines", "body"])
@pytest.mark.parametrize("first", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_bytes_now_and_then_do_not_extend_the_time(
    limited: Limited, begun: bytes, first: bytes
) -> None:
    server = limited(request_s=0.4)
    with ExitStack() as stack:
        connection = _open(stack, server, first)
        if first:
            assert b" 200 " in connection.recv(1000)
        connection.sendall(begun)
        connection.settimeout(0.02)
        started = time.monotonic()
        answer = b""
        while b" 408 " not in answer:
            # On a busy machine; if the bytes did extend it, for ever.
            assert time.monotonic() - started < 60
            with suppress(TimeoutError):
                answer += connection.recv(1000)
            if not answer:
                connection.sendall(b"X-Y: z\r\n" if begun is HEAD else b"0")


def test_an_idle_connection_stays(limited: Limited) -> None:
    server = limited(request_s=0.2)
    with closing(server.connect()) as connection:
        assert _ask(connection, "POST", "/reading", "250")[0] == 204
        time.sleep(0.4)
        assert _ask(connection, "POST", "/reading", "250")[0] == 204


def test_closing_does_not_wait_for_an_incomplete_request() -> None:
    server = _Listening()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as half:
        half.sendall(HALF)
        assert server.post("250") == (204, {})
        started = time.monotonic()
        server.close()
        assert time.monotonic() - started < 2
        assert not half.recv(1000)


@pytest.mark.parametrize("begun", [b"", HEAD, HALF], ids=["silent", "header", "body"])
@pytest.mark.parametrize(
    "limits", [{"per_peer": 3}, {"connections": 3}], ids=["of a peer", "in all"]
)
def test_connections_that_are_held_lock_nobody_out(
    limited: Limited, limits: dict[str, int], begun: bytes
) -> None:
    server = limited(**limits)
    with ExitStack() as stack:
        held = [_open(stack, server, begun) for _ in range(3)]
        sender = stack.enter_context(closing(server.connect()))
        assert _ask(sender, "POST", "/reading", "250") == (204, {})
        assert _is_closed(held[0])  # the oldest gave way
        later = [_open(stack, server, begun) for _ in range(20)]
        # A sender whose readings are accepted keeps its connection.
        assert _ask(sender, "POST", "/reading", "250") == (204, {})
        assert server.post("250") == (204, {})
        assert _is_closed(later[0])
    notices = server.notices(20)
    assert {notice.reason for notice in notices} == {"too many connections"}
    assert "127.0.0.1 holds a connection that others need" in notices[0].text


def test_sixty_four_silent_connections_lock_nobody_out(listen: Callable[..., _Listening]) -> None:
    server = listen()
    with ExitStack() as stack:
        for _ in range(64):
            _open(stack, server)
        assert server.post("250") == (204, {})


@pytest.mark.parametrize(
    ("host", "accepted"),
    [
        ("127.0.0.1:8088", True),
        ("[::1]:8088", True),
        ("192.168.1.5", True),
        ("LocalHost", True),
        ("meter.localhost:80", True),
        (socket.gethostname(), True),
        (f"{socket.gethostname().partition('.')[0]}.local.", True),
        ("proxy.example:443", True),
        ("Other.Example", True),
        ("", True),  # no browser leaves it out
        ("rebound.example", False),
        (f"{socket.gethostname()}.example", False),
        ("127.0.0.1.example", False),
        ("localhost.example", False),
        ("[::1", False),
        ("a b", False),
    ],
)
def test_the_host_must_be_a_name_of_this_machine(
    listen: Callable[..., _Listening], host: str, accepted: bool
) -> None:
    server = listen("unit=W&hosts=proxy.example, other.example")
    for method, path, good in (("POST", "/reading", 204), ("GET", "/", 200)):
        status, answer = server.ask(method, path, "250", Host=host)
        if accepted:
            assert status == good
            continue
        assert status == 421
        assert answer["error"].endswith(
            "is not a name of this machine; send to its IP address, or add the name to hosts= in "
            "streamer's address"
        )
    assert {notice.reason for notice in server.notices(0 if accepted else 2)} == (
        set() if accepted else {"unknown host name"}
    )


@pytest.mark.parametrize(
    ("site", "status"),
    [("cross-site", 403), ("same-site", 403), ("?", 403), ("same-origin", 204), ("none", 204)],
)
@pytest.mark.parametrize("token", [None, TOKEN])
def test_pages_of_other_sites_are_refused_without_an_origin(
    listen: Callable[..., _Listening], site: str, status: int, token: str | None
) -> None:
    server = listen("unit=W", token)
    headers = {"Sec_Fetch_Site": site} | (
        {} if token is None else {"Authorization": f"Token {token}"}
    )
    assert server.post("250", **headers)[0] == status
    assert server.ask("GET", "/", **headers)[0] == 200  # a link to the state is harmless


def test_the_summary_counts_refusals_by_reason(listen: Callable[..., _Listening]) -> None:
    server = listen()
    for _ in range(3):
        server.post("250", Host="rebound.example")
    server.post("250", Origin="http://page.example")
    server.post("on")
    summary, notes = Summary(), NoteSink(err := io.StringIO())
    for notice in server.notices(5):
        summary.write(notice)
        notes.write(notice)
    assert summary.lines() == [
        "no readings",
        "skipped: 1 malformed row",
        "refused: 4 requests (3 unknown host name, 1 from a web page)",
    ]
    # The first one of each reason is shown.
    assert err.getvalue().count("streamer: refused: ") == 2


def test_bytes_that_are_not_http_are_rejected_silently(
    listening: _Listening, capfd: pytest.CaptureFixture[str]
) -> None:
    for garbage in (b"\x16\x03\x01\x02\0\x01\0", b"hello\r\n\r\n", b"GET / HTTP/9\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", listening.port), timeout=10) as connection:
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(1000)[:12] in (b"", b"HTTP/1.0 400", b"HTTP/1.1 400")
    assert listening.post("250") == (204, {})
    assert capfd.readouterr().err == ""
    assert listening.notices(1)[-1].reason == "not HTTP"


@given(st.binary(max_size=100) | st.text(max_size=100).map(str.encode))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_body_is_answered_with_204_or_400(listening: _Listening, body: bytes) -> None:
    assert listening.post(body)[0] in (204, 400)


def test_conforms_to_the_feed_protocol_and_releases_the_port() -> None:
    port = free_port()
    for _ in range(2):
        feed = open_feed(Address.parse(f"push://:{port}?unit=W"))
        assert feed.name == f"push://127.0.0.1:{port}"
        (link,) = feed.read()
        assert link == Link(Link.UP, "sender", f"listening on http://127.0.0.1:{port}/reading")
        sender = threading.Thread(target=_send, args=(port,))
        sender.start()
        assert check_source(feed, samples=1) == [Sample(0.25)]
        sender.join(30)
        assert not sender.is_alive()


def _send(port: int) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        assert _ask(connection, "POST", "/reading", "250")[0] == 204


def test_a_port_in_use_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        feed = open_feed(Address.parse(f"push://localhost:{port}?unit=W"))
        with pytest.raises(
            RefusedError, match=f"cannot listen on .*:{port}: the port is in use by another program"
        ):
            feed.read()
    assert isinstance(feed.read()[0], Link)
    feed.close()


def test_listens_on_an_ipv6_address() -> None:
    feed = open_feed(Address.parse("push://[::1]:0?unit=W"))
    try:
        (link,) = feed.read()
    except LinkError as error:
        pytest.skip(f"no IPv6 here: {error}")
    finally:
        feed.close()
    assert isinstance(link, Link)
    assert link.text.startswith("listening on http://[::1]:")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "[::]", "house.example"])  # noqa: S104
def test_other_hosts_require_a_token(host: str) -> None:
    with pytest.raises(UsageError, match="give a token"):
        open_feed(Address.parse(f"push://{host}:8088?unit=W"))
    credentials = Credentials(token=Secret(TOKEN))
    open_feed(Address.parse(f"push://{host}:8088?unit=W", credentials)).close()


def test_another_path_is_a_usage_error() -> None:
    open_feed(Address.parse("push://127.0.0.1/reading?unit=W")).close()
    with pytest.raises(UsageError, match="the path is always /reading"):
        open_feed(Address.parse("push://127.0.0.1/write?unit=W"))
