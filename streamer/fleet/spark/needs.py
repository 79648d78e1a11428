"""Requirements of Spark: packages, Java and jars, with one-line errors if they are missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from streamer.errors import MissingExtraError, UsageError, install_hint

FEATURE = "streamer fleet"
EXTRA = "spark"
MIN_JAVA = 17
_GET_JAVA = "apt-get install openjdk-17-jre-headless, or set JAVA_HOME"

_JARS = {
    "kafka": "org.apache.spark:spark-sql-kafka-0-10_2.13:{spark}",
    "delta": "io.delta:delta-spark_{minor}_2.13:VERSION",
    "iceberg": "org.apache.iceberg:iceberg-spark-runtime-{minor}_2.13:VERSION",
}
"""Maven coordinates of formats that are not part of Spark."""

_OTHER_SPARK = {"SPARK_HOME", "SPARK_CONF_DIR", "PYSPARK_GATEWAY_PORT"}
"""Variables with which Spark is another than that of PySpark's package."""


def check_packages() -> None:
    """Check that PySpark is installed, and the packages that its state in Python requires.

    PySpark does not declare them. Without them a worker dies, and Spark gives no reason.

    Raises:
        MissingExtraError: one of them is not installed.
        UsageError: one of them has an unsuitable version.
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


def check_jar(format: str | None, settings: Mapping[str, str]) -> None:
    """Check that the jar of a format is there, as far as that can be known without Spark.

    Args:
        format: Spark's name of the format.
        settings: Spark's own settings that are given.

    Raises:
        UsageError: the jar is missing.
    """
    if format not in _JARS or os.environ.keys() & _OTHER_SPARK:
        return
    if any(re.search(r"\bjars\b|extraClassPath", key) for key in settings):
        return
    spec = find_spec("pyspark")
    home = Path(str(spec and spec.origin)).parent
    name = re.match("[a-z-]+", _JARS[format].split(":")[1])
    if name and not any(home.glob(f"jars/{name[0]}*.jar")) and not (home / "conf").exists():
        raise UsageError(missing_format(format))


def missing_format(format: str) -> str:
    """Message that Spark does not know a format, with the remedy."""
    spark = _version_of("pyspark") or ""
    minor = ".".join(map(str, _leading(spark)))
    jar = _JARS.get(format, "GROUP:NAME:VERSION").format(spark=spark, minor=minor)
    other = ", as docs/examples/kafka_source" if format == "kafka" else ""
    return (
        f"Spark does not know the format {format}: give its jar with --packages {jar}, or a data "
        f"source in Python with --data-source{other}"
    )


def find_java() -> Path:
    """The `java` that Spark would run: that of JAVA_HOME, or the first on the PATH.

    Raises:
        UsageError: Java is not found.
    """
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin" if home else None)
    if found is not None:
        return Path(found)
    if home:
        raise UsageError(
            f"JAVA_HOME is {home}, which has no bin/java: correct it, or unset it to use the java "
            "on the PATH"
        )
    raise UsageError(f"Java {MIN_JAVA} or newer is needed, and none was found: {_GET_JAVA}")


def check_java() -> None:
    """Check that a suitable Java is installed.

    Raises:
        UsageError: Java is not found, too old, or does not run.
    """
    java = find_java()
    try:
        done = subprocess.run(  # noqa: S603 - the program that Spark will run
            [java, "-version"], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        raise UsageError(
            f"{java} does not run: Java {MIN_JAVA} or newer is needed: {_GET_JAVA}"
        ) from None
    # Up to Java 8, it was 1.8.
    release = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    if release is not None and int(release[1]) < MIN_JAVA:
        raise UsageError(
            f"{java} is Java {release[1]}; Java {MIN_JAVA} or newer is needed: {_GET_JAVA}"
        )


def _version_of(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _leading(text: str | None) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text or "")[:2])
