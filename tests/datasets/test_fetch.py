"""`streamer fetch`, with a local server that simulates failures."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pooch
import pytest
from rich.console import Console

from streamer import datasets
from streamer.cli import main
from streamer.datasets import UCI, Dataset, cache_folder, cached, fetch, find_recording
from streamer.datasets.cache import _write_stamp
from streamer.errors import MissingExtraError, SourceError, UsageError
from streamer.sample import sample_path
from tests.children import ending

MEMBER = "household_power_consumption.txt"
TEXT = sample_path().read_bytes()[:20_000]
FILE = "household_power_consumption.zip"
STAMP = "household_power_consumption.checked.json"


def _zip(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return packed.getvalue()


GOOD = _zip(**{MEMBER: TEXT})
WRONG = TEXT.replace(b"1", b"2")
# Past the local header of 30 bytes and the name, within the compressed text.
DAMAGED = GOOD[:200] + bytes(byte ^ 0xFF for byte in GOOD[200:220]) + GOOD[220:]

Answer = Callable[["_Handler"], None]


class _Server(ThreadingHTTPServer):
    """Answers each path as defined in `answers`, and logs the requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.under_way = threading.Event()
        self.released = threading.Event()
        self.answers: dict[str, Answer] = {}

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        with suppress(ConnectionError):
            self.server.answers[self.path](self)

    def log_message(self, *_: object) -> None:
        pass

    def start(self, status: int, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()


def _sends(body: bytes, *, announced: int | None = None, status: int = 200) -> Answer:
    def answer(handler: _Handler) -> None:
        handler.start(status, Content_Length=len(body) if announced is None else announced)
        handler.wfile.write(body)

    return answer


def _sends_unannounced(body: bytes) -> Answer:
    def answer(handler: _Handler) -> None:
        handler.start(200)
        handler.wfile.write(body)

    return answer


def _redirects(to: str) -> Answer:
    return lambda handler: handler.start(302, Location=to, Content_Length=0)


def _stalls(handler: _Handler) -> None:
    """Sends half of the body, and the rest when it is released."""
    handler.start(200, Content_Length=len(GOOD))
    handler.wfile.write(GOOD[:500])
    handler.wfile.flush()
    handler.server.under_way.set()
    handler.server.released.wait(60)
    handler.wfile.write(GOOD[500:])


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = _Server()
    server.answers = {
        "/good": _sends(GOOD),
        "/unannounced": _sends_unannounced(GOOD),
        "/moved": _redirects("/good"),
        "/round": _redirects("/round"),
        "/missing": _sends(b"no such page", status=404),
        "/broken": _sends(b"oh", status=500),
        "/cut": _sends(GOOD[:-100], announced=len(GOOD)),
        "/cut-unannounced": _sends_unannounced(GOOD[:-100]),
        "/stalled": _stalls,
        "/page": _sends(b"<html>Please sign in</html>"),
        "/nothing": _sends(b""),
        "/wrong": _sends(_zip(**{MEMBER: WRONG})),
        "/longer": _sends(_zip(**{MEMBER: TEXT + b"\n"})),
        "/shorter": _sends(_zip(**{MEMBER: TEXT[:-1]})),
        "/other": _sends(_zip(**{"readme.txt": TEXT})),
        "/empty": _sends(_zip()),
        "/damaged": _sends(DAMAGED),
    }
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join(30)
    assert not thread.is_alive()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def _dataset(server: _Server, path: str = "/good") -> Dataset:
    digest = hashlib.sha256(TEXT).hexdigest()
    return Dataset("uci", server.url(path), MEMBER, digest, len(TEXT))


def _text(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(MEMBER)


def _holds(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _damage(path: Path) -> None:
    """Change the content, but not size and time, like a failing disk."""
    status = path.stat()
    path.write_bytes(DAMAGED)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("path", ["/good", "/unannounced", "/moved"])
def test_the_file_is_downloaded_without_leftovers(server: _Server, cache: Path, path: str) -> None:
    kept = fetch(_dataset(server, path), cache=cache)
    assert kept == cache / FILE
    assert _text(kept) == TEXT
    assert _holds(cache) == {FILE, STAMP}


def test_a_cached_file_is_neither_requested_nor_hashed(
    server: _Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = fetch(_dataset(server), cache=cache)
    monkeypatch.setattr("streamer.datasets.cache.check", pytest.fail)
    monkeypatch.setitem(sys.modules, "pooch", None)
    assert fetch(_dataset(server), cache=cache) == kept
    assert cached(_dataset(server), cache) == kept
    assert server.asked == ["/good"]


def test_verify_finds_damage_that_the_stamp_misses(server: _Server, cache: Path) -> None:
    kept = fetch(_dataset(server), cache=cache)
    assert fetch(_dataset(server), cache=cache, verify=True) == kept
    assert server.asked == ["/good"]
    _damage(kept)
    assert fetch(_dataset(server), cache=cache) == kept
    assert server.asked == ["/good"]
    said = io.StringIO()
    fetch(_dataset(server), cache=cache, verify=True, console=Console(file=said, width=500))
    assert "In the cache: household_power_consumption.zip is damaged" in said.getvalue()
    assert server.asked == ["/good", "/good"]
    assert _text(kept) == TEXT


def test_a_file_found_damaged_is_no_longer_used(server: _Server, cache: Path) -> None:
    _damage(fetch(_dataset(server), cache=cache))
    with pytest.raises(SourceError):
        fetch(_dataset(server, "/missing"), cache=cache, verify=True)
    assert cached(_dataset(server), cache) is None


@pytest.mark.parametrize("stamp", [None, "", "{", "[]", "\ufffd"])
def test_without_a_valid_stamp_the_text_is_checked_again(
    server: _Server, cache: Path, stamp: str | None
) -> None:
    kept = fetch(_dataset(server), cache=cache)
    if stamp is None:
        (cache / STAMP).unlink()
    else:
        (cache / STAMP).write_bytes(stamp.encode("utf-16"))
    assert cached(_dataset(server), cache) is None
    assert fetch(_dataset(server), cache=cache) == kept
    assert cached(_dataset(server), cache) == kept
    assert server.asked == ["/good"]


def test_a_touched_file_is_checked_again(server: _Server, cache: Path) -> None:
    kept = fetch(_dataset(server), cache=cache)
    os.utime(kept, (1, 1))
    assert cached(_dataset(server), cache) is None
    fetch(_dataset(server), cache=cache)
    assert cached(_dataset(server), cache) == kept
    assert server.asked == ["/good"]


def test_force_downloads_again(server: _Server, cache: Path) -> None:
    fetch(_dataset(server), cache=cache)
    fetch(_dataset(server), cache=cache, force=True)
    assert server.asked == ["/good", "/good"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/missing", ["answered 404 Not Found", "--url"]),
        ("/broken", ["answered 500 Internal Server Error", "try again"]),
        ("/cut", ["cut the download off in the middle", "try again"]),
        ("/cut-unannounced", ["cut the download off in the middle", "try again"]),
        ("/stalled", ["has sent nothing for 0.2 s", "try again"]),
        ("/round", ["127.0.0.1", "redirects"]),
        ("/page", ["is not a zip", "sign-in", "deleted"]),
        ("/nothing", ["is not a zip"]),
        ("/wrong", [f"expected SHA-256 {hashlib.sha256(TEXT).hexdigest()}", "deleted"]),
        ("/wrong", [f"got {hashlib.sha256(WRONG).hexdigest()}", "get it again"]),
        ("/shorter", ["(19,999 bytes)", "get it again"]),
        ("/longer", ["longer than the 20,000 bytes expected"]),
        ("/other", [f"contains readme.txt, but not {MEMBER}"]),
        ("/empty", ["contains no file"]),
        ("/damaged", ["is damaged", "get it again"]),
    ],
)
def test_unusable_downloads_are_explained_on_one_line(
    server: _Server, cache: Path, path: str, words: list[str]
) -> None:
    with pytest.raises(SourceError) as caught:
        fetch(_dataset(server, path), cache=cache, retries=0, timeout=0.2)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message
    assert caught.value.__cause__ is None
    assert _holds(cache) == set()


def test_a_failure_keeps_the_old_file(server: _Server, cache: Path) -> None:
    kept = fetch(_dataset(server), cache=cache)
    for path in ("/missing", "/cut", "/wrong"):
        with pytest.raises(SourceError):
            fetch(_dataset(server, path), cache=cache, force=True, retries=0)
    assert _holds(cache) == {FILE, STAMP}
    assert cached(_dataset(server), cache) == kept
    assert _text(kept) == TEXT


def test_an_unreachable_server_is_a_source_error(server: _Server, cache: Path) -> None:
    with socket.socket() as taken:  # bound, but not listening
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(SourceError, match=r"127.0.0.1:\d+ cannot be reached; check the net"):
            fetch(_dataset(server), cache=cache, url=url, retries=0)


def test_a_transient_failure_is_retried(
    server: _Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    sleep, ours = time.sleep, threading.get_ident()

    def note(seconds: float) -> None:
        # Threads left behind by other tests sleep as well, and must not be affected.
        if threading.get_ident() == ours:
            waits.append(seconds)
        else:
            sleep(seconds)

    monkeypatch.setattr(time, "sleep", note)
    answers = iter((_sends(b"", status=503), server.answers["/cut"], _sends(GOOD)))
    server.answers["/moody"] = lambda handler: next(answers)(handler)
    said = io.StringIO()
    kept = fetch(_dataset(server, "/moody"), cache=cache, console=Console(file=said, width=500))
    assert _text(kept) == TEXT
    assert waits == [1, 2]
    assert "answered 503 Service Unavailable; trying again" in said.getvalue()
    assert "cut the download off in the middle; trying again" in said.getvalue()


def test_a_permanent_failure_is_not_retried(server: _Server, cache: Path) -> None:
    with pytest.raises(SourceError):
        fetch(_dataset(server, "/missing"), cache=cache)
    with pytest.raises(SourceError):
        fetch(_dataset(server, "/wrong"), cache=cache)
    assert server.asked == ["/missing", "/wrong"]


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org/a.zip", "file:///a.zip", "a.zip", "http://", "http://[", "http://a:b"],
)
def test_other_addresses_are_usage_errors(server: _Server, cache: Path, url: str) -> None:
    with pytest.raises(UsageError, match="is not a web address"):
        fetch(_dataset(server), cache=cache, url=url)
    assert not cache.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_explained(
    server: _Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    download = pooch.HTTPDownloader.__call__

    def to_a_full_disk(self: Any, url: str, output_file: str, pup: object) -> None:
        download(self, url, "/dev/full", pup)

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", to_a_full_disk)
    with pytest.raises(SourceError, match=r"not enough space in .*cache; free some .* --cache DIR"):
        fetch(_dataset(server), cache=cache)
    assert _holds(cache) == set()


def test_a_read_only_cache_is_explained(server: _Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(SourceError, match=r"cannot be used as a cache: .*; choose another folder"):
        fetch(_dataset(server), cache=tmp_path / "file" / "cache")
    with pytest.raises(SourceError, match=r"cannot be used as a cache: .*; choose another folder"):
        fetch(_dataset(server), cache=tmp_path / "file")


@pytest.mark.skipif(not os.geteuid(), reason="root may write anywhere")
def test_a_cached_file_is_used_from_a_read_only_folder(server: _Server, cache: Path) -> None:
    kept = fetch(_dataset(server), cache=cache)
    cache.chmod(0o500)
    try:
        assert fetch(_dataset(server), cache=cache) == kept
        with pytest.raises(SourceError, match="Permission denied"):
            fetch(_dataset(server), cache=cache, force=True)
    finally:
        cache.chmod(0o700)


def test_a_missing_extra_is_named(
    server: _Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'streamer-forecaster\[fetch\]'"):
        fetch(_dataset(server), cache=cache)
    assert not cache.exists()


def test_the_cache_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STREAMER_CACHE", raising=False)
    assert cache_folder() == pooch.os_cache("streamer")
    monkeypatch.setenv("STREAMER_CACHE", str(tmp_path / "there"))
    assert cache_folder() == tmp_path / "there"
    assert cache_folder(tmp_path / "here") == tmp_path / "here"
    monkeypatch.chdir(tmp_path)
    assert cache_folder("here") == tmp_path / "here"


def test_a_progress_bar_is_shown_on_a_terminal_only(
    server: _Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for path in ("/good", "/unannounced"):
        terminal = io.StringIO()
        console = Console(file=terminal, force_terminal=True, width=80)
        fetch(_dataset(server, path), cache=cache, console=console, force=True)
        assert "downloading" in terminal.getvalue()
    plain = io.StringIO()
    fetch(_dataset(server), cache=cache, console=Console(file=plain, width=80), force=True)
    host = f"127.0.0.1:{server.server_port}"
    assert plain.getvalue() == f"Fetching uci from {host} ...\nChecking ...\n"


# --- As a command ---------------------------------------------------------------------------


@contextmanager
def _fetching(dataset: Dataset, cache: Path) -> Iterator[subprocess.Popen[str]]:
    """`streamer fetch` of a small file, in its own process."""

    script = (
        "from streamer import datasets\n"
        f"datasets.UCI = datasets.{dataset!r}\n"
        "from streamer.cli import main\n"
        f"main(['fetch', '--cache', {str(cache)!r}])"
    )
    child = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with ending(child) as process:
        try:
            yield process
        finally:
            process.kill()


def test_leftovers_of_a_killed_run_are_removed_by_the_next(server: _Server, cache: Path) -> None:
    with _fetching(_dataset(server, "/stalled"), cache) as process:
        assert server.under_way.wait(60)
        process.kill()
    assert not {FILE, STAMP} & _holds(cache)
    assert any(path.is_dir() and _holds(path) for path in cache.iterdir())
    kept = fetch(_dataset(server), cache=cache)
    assert _text(kept) == TEXT
    assert _holds(cache) == {FILE, STAMP}


def test_leftovers_beside_a_valid_file_are_removed(server: _Server, cache: Path) -> None:
    kept = fetch(_dataset(server), cache=cache)
    kept.with_suffix(".lock").touch()
    kept.with_suffix(".partial").mkdir()
    (kept.with_suffix(".partial") / "tmp123").write_bytes(GOOD[:500])
    assert fetch(_dataset(server), cache=cache) == kept
    assert _holds(cache) == {FILE, STAMP}
    assert server.asked == ["/good"]


def test_ctrl_c_leaves_no_files(server: _Server, cache: Path) -> None:
    with _fetching(_dataset(server, "/stalled"), cache) as process:
        assert server.under_way.wait(60)
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in errors
    assert _holds(cache) == set()


def test_two_concurrent_runs_download_once(server: _Server, cache: Path) -> None:
    dataset = _dataset(server, "/stalled")
    with _fetching(dataset, cache) as first:
        assert server.under_way.wait(60)
        with _fetching(dataset, cache) as second:
            assert second.stderr is not None
            assert second.stderr.readline().startswith("Another streamer fetch is running")
            server.released.set()
            outputs = [process.communicate(timeout=60) for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), outputs
    assert [out for out, _ in outputs] == [f"{cache / FILE}\n"] * 2
    assert _text(cache / FILE) == TEXT
    assert server.asked == ["/stalled"]
    assert _holds(cache) == {FILE, STAMP}


def test_standard_output_contains_the_path_only(
    server: _Server,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(datasets, "UCI", _dataset(server))
    monkeypatch.setenv("STREAMER_CACHE", str(cache))
    for _ in range(2):
        with pytest.raises(SystemExit) as end:
            main(["fetch"])
        assert end.value.code == 0
        out, errors = capsys.readouterr()
        assert out == f"{cache / FILE}\n"
        assert "CC BY 4.0" in errors
        assert "https://doi.org/10.24432/C58K54" in errors
    assert find_recording("uci") == str(cache / FILE)


@pytest.mark.parametrize(
    ("url", "code", "word"), [("/wrong", 1, "wrong checksum"), ("ftp://there", 2, "--url")]
)
def test_a_failure_prints_one_line(
    server: _Server,
    cache: Path,
    capsys: pytest.CaptureFixture[str],
    url: str,
    code: int,
    word: str,
) -> None:
    url = server.url(url) if url.startswith("/") else url
    with pytest.raises(SystemExit) as end:
        main(["fetch", "--cache", str(cache), "--url", url])
    assert end.value.code == code
    out, errors = capsys.readouterr()
    assert out == ""
    assert [word in line for line in errors.splitlines() if "error" in line] == [True]


def _streamer(
    *arguments: str, cache: Path, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "streamer", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd,
        env={**os.environ, "STREAMER_CACHE": str(cache)},
    )


def test_replay_uci_replays_the_fetched_file(cache: Path) -> None:
    cache.mkdir()
    (cache / FILE).write_bytes(GOOD)
    _write_stamp(UCI, cache / FILE)
    done = _streamer("replay", "uci", "--limit", "60", "--format", "csv", cache=cache)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 61
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "river" in imported
    assert not imported & {"pooch", "requests", "urllib3"}


@pytest.mark.parametrize("command", ["replay", "train"])
def test_uci_must_have_been_fetched(
    cache: Path,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("STREAMER_CACHE", str(cache))
    with pytest.raises(SystemExit) as end:
        main([command, "uci"])
    assert end.value.code == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.startswith("streamer: error: uci is neither in the cache")
    assert errors.endswith("streamer fetch\n")
    assert errors.count("\n") == 1


def test_a_file_named_uci_takes_precedence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STREAMER_CACHE", str(tmp_path))
    (tmp_path / "uci").write_text("timestamp,power_kw\n")
    assert find_recording("uci") == "uci"


def test_help_imports_no_download_library(cache: Path) -> None:
    done = _streamer("fetch", "--help", cache=cache)
    assert done.stdout.startswith("Usage: streamer fetch")
    for module in ("pooch", "requests", "platformdirs", "numpy"):
        assert not any(line.endswith(f" {module}") for line in done.stderr.splitlines())
