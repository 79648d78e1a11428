"""Errors of Spark, explained in one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from streamer.errors import SparkError, UsageError
from streamer.fleet.spark.needs import missing_format

_MAX_LENGTH = 400
"""Characters of a cause; plans and schemas can be pages long."""

_PYTHON = "Traceback (most recent call last)"
_NOISE = (
    r"^streamer\.errors\.\w+: ",
    r"^.* terminated with exception: ",
    r"^.*Job aborted due to stage failure: .* \(TID \d+\) \(\S+ executor \w+\): ",
    r"^(?:[\w$]+\.)+(?=[\w$]+: )",  # the package of a class
    r"^(?:Spark|StreamingQuery)Exception: ",
    r"(?:^|(?<=: ))\[[A-Z][A-Z0-9_.]*\] ",  # Spark's error class, which precedes the message
    r"\.?\s+SQLSTATE: \w+.*$",
)
"""Patterns of what says nothing in a cause, in the order in which it is taken away."""

_ADVICE = {
    r"\[FAILED_READ_FILE\.(NO_HINT|CANNOT_READ_FILE_FOOTER)\]": (
        "if the file is damaged, take it away, or leave such files out with "
        "--conf spark.sql.files.ignoreCorruptFiles=true"
    ),
    r"(IncompatibleClassChange|NoSuchMethod|AbstractMethod|NoClassDefFound)Error": (
        "a jar is for another version of Spark: give the one that is for this version"
    ),
    r"Java gateway process exited": (
        "if it was killed, give the same command again; otherwise its log has the reason"
    ),
}
"""Remedies, by a pattern in Spark's message."""

_CONTINUES = "the same command continues after the last complete batch"

_WHY = "it was killed, or the machine ran out of memory"
_DEATHS = {
    "failed to connect back": "a Python worker of Spark did not start in time: the machine is busy",
    "ExecutorLostFailure": f"an executor of Spark has died: {_WHY}",
    r"EOFException|Python worker (exited|failed|crashed)|Broken pipe|Connection reset": (
        f"a Python worker of Spark has died: {_WHY}"
    ),
}
"""What has died, by a pattern in the reason that Spark gives for a failed query."""

_UNKNOWN_FORMAT = re.compile(r"Failed to find (?:the )?data source: (\S+?)\.?(?:\s|$)")
_UNRESOLVED = re.compile(r"unresolved dependency: ([^#\s]+)#([^;\s]+);(\S+): not found")
_NO_ANSWER = re.compile(r"An error occurred while calling \S+$")
"""Py4J's message without a reason, which only a JVM that has ended fails to give."""

_STACK = re.compile(r"\s*(at [\w.$/]+\(|\.\.\. \d+ more|File \")")


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Convert an error of Spark into one that names the operation and the cause.

    Raises:
        UsageError: Spark does not know a format.
        SparkError: Spark failed.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError, ConnectionError) as error:
        if (unknown := _UNKNOWN_FORMAT.search(str(error))) is not None:
            raise UsageError(f"{what}: {missing_format(unknown[1])}") from None
        raise SparkError(f"{what}: {explain(error)}") from None


def logged(error: SparkError, log: Path) -> SparkError:
    """The same error with the path of Spark's log, and a reason that only the log has."""
    missing = _UNRESOLVED.search(log.read_text("utf-8", "replace"))
    if missing is not None:
        error = SparkError(
            f"no Maven repository has {':'.join(missing.groups())}: check --packages, and that a "
            "repository can be reached"
        )
    return error.with_log(log)


def explain(error: Exception) -> str:
    """Message of an error, with its innermost cause if that adds something, and a remedy.

    Args:
        error: an error of Spark, or of the connection to its JVM.
    """
    from py4j.protocol import Py4JNetworkError

    is_cut_off = isinstance(error, Py4JNetworkError | ConnectionError | EOFError)
    if is_cut_off or _NO_ANSWER.match(str(error).strip()):
        return f"the JVM of Spark has died: {_WHY}; {_CONTINUES}"
    cause, raw = _causes(error)
    for words, what in _DEATHS.items():
        if _PYTHON not in raw and re.search(words, cause):
            return f"{what}; {_CONTINUES}"
    advice = next((advice for words, advice in _ADVICE.items() if re.search(words, raw)), None)
    return cause if advice is None else f"{cause.rstrip('. ')}; {advice}"


def _causes(error: Exception) -> tuple[str, str]:
    """The cause, and Spark's original message."""
    from py4j.protocol import Py4JError

    raw = str(error)
    outer = cause_of(raw)
    thrown: Any = getattr(error, "_origin", None) or getattr(error, "java_exception", None)
    innermost = ""
    try:
        while thrown is not None:
            text = str(thrown.toString())
            raw += text
            innermost = cause_of(text)
            thrown = thrown.getCause()
    except (Py4JError, OSError):
        # The JVM has ended and cannot be queried.
        return outer, raw
    # For an error in Python, the text already contains the cause.
    if _PYTHON in str(error) or not innermost or outer in innermost or innermost in outer:
        return outer, raw
    return _shortened(f"{outer.rstrip('. ')}: {innermost}"), raw


def cause_of(text: str) -> str:
    r"""The cause in a message of Spark, without its stack trace and query.

    >>> cause_of("Traceback (most recent call last):\n  File …\nValueError: no such meter\n")
    'ValueError: no such meter'
    >>> cause_of("[PATH_NOT_FOUND] Path does not exist: x. SQLSTATE: 42K03\n\tat org.apache…")
    'Path does not exist: x'
    """
    text, _, _ = text.partition("=== Streaming Query ===")
    lines = [line for line in text.splitlines() if line.strip() and not _STACK.match(line)]
    python = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Exit)\b:", line)]
    java = [line for line in lines if line.startswith(("Caused by: ", ": "))]
    if _PYTHON in text and python:
        cause = python[-1]
    elif java:
        cause = java[-1].removeprefix("Caused by").removeprefix(": ")
    else:
        cause = (lines or ["no reason given"])[0]
    cause = cause.strip()
    for pattern in _NOISE:
        cause = re.sub(pattern, "", cause)
    return _shortened(cause)


def _shortened(cause: str) -> str:
    return cause if len(cause) <= _MAX_LENGTH else f"{cause[: _MAX_LENGTH - 1]}…"
