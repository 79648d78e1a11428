"""What Spark has to say when it fails, in one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from streamer.errors import SparkError

_MOST = 400
"""Characters of a cause; plans and schemas come in whole pages."""

_PYTHON = "Traceback (most recent call last)"
_CLASS = re.compile(r"(^|: )\[[A-Z][A-Z0-9_.]*\] ")
"""Spark's name for a kind of error, which stands before its words."""

_ADVICE = {
    r"\[FAILED_READ_FILE\.(NO_HINT|CANNOT_READ_FILE_FOOTER)\]": (
        "if the file is damaged, take it away, or leave such files out with "
        "--conf spark.sql.files.ignoreCorruptFiles=true"
    ),
    r"TIMESTAMP\(NANOS": (
        "Spark reads no nanoseconds: write the times in microseconds, with pandas by "
        "to_parquet(…, coerce_timestamps='us')"
    ),
}
"""What to do, by what Spark says."""

_STACK = re.compile(r"\s*(at [\w.$/]+\(|\.\.\. \d+ more|File \")")


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Say what Spark was at when it failed, and its own cause.

    Raises:
        SparkError: Spark has failed.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise SparkError(f"{what}: {explain(error)}") from None


def explain(error: Exception) -> str:
    """What has happened, its innermost cause where that says more, and what to do if we know."""
    cause, raw = _causes(error)
    advice = next((advice for words, advice in _ADVICE.items() if re.search(words, raw)), None)
    return cause if advice is None else f"{cause.rstrip('. ')}; {advice}"


def _causes(error: Exception) -> tuple[str, str]:
    """The cause, and what Spark has said as it has said it."""
    from py4j.protocol import Py4JError

    raw = str(error)
    told = cause_of(raw)
    thrown: Any = getattr(error, "_origin", None) or getattr(error, "java_exception", None)
    innermost = ""
    try:
        while thrown is not None:
            text = str(thrown.toString())
            raw += text
            innermost = cause_of(text)
            thrown = thrown.getCause()
    except (Py4JError, OSError):
        # With the JVM gone there is nobody to ask.
        return told, raw
    # Of one in Python, the text has it already.
    if _PYTHON in str(error) or not innermost or told in innermost or innermost in told:
        return told, raw
    return _shortened(f"{told.rstrip('. ')}: {innermost}"), raw


def cause_of(text: str) -> str:
    r"""The cause in what Spark says, without the stack and the query around it.

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
        cause = re.sub(r"^streamer\.errors\.\w+: ", "", python[-1])
    elif java:
        cause = java[-1].removeprefix("Caused by").removeprefix(": ")
    else:
        cause = (lines or ["it does not say why"])[0]
    cause = re.sub(r"^.* terminated with exception: ", "", cause.strip())
    cause = re.sub(r"^(?:[\w$]+\.)+([\w$]+: )", r"\1", cause)
    cause = re.sub(r"^(?:Spark|StreamingQuery)Exception: ", "", cause)
    cause = _CLASS.sub(r"\1", cause)
    return _shortened(re.sub(r"\.?\s+SQLSTATE: \w+.*$", "", cause))


def _shortened(cause: str) -> str:
    return cause if len(cause) <= _MOST else f"{cause[: _MOST - 1]}…"
