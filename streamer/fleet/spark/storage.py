"""Files in Spark's file systems: on this machine, on HDFS, in an object store.

Files of this machine are read directly where that is possible, because Spark takes seconds to
start. All others need Spark's own file systems, for which an operator has configured addresses and
credentials.
"""

from __future__ import annotations

import glob
import zlib
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from streamer.atomic import replaced_file
from streamer.errors import SparkError, StateError
from streamer.fleet.spark.failures import explained

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_CHECKSUMS = b"crc\0"
"""Beginning of Hadoop's file of checksums, before the size of a piece in bytes."""


class LocalFolder:
    """A folder or a pattern of files of this machine, accessed without Spark.

    Args:
        path: path of the folder, or a `file:` URL.
    """

    def __init__(self, path: str) -> None:
        self._path = local_path(path)

    def exists(self, name: str = ".") -> bool:
        """Whether the folder has an entry of this name; by default, whether it exists itself."""
        return (self._path / name).exists()

    def is_file(self) -> bool:
        """Whether the path is a file instead of a folder."""
        return self._path.is_file()

    def names(self) -> list[str]:
        """Names of the entries of a folder, or of the files that match a pattern."""
        return [path.name for path in self.paths()]

    def paths(self) -> list[Path]:
        """Paths of the same, in the order of their names."""
        if self._path.is_dir():
            return sorted(self._path.iterdir())
        if self._path.exists():
            return [self._path]
        return sorted(Path(path) for path in glob.glob(str(self._path)))  # noqa: PTH207 - absolute

    def read(self, name: str) -> str:
        """The text of an entry.

        Raises:
            StateError: the entry does not match the checksums beside it.
        """
        path = self._path / name
        check_sums(path)
        return path.read_text("utf-8", "replace")


def local_path(path: str) -> Path:
    """The path of a folder that is given as such, or as a `file:` URL."""
    return Path(path.removeprefix("file://").removeprefix("file:"))


def check_sums(path: Path) -> None:
    """Compare a file with the checksums that Hadoop has written beside it, if there are any.

    Raises:
        StateError: the file is damaged.
        OSError: the file cannot be read.
    """
    try:
        sums = (path.parent / f".{path.name}.crc").read_bytes()
    except FileNotFoundError:
        return
    size = int.from_bytes(sums[4:8], "big")
    if not sums.startswith(_CHECKSUMS) or not size:
        return
    data = path.read_bytes()
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    found = b"".join(zlib.crc32(piece).to_bytes(4, "big") for piece in pieces)
    if found != sums[8:]:
        raise StateError(
            f"{path} is damaged: it does not match its checksums; restore the checkpoint, or give "
            "another --checkpoint"
        )


class Storage:
    """A folder or a pattern of files, accessed through Hadoop's file systems.

    Args:
        session: the session that provides the file systems.
        path: path or URL of the folder, such as `hdfs://…` or `s3a://…`.

    Attributes:
        url: complete URL of the folder.
        is_local: whether the folder is one of the local file system of its machine; then `write`
            works without the JVM, too, so that its death can be recorded.
    """

    def __init__(self, session: SparkSession, path: str) -> None:
        self._session = session
        self._context: Any = session.sparkContext
        self._jvm: Any = self._context._jvm  # noqa: SLF001 - Hadoop exists only in the JVM
        with explained(path):
            self._path = self._jvm.org.apache.hadoop.fs.Path(path)
            conf = self._context._jsc.hadoopConfiguration()  # noqa: SLF001
            self._files = self._path.getFileSystem(conf)
            self.is_local = bool(self._files.getScheme() == "file")
            self.url = str(self._files.makeQualified(self._path).toString())

    def exists(self, name: str = ".") -> bool:
        """Whether the folder has an entry of this name; by default, whether it exists itself."""
        with explained(str(self._path)):
            return bool(self._files.exists(self._entry(name)))

    def is_file(self) -> bool:
        """Whether the path is a file instead of a folder."""
        with explained(str(self._path)):
            return self.exists() and bool(self._files.getFileStatus(self._path).isFile())

    def names(self) -> list[str]:
        """Names of the entries of a folder, or of the files that match a pattern."""
        return sorted(status.getPath().getName() for status in self._entries())

    def first_files(self, files: int | None, size: int) -> list[str]:
        """URLs of the oldest files, which Spark reads first.

        Args:
            files: their largest number; None for any.
            size: their largest total size in bytes; a single file may be larger.
        """
        known = sorted(
            (status.getModificationTime(), status.getLen(), status.getPath().toString())
            for status in self._entries()
            if status.isFile() and not status.getPath().getName().startswith((".", "_"))
        )[:files]
        ends = accumulate(length for _, length, _ in known)
        return [url for (*_, url), end in zip(known, ends, strict=True) if end <= size] or [
            url for *_, url in known[:1]
        ]

    def _entries(self) -> Sequence[Any]:
        with explained(str(self._path)):
            # The name of a folder may look like a pattern.
            if self._files.exists(self._path):
                return list(self._files.listStatus(self._path))
            return list(self._files.globStatus(self._path) or ())

    def read(self, name: str) -> str:
        """The text of an entry."""
        with explained(str(self._path)):
            stream = self._files.open(self._entry(name))
            try:
                return bytes(stream.readAllBytes()).decode("utf-8", "replace")
            finally:
                stream.close()

    def write(self, name: str, text: str) -> None:
        """Write an entry atomically: it appears as a whole, in place of a former one.

        Raises:
            OSError: a local file cannot be written.
        """
        if self.is_local:
            path = local_path(self.url) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            # Those of the former entry; without any, nothing is compared.
            path.with_name(f".{path.name}.crc").unlink(missing_ok=True)
            with replaced_file(path) as file:
                file.write(text.encode())
            return
        with explained(str(self._path)):
            conf = self._context._jsc.hadoopConfiguration()  # noqa: SLF001
            streaming = self._jvm.org.apache.spark.sql.execution.streaming
            manager = streaming.checkpointing.CheckpointFileManager.create(self._path, conf)
            manager.mkdirs(self._entry(name).getParent())
            stream = manager.createAtomic(self._entry(name), True)
            try:
                stream.write(bytearray(text.encode()))
            except BaseException:
                stream.cancel()
                raise
            stream.close()

    def create(self) -> None:
        """Create the folder, if it does not exist."""
        with explained(str(self._path)):
            self._files.mkdirs(self._path)

    def remove(self, name: str, *, with_content: bool = False) -> None:
        """Remove an entry, if it exists, and with `with_content` all entries below it."""
        with explained(str(self._path)):
            self._files.delete(self._entry(name), with_content)

    def move(self, name: str, to: str) -> None:
        """Rename an entry that exists to a name that does not exist."""
        with explained(str(self._path)):
            if not self._files.rename(self._entry(name), self._entry(to)):
                raise SparkError(f"{self._path}: {name} cannot be renamed to {to}")

    def below(self, name: str) -> Storage:
        """A folder in this one."""
        return Storage(self._session, f"{self.url}/{name}")

    def _entry(self, name: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(self._path, name)


ReadableFolder: TypeAlias = LocalFolder | Storage

Opener = Callable[[str], ReadableFolder]
"""Opens a folder by its path or URL."""


def last_batch(log: ReadableFolder) -> int | None:
    """Number of the last batch in one of Spark's logs, with a file per batch; None if empty."""
    # From time to time, Spark merges all entries into a file N.compact.
    numbers = (name.removesuffix(".compact") for name in log.names())
    return max((int(number) for number in numbers if number.isdecimal()), default=None)
