"""The download itself: pooch brings it, and what goes wrong is put in words."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from streamer.datasets.cache import Say
from streamer.display.lines import printable
from streamer.errors import SourceError, UsageError
from streamer.extras import optional_import
from streamer.sources.files.bytestream import CHUNK_BYTES

if TYPE_CHECKING:
    from requests import RequestException
    from rich.console import Console
    from rich.progress import Progress, TaskID

_PASSING_STATUS = (408, 425, 429)
_ZIP_MAGIC = b"PK\x03\x04"


def host_of(url: str) -> str:
    """The server in an address of the web, without a password.

    >>> host_of("https://me:secret@example.org:8080/house.zip")
    'example.org:8080'

    Raises:
        UsageError: it is not an address of the web.
    """
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise UsageError(
            f"--url {printable(url)!r} is not an address of the web; "
            "give one that begins with https:// or http://"
        )
    return printable(parts.netloc.rpartition("@")[2])


def import_pooch() -> Any:
    """Import pooch.

    Raises:
        MissingExtraError: it is not installed.
    """
    with optional_import("streamer fetch", "fetch"):
        import pooch
    return pooch


class _CutOffError(ValueError):
    """A zip without its end; a `ValueError`, because those pooch tries again."""


def download(
    file: str, url: str, folder: Path, timeout: float, retries: int, console: Console
) -> Path:
    """Download to a file in a folder, with pooch.

    Raises:
        SourceError: it cannot be had.
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
        # No hash for pooch: what is known is the text's, and the zip may be packed anew.
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
        except (RequestException, _CutOffError):
            raise SourceError(f"{attempt.fault}; check the network and try again") from None


@contextmanager
def _quiet(logger: Any) -> Iterator[None]:
    """Keep pooch from telling on standard error what is told here."""
    level = logger.level
    logger.setLevel("WARNING")
    try:
        yield
    finally:
        logger.setLevel(level)


class _Attempt:
    """What pooch calls for each attempt: its own downloader, with its faults put in words.

    Attributes:
        fault: why the last attempt failed.
    """

    def __init__(self, http: Callable[..., None], host: str, timeout: float, say: Say) -> None:
        self._http = http
        self._host = host
        self._timeout = timeout
        self._say = say
        self.fault: str | None = None

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        from requests import RequestException

        if self.fault is not None:
            self._say(f"{self.fault}; trying again ...")
        try:
            self._http(url, output_file, pooch)
        except RequestException as error:
            self.fault = _fault(error, self._host, self._timeout)
            if error.response is not None:
                error.response.close()  # pooch leaves the connection open
            if _is_lasting(error):
                raise SourceError(
                    f"{self.fault}; look for where the file is now, and give that with --url"
                ) from None
            raise
        if _is_cut_off(Path(output_file)):
            self.fault = f"{self._host} cut the download off in the middle"
            raise _CutOffError


def _is_lasting(error: RequestException) -> bool:
    """Whether the server has said that asking again will not help."""
    status = 0 if error.response is None else error.response.status_code
    return 400 <= status < 500 and status not in _PASSING_STATUS


def _is_cut_off(path: Path) -> bool:
    """Whether a zip has a beginning and no end, as where no length was announced."""
    with path.open("rb") as file:
        begins_as_zip = file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC
    return begins_as_zip and not zipfile.is_zipfile(path)


def _fault(error: RequestException, host: str, timeout: float) -> str:
    """What went wrong, in words; requests' own are a page of class names."""
    from requests import exceptions
    from urllib3.exceptions import ReadTimeoutError

    if isinstance(error, exceptions.HTTPError) and error.response is not None:
        reason = printable(error.response.reason or "")
        return f"{host} answered {error.response.status_code} {reason}".rstrip()
    # A silence in the middle of the body comes as a lost connection.
    is_silent = bool(error.args) and isinstance(error.args[0], ReadTimeoutError)
    if is_silent or isinstance(error, exceptions.Timeout):
        return f"{host} has sent nothing for {timeout:g} s"
    told: tuple[tuple[type[RequestException], str], ...] = (
        (exceptions.ProxyError, f"the proxy on the way to {host} cannot be used"),
        (exceptions.SSLError, f"{host} cannot be trusted: its certificate is not accepted"),
        (exceptions.ChunkedEncodingError, f"{host} cut the download off in the middle"),
        (exceptions.ConnectionError, f"{host} cannot be reached"),
    )
    for kind, words in told:
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
        """Bytes in all, if the server has said."""
        return self._bar.tasks[self._task].total

    @total.setter
    def total(self, size: int) -> None:
        # Said once per attempt, and 0 where the server has not said.
        self._bar.reset(self._task, total=size or None)

    def update(self, size: int) -> None:
        """So many bytes more have come."""
        self._bar.advance(self._task, size)

    def reset(self) -> None:
        """Begin at 0 again."""
        self._bar.reset(self._task)

    def close(self) -> None:
        """The bar ends by itself."""
