"""Tests of the settings of the HTTP server: host and port, table, token."""

from __future__ import annotations

import socket
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.commands.publishing import Publishing
from streamer.commands.serving import TOKEN_VARIABLE, parse_listen, web_server
from streamer.commands.tables import Table
from streamer.errors import ConfigError, UsageError
from streamer.sample import sample_path
from tests.cli.running import run
from tests.feeds.broker import free_port

FILE = Path("streamer.toml")
TOKEN = "swordfish"  # noqa: S105 - of nothing


def _table(**values: Any) -> Table:
    return Table("serve", FILE, values)


@pytest.mark.parametrize(
    "text",
    ["", "8090", ":8090", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "::1:8090",
     "[::1]", "[]:8090", "http://127.0.0.1:8090", "a b:8090", "127.0.0.1:\u0668\u0660", "h:80\n"],
)  # fmt: skip
def test_what_is_not_a_host_and_a_port_is_an_error_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"write it like 127.0.0.1:8090 or \[::1\]:8090"):
        parse_listen(text)
    with pytest.raises(UsageError, match=r"--serve '.*' is not a host and a port"):
        web_server(text, _table(), {})
    if text:
        with pytest.raises(ConfigError, match=r"streamer.toml: \[serve\] listen: '"):
            web_server(None, _table(listen=text), {})


@given(st.text(string.ascii_letters + string.digits + "-.", min_size=1), st.integers(1, 65_535))
def test_hosts_and_addresses_of_version_6_are_read(name: str, port: int) -> None:
    assert parse_listen(f"{name}:{port}") == (name, port)
    assert parse_listen(f"[fe80::1%eth0]:{port}") == ("fe80::1%eth0", port)


def test_nothing_is_served_unless_it_is_asked_for() -> None:
    assert web_server(None, Table("serve"), {}) is None
    with Publishing().running() as background:
        assert background is None


def test_the_option_takes_precedence_over_the_table() -> None:
    table = _table(listen="127.0.0.1:1", token=TOKEN)
    make = web_server("[::1]:8090", table, {})
    assert make is not None
    assert make(lambda notice: None).name == "http://[::1]:8090"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "nas", "[::]"])  # noqa: S104
def test_others_may_look_with_a_token_only(host: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("swordfish\n")
    listen = f"{host}:8090"
    with pytest.raises(UsageError, match=r"--serve: anyone who can reach .* could look"):
        web_server(listen, _table(), {TOKEN_VARIABLE: ""})
    with pytest.raises(ConfigError, match=r"\[serve\] listen: anyone who can reach .* could look"):
        web_server(None, _table(listen=listen), {})
    assert web_server(listen, _table(), {TOKEN_VARIABLE: TOKEN})
    assert web_server(listen, _table(token=TOKEN), {})
    assert web_server(listen, _table(token_file=str(file)), {})
    assert Publishing(serve=listen, tables={"serve": _table(token_file=str(file))}).secret_files()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"lsten": "127.0.0.1:8090"}, "lsten: unknown key; did you mean listen"),
        ({"token": "swordfish"}, "listen: give host and port"),
        ({"listen": 8090}, "listen: give a non-empty text"),
        ({"listen": "127.0.0.1:8090", "hosts": "nas"}, "hosts: give a list of texts"),
        ({"listen": "127.0.0.1:8090", "token": "a", "token_file": "b"}, "token_file is given, too"),
        ({"listen": "0.0.0.0:80", "trusted": ["nginx"]}, "'nginx' does not appear to be an IPv4"),
    ],
)
def test_errors_name_file_table_and_key(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as error:
        web_server(None, _table(**values), {})
    assert str(error.value).startswith("streamer.toml: [serve] ")
    assert words in str(error.value)
    assert TOKEN not in str(error.value)


def test_a_port_in_use_is_one_line_before_anything_is_read() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = run("replay", "--serve", where, "--quiet")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        f"streamer: error: cannot listen on http://{where}: the port is in use by another "
        "program; choose another\n"
    )


def test_a_replay_is_served_and_its_lines_are_the_same() -> None:
    plain = run("replay", "--limit", "60", "--format", "json")
    served = run("replay", "--limit", "60", "--format", "json", "--serve", f"[::1]:{free_port()}")
    assert served.code == plain.code == 0
    assert served.out == plain.out


@pytest.mark.parametrize("command", ["watch", "replay"])
def test_a_wrong_address_is_a_wrong_usage(command: str) -> None:
    ended = run(command, "stdin:" if command == "watch" else sample_path(), "--serve", "8090")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("streamer: error: --serve '8090' is not a host and a port; write")
    assert ended.err.count("\n") == 1


def test_with_a_trusted_proxy_no_token_has_to_be_given() -> None:
    trusted = _table(listen="0.0.0.0:8099", trusted=["172.30.32.2"])
    assert web_server(None, trusted, {})
    with pytest.raises(ConfigError, match="anyone who can reach"):
        web_server(None, _table(listen="0.0.0.0:8099", trusted=[]), {})
