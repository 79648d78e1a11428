"""Of pages of stack, the one line that says what has happened."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamer.errors import SparkError
from streamer.fleet.spark.failures import cause_of

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
CALL = "An error occurred while calling None.X.\n: java.lang.IllegalStateException: It is stopped\n"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (WORKER, "state of a shard is damaged"),
        (JVM, "IOException: No space left on device"),
        (CODED, "[BAD_FILE] Not a Parquet file: x"),
        (CALL, "IllegalStateException: It is stopped"),
        ("", "it does not say why"),
        ("plain words", "plain words"),
    ],
)
def test_the_cause(text: str, cause: str) -> None:
    assert cause_of(text) == cause


def test_a_cause_is_not_a_page() -> None:
    assert len(cause_of("x" * 10_000)) == 400


def test_where_there_is_more_to_read() -> None:
    assert str(SparkError("no").with_log(Path("a.log"))) == "no (Spark's log: a.log)"
