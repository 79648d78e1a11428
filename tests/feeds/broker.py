"""A mosquitto broker for tests, on a free port of localhost."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Debian installs it in a folder that is not in every user's path.
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")

MISSING = [
    program
    for program, path in {
        "mosquitto": MOSQUITTO,
        "mosquitto_pub (mosquitto-clients)": shutil.which("mosquitto_pub"),
        "openssl": shutil.which("openssl"),
    }.items()
    if path is None
]
"""Programs that a broker needs and that are not installed."""

USER, PASSWORD = "meter", "swordfish-7"

_TIMEOUT_S = 10.0


class Broker:
    """A mosquitto that can be killed, stopped, and started again on the same port.

    Args:
        folder: folder for its files.
        users: whether only `USER` with `PASSWORD` can log in.
        tls: whether it uses TLS; `cafile` is then the certificate to trust.
        options: further lines for its configuration.
    """

    def __init__(
        self, folder: Path, *, users: bool = False, tls: bool = False, options: Sequence[str] = ()
    ) -> None:
        assert MOSQUITTO is not None
        self.port = free_port()
        self.cafile = folder / "ca.pem"
        self._log = folder / "mosquitto.log"
        self._config = folder / "mosquitto.conf"
        self._process: subprocess.Popen[bytes] | None = None
        self._users = users
        self._tls = tls
        lines = [
            f"listener {self.port} 127.0.0.1",
            "persistence false",
            f"log_dest file {self._log}",
            f"allow_anonymous {'false' if users else 'true'}",
            "set_tcp_nodelay true",
            *options,
        ]
        if users:
            passwords = folder / "passwords"
            passwords.write_text(f"{USER}:{PASSWORD}\n")
            subprocess.run(["mosquitto_passwd", "-U", passwords], check=True, timeout=_TIMEOUT_S)
            lines.append(f"password_file {passwords}")
        if tls:
            make_certificates(folder)
            lines += [f"cafile {self.cafile}", f"certfile {folder / 'server.pem'}"]
            lines += [f"keyfile {folder / 'server.key'}", "tls_version tlsv1.2"]
        # Started as root, mosquitto would change to a user who may not read these files.
        self._config.write_text("\n".join([*lines, "user root"]) + "\n")
        self.start()

    def start(self) -> None:
        """Start the broker, and wait until it listens."""
        assert MOSQUITTO is not None
        self._process = subprocess.Popen([MOSQUITTO, "-c", self._config], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + _TIMEOUT_S
        while not _listens(self.port):
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, "mosquitto does not listen"
            time.sleep(0.01)

    def kill(self) -> None:
        """Kill the broker without warning, like a power cut."""
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait(_TIMEOUT_S)

    def stop(self) -> None:
        """Suspend the broker, with its connections open."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a suspended broker continue."""
        self._signal(signal.SIGCONT)

    def subscriptions(self, topic: str) -> int:
        """Number of subscriptions to a topic so far; needs the option `log_type subscribe`."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return sum(line.endswith(f" {topic}") for line in lines)

    def publish(
        self, topic: str, *payloads: str | bytes, retain: bool = False, qos: int = 0
    ) -> None:
        """Publish messages, one call each."""
        for payload in payloads:
            data = payload.encode() if isinstance(payload, str) else payload
            self._publish(["-t", topic, "-q", str(qos), "-s", *(["-r"] if retain else [])], data)

    def publish_lines(self, topic: str, lines: Iterable[str]) -> None:
        """Publish many messages at once."""
        self._publish(["-t", topic, "-l"], "".join(f"{line}\n" for line in lines).encode())

    def _publish(self, arguments: Sequence[str], data: bytes) -> None:
        command = ["mosquitto_pub", "-h", "localhost", "-p", str(self.port), *arguments]
        if self._users:
            command += ["-u", USER, "-P", PASSWORD]
        if self._tls:
            command += ["--cafile", str(self.cafile)]
        subprocess.run(command, input=data, check=True, timeout=_TIMEOUT_S)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)


@contextmanager
def running(folder: Path, **options: Any) -> Iterator[Broker]:
    """A broker that runs until the end of the block."""
    broker = Broker(folder, **options)
    try:
        yield broker
    finally:
        broker.kill()


def free_port() -> int:
    """A port of localhost that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_certificates(folder: Path) -> None:
    """Make ``ca.pem``, and ``server.pem`` with ``server.key`` signed by it, for localhost."""
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    _openssl(
        folder,
        *["req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2"],
        *["-subj", "/CN=test CA"],
    )
    _openssl(
        folder,
        *["req", *new_key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost"],
    )
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    _openssl(
        folder,
        *["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key"],
        *["-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "server.pem"],
    )


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=_TIMEOUT_S
    )


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True
