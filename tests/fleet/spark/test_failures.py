"""Tests of the one-line explanations of Spark's errors."""

from __future__ import annotations

from pathlib import Path

import pytest
from py4j.protocol import Py4JError, Py4JNetworkError

from streamer.errors import SparkError, UsageError
from streamer.fleet.spark.failures import cause_of, explain, explained, logged

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
TASK = """org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 6.0 \
failed 1 times, most recent failure: Lost task 0.0 in stage 6.0 (TID 6) (127.0.0.1 executor \
driver): java.io.IOException: Mkdirs failed to create file:/x
"""
CALL = "An error occurred while calling None.X.\n: java.lang.IllegalStateException: It is stopped\n"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (WORKER, "state of a shard is damaged"),
        (JVM, "IOException: No space left on device"),
        (CODED, "Not a Parquet file: x"),
        (WRITE, "Task failed while writing rows to [A] B."),
        (TASK, "IOException: Mkdirs failed to create file:/x"),
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


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "Connection refused"),
        Py4JNetworkError("Answer from Java side is empty"),
        Py4JError("An error occurred while calling o52.awaitTermination"),
        EOFError(),
    ],
)
def test_a_jvm_that_has_died_is_named_with_the_remedy(error: Exception) -> None:
    assert explain(error) == (
        "the JVM of Spark has died: it was killed, or the machine ran out of memory; the same "
        "command continues after the last complete batch"
    )
    with (
        pytest.raises(SparkError, match=r"^it failed: the JVM of Spark has died"),
        explained("it failed"),
    ):
        raise error if not isinstance(error, EOFError) else ConnectionResetError


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Job aborted due to stage failure: java.io.EOFException", "a Python worker of Spark"),
        ("Job aborted: java.net.SocketException: Broken pipe", "a Python worker of Spark"),
        ("Python worker exited unexpectedly (crashed)", "a Python worker of Spark"),
        ("Job aborted: ExecutorLostFailure (executor 1 exited)", "an executor of Spark"),
    ],
)
def test_a_worker_that_has_died_is_named_with_the_remedy(text: str, what: str) -> None:
    found = explain(_FailedError(text, _Thrown(text)))
    assert found.startswith(f"{what} has died: it was killed")
    assert found.endswith("; the same command continues after the last complete batch")


def test_a_broken_pipe_in_python_is_not_the_death_of_a_worker() -> None:
    text = f"Job aborted: {_PYTHON_ERROR}"
    assert "has died" not in explain(_FailedError(text, _Thrown(text)))


def test_a_worker_that_is_slow_to_start_has_not_died() -> None:
    text = "org.apache.spark.SparkException: Python worker failed to connect back."
    assert explain(_FailedError(text, _Thrown(text))) == (
        "a Python worker of Spark did not start in time: the machine is busy; the same command "
        "continues after the last complete batch"
    )


_PYTHON_ERROR = """Traceback (most recent call last):
  File "/x.py", line 1, in main
KafkaError: Broken pipe
"""


def test_a_long_cause_is_shortened() -> None:
    assert len(cause_of("x" * 10_000)) == 400


def test_an_error_names_the_log_and_packages_that_were_not_found(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("WARN x")
    assert str(logged(SparkError("no"), log)) == f"no (Spark's log: {log})"
    log.write_text("RuntimeException: [unresolved dependency: io.delta#delta_2.13;4.0: not found]")
    assert str(logged(SparkError("no"), log)) == (
        "no Maven repository has io.delta:delta_2.13:4.0: check --packages, and that a repository "
        f"can be reached (Spark's log: {log})"
    )


def test_a_jar_for_another_version_is_named_as_the_cause() -> None:
    text = "java.lang.IncompatibleClassChangeError: class x.SparkView can not implement y.View"
    assert explain(_FailedError(text, _Thrown(text))).endswith(
        "View; a jar is for another version of Spark: give the one that is for this version"
    )


def test_an_unknown_format_is_an_error_of_usage_with_its_jar() -> None:
    from pyspark.errors import AnalysisException

    unknown = AnalysisException("[X] Failed to find data source: my.format. SQLSTATE: 42K02")
    message = r"^out: Spark does not know the format my\.format: give its jar"
    with pytest.raises(UsageError, match=message), explained("out"):
        raise unknown
