"""The Spark session: on a laptop with nothing set up, on a cluster as the cluster has it."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from streamer.errors import SparkError, UsageError
from streamer.fleet.spark.failures import explained
from streamer.fleet.spark.needs import check_java, check_packages
from streamer.fleet.spark.signals import deaf_children, heard

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOOPBACK = "127.0.0.1"
LOCAL = "local[*]"
ROCKSDB = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
_STATE_STORE = "spark.sql.streaming.stateStore"
_PROMETHEUS = "spark.metrics.conf.*.sink.prometheusServlet"
_ANSWER_S = 10.0
_BLAS = ("OMP", "OPENBLAS", "MKL")

_DEFAULTS = {
    "spark.app.name": "streamer fleet",
    "spark.executor.memory": "900m",
    "spark.metrics.namespace": "streamer",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.streaming.metricsEnabled": "true",
    f"{_STATE_STORE}.providerClass": ROCKSDB,
    # Only what has changed is written at each batch, not a snapshot of everything.
    f"{_STATE_STORE}.rocksdb.changelogCheckpointing.enabled": "true",
    "spark.ui.prometheus.enabled": "true",
    "spark.ui.showConsoleProgress": "false",
    f"{_PROMETHEUS}.class": "org.apache.spark.metrics.sink.PrometheusServlet",
    f"{_PROMETHEUS}.path": "/metrics/prometheus",
    # A worker computes on one thread, for there are as many of them as cores.
    **{f"spark.executorEnv.{library}_NUM_THREADS": "1" for library in _BLAS},
}
# The optimising compiler takes half the cores for minutes, and what it saves is little beside
# the network's work. It is left out where we share the cores with it.
_QUICK = "-XX:TieredStopAtLevel=1"
_HERE_AT_LAUNCH = {"spark.driver.memory": "2g", "spark.driver.extraJavaOptions": _QUICK}
_HERE_DEFAULTS = {
    "spark.executor.extraJavaOptions": _QUICK,
    "spark.driver.bindAddress": LOOPBACK,
    "spark.driver.host": LOOPBACK,
}
_SHELLS = {"spark.app.name", "spark.ui.showConsoleProgress"}
_END_S = 60.0
_AT_LAUNCH = ("spark.driver.", "spark.jars", "spark.master", "spark.submit.")


@dataclass(frozen=True)
class Engine:
    """Where and how Spark is to run.

    Attributes:
        master: as Spark has it; None for what spark-submit says, or else all cores here.
        conf: settings of Spark's own, which go before ours.
        packages: Maven coordinates of jars to fetch, with commas between them.
        verbose: whether Spark's log goes to the terminal.
    """

    master: str | None = None
    conf: Mapping[str, str] = field(default_factory=dict)
    packages: str | None = None
    verbose: bool = False


def parse_conf(settings: list[str]) -> dict[str, str]:
    """Settings of Spark's, each written as `key=value`.

    Raises:
        UsageError: one is not.

    >>> parse_conf(["spark.ui.port=4050"])
    {'spark.ui.port': '4050'}
    """
    parsed = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not re.fullmatch(r"spark\.\S+", key.strip()):
            raise UsageError(f"--conf {setting!r}: write it like spark.ui.port=4050")
        parsed[key.strip()] = value
    return parsed


def is_here(master: str | None) -> bool:
    """Whether all runs on this machine, as far as the master's name says; none is local.

    >>> [is_here(it) for it in (None, "local[2]", "spark://127.0.0.1:7077", "yarn")]
    [True, True, True, False]
    """
    return master is None or bool(
        re.match(r"local(-cluster)?\b|spark://(localhost|127\.0\.0\.1)\b", master)
    )


def check_engine(engine: Engine) -> None:
    """See to all that Spark itself would fail without saying so plainly.

    Raises:
        UsageError: Spark or its Java is not there, or does not fit.
        SparkError: there is no such master.
    """
    check_packages()
    if not _is_submitted():
        check_java()
    if engine.master is not None:
        check_master(engine.master)


def check_master(master: str) -> None:
    """See that somebody answers where a standalone master is said to be.

    Raises:
        SparkError: nobody does.
    """
    if not master.startswith("spark://"):
        return
    for place in master.removeprefix("spark://").split(","):
        host, _, port = place.rpartition(":")
        with contextlib.suppress(OSError, ValueError, OverflowError):
            socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_S).close()
            return
    raise SparkError(f"{master} does not answer: is that where the master is, and does it run?")


@contextlib.contextmanager
def spark_session(engine: Engine) -> Iterator[SparkSession]:
    """A session, stopped at the end, and with it the JVM if it was started here.

    Raises:
        SparkError: Spark does not start.
    """
    if not _is_submitted():
        _prepare_environment(engine)
    with _log(engine) as log, contextlib.ExitStack() as stack:
        with heard("ending as soon as Spark has started; once more ends at once") as signals:
            gateway = stack.enter_context(_gateway(engine, log))
            session = _start(engine, gateway)
            stack.callback(_let_go, session.stop)
        if signals:
            sys.exit(128 + signals[0])
        yield session


def _let_go(end: Callable[[], object]) -> None:
    """End something in the JVM, which may have gone by itself, and then has ended it.

    Nor is it a matter if Ctrl-C has left the connection to it out of step, where a call may
    raise whatever there is: the JVM ends with its standard input.
    """
    with contextlib.suppress(Exception):
        end()


def _is_submitted() -> bool:
    """Whether spark-submit runs us, in a JVM that it has started and set up."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def _prepare_environment(engine: Engine) -> None:
    """Set what the JVM and its Python workers take from the environment, unless it is set."""
    for library in _BLAS:
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    if is_here(engine.master):
        os.environ.setdefault("SPARK_LOCAL_IP", LOOPBACK)
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)


@contextlib.contextmanager
def _log(engine: Engine) -> Iterator[IO[bytes] | None]:
    """A file for what the JVM has to say, kept if Spark fails; None for the terminal."""
    if engine.verbose or _is_submitted():
        yield None
        return
    with tempfile.NamedTemporaryFile(prefix="streamer-fleet-", suffix=".log", delete=False) as log:
        path = Path(log.name)
        try:
            yield log
        except SparkError as error:
            raise error.with_log(path) from None
        except BaseException:
            path.unlink()
            raise
        path.unlink()


@contextlib.contextmanager
def _gateway(engine: Engine, log: IO[bytes] | None) -> Iterator[Any]:
    """The JVM with Spark in it: spark-submit's, or else one of our own."""
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    # What a JVM has to be started with; all else can be set once it is there.
    defaults = {"spark.master": LOCAL, **(_HERE_AT_LAUNCH if is_here(engine.master) else {})}
    said = defaults | _said(engine)
    conf = SparkConf(loadDefaults=False)
    conf.setAll([(key, value) for key, value in said.items() if key.startswith(_AT_LAUNCH)])
    streams = {} if log is None else {"stdout": log, "stderr": log}
    with explained("Spark's JVM does not start"), deaf_children():
        gateway = launch_gateway(conf, popen_kwargs=streams)
    try:
        yield gateway
    finally:
        _let_go(gateway.shutdown)
        SparkContext._gateway = SparkContext._jvm = None  # noqa: SLF001 - there is no other end
        if gateway.proc is not None:
            # It lives for as long as its standard input is open.
            gateway.proc.stdin.close()
            try:
                gateway.proc.wait(_END_S)
            except subprocess.TimeoutExpired:
                gateway.proc.kill()
                gateway.proc.wait()


def _said(engine: Engine) -> dict[str, str]:
    said = {}
    if engine.master is not None:
        said["spark.master"] = engine.master
    if engine.packages is not None:
        said["spark.jars.packages"] = engine.packages
    return said | dict(engine.conf)


def _start(engine: Engine, gateway: Any) -> SparkSession:
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    with explained("Spark does not start"):
        # By now it holds what spark-submit and spark-defaults.conf say.
        conf = SparkConf(_jvm=gateway.jvm)
        for key, value in _said(engine).items():
            conf.set(key, value)
        defaults = dict(_DEFAULTS)
        if is_here(conf.get("spark.master")):
            defaults |= _HERE_DEFAULTS
        for key, value in defaults.items():
            conf.setIfMissing(key, value)
        if not _is_submitted():
            # Of these, it holds what PySpark says for a shell.
            for key in _SHELLS - _said(engine).keys():
                conf.set(key, defaults[key])
        context = SparkContext(conf=conf, gateway=gateway)
        context.setLogLevel("WARN")
        return SparkSession(context)
