"""What has to be installed before Spark can start, said in one line each."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from streamer.errors import MissingExtraError, UsageError, install_hint

FEATURE = "streamer fleet"
EXTRA = "spark"
OLDEST_JAVA = 17
_GET_JAVA = "apt-get install openjdk-17-jre-headless, or set JAVA_HOME"


def check_packages() -> None:
    """See that PySpark is there, and what its state in Python needs but does not declare.

    Without them a worker dies, and Spark does not say why.

    Raises:
        MissingExtraError: one of them is not installed.
        UsageError: one is of a version that does not go with it.
    """
    found = {name: _version_of(name) for name in ("pyspark", "pandas", "pyarrow", "protobuf")}
    if any(text is None for text in found.values()):
        raise MissingExtraError(FEATURE, EXTRA)
    pyspark, pandas = found["pyspark"], found["pandas"]
    if _leading(pyspark) < (4, 2):
        raise UsageError(f"PySpark {pyspark} is too old for {FEATURE}: {install_hint(EXTRA)}")
    if _leading(pandas) >= (3,):
        raise UsageError(
            f"pandas {pandas} is too new for PySpark's state in Python, which needs a version "
            f"below 3: {install_hint(EXTRA)}"
        )


def find_java() -> Path:
    """The `java` that Spark would run: of JAVA_HOME, or else the first on the PATH.

    Raises:
        UsageError: there is none.
    """
    home = os.environ.get("JAVA_HOME")
    if home:
        java = Path(home, "bin", "java")
        if not os.access(java, os.X_OK):
            raise UsageError(
                f"JAVA_HOME is {home}, but there is no bin/java: mend it, or unset it to use "
                "the PATH's"
            )
        return java
    found = shutil.which("java")
    if found is None:
        raise UsageError(f"Java {OLDEST_JAVA} or newer is needed, and there is none: {_GET_JAVA}")
    return Path(found)


def check_java() -> None:
    """See that there is a Java that Spark runs on.

    Raises:
        UsageError: there is none, it is too old, or it does not run.
    """
    java = find_java()
    try:
        done = subprocess.run(  # noqa: S603 - the very program that Spark is going to run
            [java, "-version"], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        raise UsageError(
            f"{java} does not run: Java {OLDEST_JAVA} or newer is needed: {_GET_JAVA}"
        ) from None
    release = parse_java_release(done.stderr + done.stdout)
    if release is not None and release < OLDEST_JAVA:
        raise UsageError(
            f"{java} is Java {release}; Java {OLDEST_JAVA} or newer is needed: {_GET_JAVA}"
        )


def parse_java_release(text: str) -> int | None:
    """The release out of what `java -version` says; None where it does not say.

    >>> parse_java_release('openjdk version "17.0.15" 2025-04-15')
    17
    >>> parse_java_release('java version "1.8.0_292"')
    8
    """
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found.group(1)) if found else None


def _version_of(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _leading(text: str | None) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text or "")[:2])
