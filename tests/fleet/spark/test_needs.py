"""Tests of the requirements checked before Spark starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamer.errors import UsageError
from streamer.fleet.spark import needs

VERSIONS = {"pyspark": "4.3.0", "pandas": "2.3.3", "pyarrow": "20.0", "protobuf": "6.0"}


def make_java(folder: Path, says: str, status: int = 0) -> Path:
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit {status}\n")
    java.chmod(0o755)
    return java


def test_a_missing_java_is_reported_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"Java 17 or newer is needed.*openjdk-17-jre-headless"):
        needs.check_java()


@pytest.mark.parametrize(
    ("says", "release"),
    [('openjdk version "11.0.2" 2019-01-15', 11), ('java version "1.8.0_292"', 8)],
)
def test_an_old_java_is_rejected(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, says: str, release: int
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    make_java(tmp_path, says)
    with pytest.raises(UsageError, match=rf"is Java {release}; Java 17 or newer"):
        needs.check_java()


def test_a_java_that_does_not_run_is_rejected(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    make_java(tmp_path, "no", status=1)
    with pytest.raises(UsageError, match="does not run"):
        needs.check_java()


def test_a_java_home_without_java_is_rejected(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(UsageError, match="which has no bin/java"):
        needs.check_java()


def test_java_home_takes_precedence_over_the_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "path" / "bin"))
    make_java(tmp_path / "path", 'version "8"')
    java = make_java(tmp_path / "home", 'openjdk version "21.0.1" 2023-10-17')
    needs.check_java()
    assert needs.find_java() == java


INSTALL = r"pip install 'streamer-forecaster\[spark\]'"


@pytest.mark.parametrize(
    ("package", "version", "message"),
    [
        *((name, None, f"needs an extra: {INSTALL}") for name in VERSIONS),
        ("pandas", "3.0.1", f"below 3: {INSTALL}"),
        ("pyspark", "3.5.1", f"too old for streamer fleet: {INSTALL}"),
    ],
)
def test_a_missing_or_unsuitable_package_is_reported_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, package: str, version: str | None, message: str
) -> None:
    monkeypatch.setattr(needs, "_version_of", {**VERSIONS, package: version}.__getitem__)
    with pytest.raises(UsageError, match=message):
        needs.check_packages()


def test_a_missing_jar_is_reported_before_spark_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("SPARK_HOME", "SPARK_CONF_DIR", "PYSPARK_GATEWAY_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(needs, "_version_of", {"pyspark": "4.2.1"}.get)
    for name, jar in (
        ("kafka", "org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.1"),
        ("delta", "io.delta:delta-spark_4.2_2.13:VERSION"),
        ("iceberg", "org.apache.iceberg:iceberg-spark-runtime-4.2_2.13:VERSION"),
    ):
        with pytest.raises(UsageError, match=f"format {name}: give its jar with --packages {jar}"):
            needs.check_jar(name, {"spark.ui.port": "1"})
        for key in ("spark.jars.packages", "spark.jars", "spark.driver.extraClassPath"):
            needs.check_jar(name, {key: "x"})
    needs.check_jar("rate", {})
    needs.check_jar(None, {})
    monkeypatch.setenv("SPARK_HOME", "/opt/spark")
    needs.check_jar("kafka", {})
