"""Files where Spark keeps its own: on this machine, on HDFS, in an object store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamer.errors import SparkError
from streamer.fleet.spark.failures import explained

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Storage:
    """A folder or a pattern of files, by way of Hadoop's file systems.

    Args:
        session: the session whose file systems they are.
        path: path or URL of the folder, such as `hdfs://…` or `s3a://…`.
    """

    def __init__(self, session: SparkSession, path: str) -> None:
        self._context: Any = session.sparkContext
        self._jvm: Any = self._context._jvm  # noqa: SLF001 - Hadoop is in the JVM alone
        with explained(path):
            self._path = self._jvm.org.apache.hadoop.fs.Path(path)
            conf = self._context._jsc.hadoopConfiguration()  # noqa: SLF001
            self._files = self._path.getFileSystem(conf)

    def exists(self, name: str) -> bool:
        """Whether the folder has such an entry."""
        with explained(str(self._path)):
            return bool(self._files.exists(self._entry(name)))

    def is_there(self) -> bool:
        """Whether there is such a folder."""
        with explained(str(self._path)):
            return bool(self._files.exists(self._path))

    def is_file(self) -> bool:
        """Whether it is a file, and no folder."""
        with explained(str(self._path)):
            return bool(self._files.exists(self._path)) and not bool(
                self._files.getFileStatus(self._path).isDirectory()
            )

    def names(self) -> list[str]:
        """Of a folder, the names in it; of a pattern, those of the files that fit it."""
        with explained(str(self._path)):
            # A folder's own name may look like a pattern.
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
        """Write an entry that is not there yet: it appears whole, or not at all."""
        with explained(str(self._path)):
            unfinished = self._entry(f".{name}.new")
            stream = self._files.create(unfinished, True)
            try:
                stream.write(bytearray(text.encode()))
            finally:
                stream.close()
            if not self._files.rename(unfinished, self._entry(name)):
                raise SparkError(f"{self._path}: {name} cannot be put in its place")

    def remove(self, name: str) -> None:
        """Take an entry away, if it is there."""
        with explained(str(self._path)):
            self._files.delete(self._entry(name), False)

    def _entry(self, name: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(self._path, name)


def last_batch(log: Storage) -> int | None:
    """The number of the last batch in a log of Spark's, a file each; None if there is none."""
    # Now and then all that there has been is put together, in a file N.compact.
    numbers = (name.removesuffix(".compact") for name in log.names())
    return max((int(number) for number in numbers if number.isdecimal()), default=None)
