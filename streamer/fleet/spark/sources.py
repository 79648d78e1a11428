"""Sources of a fleet's readings: a folder of files, or a format of Spark."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streamer.errors import UsageError
from streamer.fleet.spark.failures import explained
from streamer.fleet.spark.formats import StreamFormat, quoted, read_stream
from streamer.fleet.spark.headers import LINE, LINES, by_header
from streamer.fleet.spark.locations import (
    Columns,
    check_columns,
    data_files,
    format_of,
    is_pattern,
)
from streamer.fleet.spark.storage import ReadableFolder, Storage

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

_NATURAL = {"meter": "string", "minute": "timestamp", "kw": "double"}
"""Types of a Parquet file's columns, if no file exists yet."""

KEEP, DELETE = "keep", "delete"
"""What becomes of a file that was read, unless a folder is named."""

MAX_BYTES = 32 << 20
"""Size of a batch's files without another limit."""

MAX_AGE = "3650d"
"""Largest age of a new file relative to the newest one. Spark's default of a week is too short for
files copied with their times, which would be ignored silently."""


@dataclass(frozen=True)
class ReadingSource:
    """A source of readings.

    Attributes:
        source: a folder or a pattern of files, or the name of another source.
        columns: names of its columns.
        format: format of a folder's files; None for the one of their names' endings.
        max_files: largest number of files in a batch; None for a limit of about 32 MB.
        delimiter: the character between the fields of CSV files.
        stream: a source other than files; None for files.
        consumed: what becomes of a file after the batch that it was in: `keep`, `delete`, or a
            folder that it is moved to.
    """

    source: str
    columns: Columns = field(default_factory=Columns)
    format: str | None = None
    max_files: int | None = None
    delimiter: str = ","
    stream: StreamFormat | None = None
    consumed: str = KEEP

    def open(self, session: SparkSession) -> DataFrame:
        """The raw readings: columns meter, minute and kw, of any type, and file.

        The file is the URL of each row's file, null for a source other than files.

        Raises:
            UsageError: the source does not exist, or has other columns.
            SparkError: Spark cannot open it.
        """
        if self.stream is None:
            return self._files(session)
        return self._named(read_stream(session, self.stream, self.columns))

    def first_batch(self, session: SparkSession) -> DataFrame | None:
        """The raw readings of the files that a new query takes first.

        Returns:
            As `open`; None without files in the folder itself.
        """
        if self.stream is not None:
            return None
        storage = Storage(session, self.source)
        urls = storage.first_files(self.max_files, MAX_BYTES)
        if not urls:
            return None
        form = self.format or format_of(storage.names(), self.source)
        with explained(self.source):
            schema = self._schema(session, form, has_files=True)
            return self._load(session.read, form, schema, [_literal(url) for url in urls])

    def _named(self, rows: DataFrame) -> DataFrame:
        """The columns under our names."""
        from pyspark.sql import functions as fn

        check_columns(self.source, rows.columns, self.columns)
        named = zip(_NATURAL, self.columns, strict=True)
        chosen = [rows[quoted(theirs)].alias(ours) for ours, theirs in named]
        url = fn.lit(None).cast("string") if self.stream else fn.col("_metadata.file_path")
        return rows.select(*chosen, url.alias("file"))

    def _load(
        self, reader: Any, form: str, schema: StructType, places: str | list[str]
    ) -> DataFrame:
        """Load files, whose columns are found by their names, not their positions."""
        if form != "csv":
            return self._named(reader.schema(schema).format(form).load(places))
        check_columns(self.source, schema.names, self.columns)
        lines = reader.schema(LINE).options(**LINES).format(form).load(places)
        return by_header(lines, self.columns, self.delimiter)

    def _files(self, session: SparkSession) -> DataFrame:
        names = source_files(Storage(session, self.source), self.source)
        form = self.format or format_of(names, self.source)
        with explained(self.source):
            schema = self._schema(session, form, bool(names))
            reader = session.readStream.option("maxFileAge", MAX_AGE)
            if self.max_files is None:
                # A worker holds its shards' part of a batch in memory.
                reader = reader.option("maxBytesPerTrigger", MAX_BYTES)
            else:
                reader = reader.option("maxFilesPerTrigger", self.max_files)
            if self.consumed == DELETE:
                reader = reader.option("cleanSource", "delete")
            elif self.consumed != KEEP:
                reader = reader.option("cleanSource", "archive")
                reader = reader.option("sourceArchiveDir", self.consumed)
            return self._load(reader, form, schema, self._place(session))

    def _place(self, session: SparkSession) -> str:
        """The source for Spark, to which the name of a folder may look like a pattern."""
        is_folder = is_pattern(self.source) and Storage(session, self.source).exists()
        return _literal(self.source) if is_folder else self.source

    def _schema(self, session: SparkSession, form: str, has_files: bool) -> StructType:
        """Schema of the files; text is read as text, so that no value can stop the query."""
        from pyspark.sql.types import StringType, StructField, StructType

        if has_files and form == "csv":
            # Of the first file; a quote in a quoted field is doubled, by RFC 4180.
            reader = session.read.options(header=True, sep=self.delimiter, escape='"')
            return reader.csv(self._place(session)).schema
        if has_files and form == "parquet":
            return session.read.parquet(self._place(session)).schema
        if form == "parquet":
            named = zip(_NATURAL.values(), self.columns, strict=True)
            return StructType.fromDDL(", ".join(f"{quoted(name)} {kind}" for kind, name in named))
        return StructType([StructField(name, StringType()) for name in self.columns])


def source_files(folder: ReadableFolder, source: str) -> list[str]:
    """Names of the files of a source, a folder or a pattern, that Spark reads.

    Raises:
        UsageError: the folder does not exist, or is a file.
    """
    if folder.is_file():
        raise UsageError(f"{source} is a file: give its folder, or a pattern of files")
    if not is_pattern(source) and not folder.exists():
        raise UsageError(f"{source}: folder not found")
    return data_files(folder.names())


def _literal(url: str) -> str:
    r"""A pattern that only this URL matches, for Hadoop.

    >>> _literal("file:/in/a [1].csv")
    'file:/in/a \\[1\\].csv'
    """
    return re.sub(r"([\\*?\[\]{}])", r"\\\1", url)
