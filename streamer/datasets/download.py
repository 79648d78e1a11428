"""Download with pooch, and explanation of its errors."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from streamer.datasets.cache import Report
from streamer.display.lines import printable
from streamer.errors import SourceError, UsageError
from streamer.extras import optional_import
from streamer.sources.files.streams import CHUNK_BYTES

if TYPE_CHECKING:
    from requests import RequestException
    from rich.console import Console
    from rich.progress import Progress, TaskID

_TRANSIENT_STATUS = (408, 425, 429)
_ZIP_MAGIC = b"PK\x03\x04"


def host_of(url: str) -> str:
    """Return the server in a web address, without a password.

    >>> host_of("https://me:secret@example.org:8080/house.zip")
    'example.org:8080'

    Raises:
        UsageError: it is not a web address.
    """
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise UsageError(
            f"--url {printable(url)!r} is not a web address; "
            "give one that begins with https:// or http://"
        )
    return printable(parts.netloc.rpartition("@")[2])


def import_pooch() -> Any:
    """Import pooch.

    Raises:
        MissingExtraError: pooch is not installed.
    """
    with optional_import("streamer fetch", "fetch"):
        import pooch
    return pooch


class _TruncatedError(ValueError):
    """A zip without its end; a `ValueError`, because pooch repeats the attempt after one."""


def download(
    file: str, url: str, folder: Path, timeout: float, retries: int, console: Console
) -> Path:
    """Download a file to a folder, with pooch.

    Raises:
        SourceError: the file cannot be downloaded.
        OSError: it cannot be written.
    """
    pooch = import_pooch()
    from requests import RequestException
    from rich.progress import DownloadColumn, TransferSpeedColumn

    from streamer.display.progress import progress_bar

    with progress_bar(DownloadColumn(), TransferSpeedColumn(), console=console, width=40) as bar:
        progress = _PoochProgress(bar, bar.add_task("downloading", total=None))
        http = pooch.HTTPDownloader(progressbar=progress, chunk_size=CHUNK_BYTES, timeout=timeout)
        attempt = _Attempt(http, host_of(url), timeout, console.out)
        # No checksum for pooch: the known one is that of the text, and the zip may differ.
        store = pooch.create(
            path=folder,
            base_url="",
            registry={file: None},
            urls={file: url},
            retry_if_failed=retries,
        )
        try:
            with _quiet(pooch.get_logger()):
                return Path(store.fetch(file, downloader=attempt))
        except (RequestException, _TruncatedError):
            raise SourceError(f"{attempt.fault}; check the network and try again") from None


@contextmanager
def _quiet(logger: Any) -> Iterator[None]:
    """Keep pooch from logging to standard error what is reported here."""
    level = logger.level
    logger.setLevel("WARNING")
    try:
        yield
    finally:
        logger.setLevel(level)


class _Attempt:
    """One attempt of pooch: calls its downloader, and explains failures.

    Attributes:
        fault: reason of the last failure.
    """

    def __init__(
        self, http: Callable[..., None], host: str, timeout: float, report: Report
    ) -> None:
        self._http = http
        self._host = host
        self._timeout = timeout
        self._report = report
        self.fault: str | None = None

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        from requests import RequestException

        if self.fault is not None:
            self._report(f"{self.fault}; trying again ...")
        try:
            self._http(url, output_file, pooch)
        except RequestException as error:
            self.fault = _fault(error, self._host, self._timeout)
            if error.response is not None:
                error.response.close()  # pooch leaves the connection open
            if _is_permanent(error):
                raise SourceError(
                    f"{self.fault}; find the new address of the file, and give it as --url"
                ) from None
            raise
        if _is_truncated(Path(output_file)):
            self.fault = f"{self._host} cut the download off in the middle"
            raise _TruncatedError


def _is_permanent(error: RequestException) -> bool:
    """Whether by the server's response another attempt would fail, too."""
    status = 0 if error.response is None else error.response.status_code
    return 400 <= status < 500 and status not in _TRANSIENT_STATUS


def _is_truncated(path: Path) -> bool:
    """Whether a zip has a beginning but no end, as happens without an announced length."""
    with path.open("rb") as file:
        begins_as_zip = file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC
    return begins_as_zip and not zipfile.is_zipfile(path)


def _fault(error: RequestException, host: str, timeout: float) -> str:
    """Explain a failure in words; the texts of requests are a page of class names."""
    from requests import exceptions
    from urllib3.exceptions import ReadTimeoutError

    if isinstance(error, exceptions.HTTPError) and error.response is not None:
        reason = printable(error.response.reason or "")
        return f"{host} answered {error.response.status_code} {reason}".rstrip()
    # A timeout in the middle of the body is raised as a lost connection.
    is_silent = bool(error.args) and isinstance(error.args[0], ReadTimeoutError)
    if is_silent or isinstance(error, exceptions.Timeout):
        return f"{host} has sent nothing for {timeout:g} s"
    explanations: tuple[tuple[type[RequestException], str], ...] = (
        (exceptions.ProxyError, f"the proxy on the way to {host} cannot be used"),
        (exceptions.SSLError, f"{host} cannot be trusted: its certificate is not accepted"),
        (exceptions.ChunkedEncodingError, f"{host} cut the download off in the middle"),
        (exceptions.ConnectionError, f"{host} cannot be reached"),
    )
    for kind, words in explanations:
        if isinstance(error, kind):
            return words
    return f"{host}: {printable(str(error))}"


class _PoochProgress:
    """A rich progress bar with the methods that pooch calls."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar = bar
        self._task = task

    @property
    def total(self) -> float | None:
        """Total number of bytes, if the server has announced it."""
        return self._bar.tasks[self._task].total

    @total.setter
    def total(self, size: int) -> None:
        # Set once per attempt, to 0 if the server has not announced it.
        self._bar.reset(self._task, total=size or None)

    def update(self, size: int) -> None:
        """Add downloaded bytes."""
        self._bar.advance(self._task, size)

    def reset(self) -> None:
        """Begin again at 0."""
        self._bar.reset(self._task)

    def close(self) -> None:
        """Do nothing: the bar ends by itself."""
