"""Tests of the one-line explanations of Spark's errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamer.errors import SparkError
from streamer.fleet.spark.failures import cause_of, explain

WORKER = """[STREAM_FAILED] Query [id = 1, runId = 2] terminated with exception: Job aborted: \
org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "/x/pyspark/worker.py", line 1, in main
    process()
streamer.errors.StateError: state of a shard is damaged

\tat org.apache.spark.api.python.BasePythonRunner.handle(PythonRunner.scala:1)
\t... 3 more
=== Streaming Query ===
Caused by: java.lang.RuntimeException: later
"""
JVM = """An error occurred while calling o1.start.
: org.apache.spark.SparkException: Job aborted due to stage failure
\tat org.apache.spark.scheduler.DAGScheduler.abort(DAGScheduler.scala:1)
Caused by: java.io.IOException: No space left on device
\tat java.base/java.io.FileOutputStream.writeBytes(Native Method)
\t... 20 more
"""
CODED = """[STREAM_FAILED] Query [id = 1, runId = 2] terminated with exception: [BAD_FILE] Not a \
Parquet file: x. SQLSTATE: XXKST
=== Streaming Query ===
Identifier: fleet
   : +- ~Relation [Error: x] SQLSTATE: none
"""
WRITE = """Job aborted due to stage failure: x
: org.apache.spark.SparkException: [TASK_WRITE_FAILED] Task failed while writing rows to [A] B.
"""
CALL = "An error occurred while calling None.X.\n: java.lang.IllegalStateException: It is stopped\n"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (WORKER, "state of a shard is damaged"),
        (JVM, "IOException: No space left on device"),
        (CODED, "Not a Parquet file: x"),
        (WRITE, "Task failed while writing rows to [A] B."),
        (CALL, "IllegalStateException: It is stopped"),
        ("", "no reason given"),
        ("plain words", "plain words"),
    ],
)
def test_the_cause_is_found_in_a_stack_trace(text: str, cause: str) -> None:
    assert cause_of(text) == cause


class _Thrown:
    """An exception of Java as it appears in Python."""

    def __init__(self, text: str, cause: _Thrown | None = None) -> None:
        self._text, self._cause = text, cause

    def toString(self) -> str:
        return self._text

    def getCause(self) -> _Thrown | None:
        return self._cause


class _FailedError(Exception):
    def __init__(self, text: str, thrown: _Thrown) -> None:
        super().__init__(text)
        self.java_exception = thrown


READ = "Encountered error while reading file file:///in/a.parquet."
MAGIC = "file:/in/a.parquet is not a Parquet file"


@pytest.mark.parametrize("kind", ["NO_HINT", "CANNOT_READ_FILE_FOOTER"])
@pytest.mark.parametrize(
    "start", ["", "[STREAM_FAILED] Query [id = 1] terminated with exception: "]
)
def test_a_damaged_file_is_explained_with_a_remedy(kind: str, start: str) -> None:
    text = f"{start}[FAILED_READ_FILE.{kind}] {READ} SQLSTATE: KD001"
    thrown = _Thrown(
        f"org.x.SparkException: {text}", _Thrown(f"java.lang.RuntimeException: {MAGIC}")
    )
    assert explain(_FailedError(text, thrown)) == (
        f"{READ.rstrip('.')}: RuntimeException: {MAGIC}; if the file is damaged, take it away, or "
        "leave such files out with --conf spark.sql.files.ignoreCorruptFiles=true"
    )


def test_the_remedy_is_given_for_causes_of_any_length() -> None:
    thrown = _Thrown(f"[FAILED_READ_FILE.NO_HINT] {READ}", _Thrown("x" * 10_000))
    assert explain(_FailedError("Job aborted", thrown)).endswith("ignoreCorruptFiles=true")


def test_a_missing_file_gets_no_remedy_for_damage() -> None:
    text = f"[FAILED_READ_FILE.FILE_NOT_EXIST] {READ} File does not exist"
    assert explain(_FailedError(text, _Thrown(text))) == f"{READ} File does not exist"


def test_a_long_cause_is_shortened() -> None:
    assert len(cause_of("x" * 10_000)) == 400


def test_an_error_names_the_log() -> None:
    assert str(SparkError("no").with_log(Path("a.log"))) == "no (Spark's log: a.log)"
