"""Files in Spark's file systems: on this machine, on HDFS, in an object store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamer.errors import SparkError
from streamer.fleet.spark.failures import explained

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Storage:
    """A folder or a pattern of files, accessed through Hadoop's file systems.

    Args:
        session: the session that provides the file systems.
        path: path or URL of the folder, such as `hdfs://…` or `s3a://…`.
    """

    def __init__(self, session: SparkSession, path: str) -> None:
        self._context: Any = session.sparkContext
        self._jvm: Any = self._context._jvm  # noqa: SLF001 - Hadoop exists only in the JVM
        with explained(path):
            self._path = self._jvm.org.apache.hadoop.fs.Path(path)
            conf = self._context._jsc.hadoopConfiguration()  # noqa: SLF001
            self._files = self._path.getFileSystem(conf)

    def exists(self, name: str) -> bool:
        """Whether the folder has an entry of this name."""
        with explained(str(self._path)):
            return bool(self._files.exists(self._entry(name)))

    def folder_exists(self) -> bool:
        """Whether the folder itself exists."""
        with explained(str(self._path)):
            return bool(self._files.exists(self._path))

    def is_file(self) -> bool:
        """Whether the path is a file instead of a folder."""
        with explained(str(self._path)):
            return bool(self._files.exists(self._path)) and not bool(
                self._files.getFileStatus(self._path).isDirectory()
            )

    def names(self) -> list[str]:
        """Names of the entries of a folder, or of the files that match a pattern."""
        with explained(str(self._path)):
            # The name of a folder may look like a pattern.
            if self._files.exists(self._path):
                found = self._files.listStatus(self._path)
            else:
                found = self._files.globStatus(self._path) or ()
            return sorted(status.getPath().getName() for status in found)

    def read(self, name: str) -> str:
        """The text of an entry."""
        with explained(str(self._path)):
            stream = self._files.open(self._entry(name))
            try:
                return bytes(stream.readAllBytes()).decode("utf-8", "replace")
            finally:
                stream.close()

    def write(self, name: str, text: str) -> None:
        """Write a new entry atomically: it appears as a whole, or not at all."""
        with explained(str(self._path)):
            unfinished = self._entry(f".{name}.new")
            stream = self._files.create(unfinished, True)
            try:
                stream.write(bytearray(text.encode()))
            finally:
                stream.close()
            if not self._files.rename(unfinished, self._entry(name)):
                raise SparkError(f"{self._path}: {name} cannot be renamed into place")

    def remove(self, name: str) -> None:
        """Remove an entry, if it exists."""
        with explained(str(self._path)):
            self._files.delete(self._entry(name), False)

    def _entry(self, name: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(self._path, name)


def last_batch(log: Storage) -> int | None:
    """Number of the last batch in one of Spark's logs, with a file per batch; None if empty."""
    # From time to time, Spark merges all entries into a file N.compact.
    numbers = (name.removesuffix(".compact") for name in log.names())
    return max((int(number) for number in numbers if number.isdecimal()), default=None)
