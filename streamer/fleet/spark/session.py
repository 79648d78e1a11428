"""The Spark session: on this machine without any setup, or on a cluster with its settings."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from streamer.errors import SparkError, UsageError
from streamer.fleet.spark.failures import explained, logged
from streamer.fleet.spark.needs import check_java, check_packages
from streamer.fleet.spark.signals import children_ignoring_sigterm, noted_signals

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
    # Hardly a number comes twice: looking each up costs a quarter of the JVM's time with ten
    # thousand meters, and saves 6 % of the size.
    "spark.hadoop.parquet.enable.dictionary": "false",
    "spark.hadoop.parquet.enable.dictionary#meter": "true",
    "spark.metrics.namespace": "streamer",
    # The server of the states takes the first connection to its port, whoever makes it. If that is
    # not its worker, Spark waits for ever. So it has no port, but a socket in the file system, to
    # which only its owner can connect. Its path has at most 107 bytes; in the folder of a container
    # of YARN, it would be longer.
    "spark.python.unix.domain.socket.dir": "/tmp",  # noqa: S108
    "spark.python.unix.domain.socket.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
    "spark.sql.session.timeZone": "UTC",
    # Times in nanoseconds, as pandas writes them, are read as numbers; Spark has no such type.
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    "spark.sql.streaming.metricsEnabled": "true",
    # A report on a batch has the summaries of its shards: 40 MB for ten million meters.
    "spark.sql.streaming.numRecentProgressUpdates": "20",
    "spark.sql.streaming.ui.retainedProgressUpdates": "20",
    f"{_STATE_STORE}.providerClass": ROCKSDB,
    # The compressed state of a shard changes as a whole. Two versions of it are kept, that of the
    # last complete batch and that of the one under way, which is the least from which a query can
    # continue; as changes beside snapshots, they would take several times the room.
    f"{_STATE_STORE}.rocksdb.changelogCheckpointing.enabled": "false",
    f"{_STATE_STORE}.rocksdb.compactOnCommit": "true",
    f"{_STATE_STORE}.maintenanceInterval": "10s",
    "spark.sql.streaming.minBatchesToRetain": "2",
    "spark.sql.streaming.ratioExtraSpaceAllowedInCheckpoint": "0",
    "spark.ui.prometheus.enabled": "true",
    "spark.ui.showConsoleProgress": "false",
    f"{_PROMETHEUS}.class": "org.apache.spark.metrics.sink.PrometheusServlet",
    f"{_PROMETHEUS}.path": "/metrics/prometheus",
    # A worker computes on one thread, because there are as many workers as cores.
    **{f"spark.executorEnv.{library}_NUM_THREADS": "1" for library in _BLAS},
}
# The optimising compiler takes half the cores for minutes, and saves little compared with the work
# of the network. It is turned off where it would share the cores.
_NO_OPTIMISING = "-XX:TieredStopAtLevel=1"
_LOCAL_AT_LAUNCH = {"spark.driver.memory": "2g", "spark.driver.extraJavaOptions": _NO_OPTIMISING}
_LOCAL_DEFAULTS = {
    "spark.executor.extraJavaOptions": _NO_OPTIMISING,
    "spark.driver.bindAddress": LOOPBACK,
    "spark.driver.host": LOOPBACK,
}
LOCAL_FILE_MANAGER = (
    "spark.sql.streaming.checkpointFileManagerClass",
    "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager",
)
"""Setting for checkpoints in the local file system. Both managers write a file under another name,
and rename it, which replaces an existing one at once. But the default one starts four processes
for each, since Hadoop has no native code here: some 50 in a batch. It is needed elsewhere, where
renaming through the other interface replaces nothing."""

_END_S = 60.0
_ELSEWHERE = {"HADOOP_CONF_DIR", "SPARK_CONF_DIR", "PYSPARK_GATEWAY_PORT"}
"""Variables with which a path without a scheme may be one of another file system."""

_AT_LAUNCH = ("spark.driver.", "spark.jars", "spark.master", "spark.submit.")
_SET_BY_SHELL = ("spark.app.name", "spark.ui.showConsoleProgress")
"""Settings that PySpark would set for a shell, unless the JVM is started with them."""


@dataclass(frozen=True)
class SparkSettings:
    """Settings of Spark.

    Attributes:
        master: Spark's master; None for that of spark-submit, or all cores of this machine.
        conf: Spark's own settings, which take precedence over ours.
        verbose: whether Spark's log is shown on the terminal.
    """

    master: str | None = None
    conf: Mapping[str, str] = field(default_factory=dict)
    verbose: bool = False

    def is_on_this_machine(self, place: str) -> bool:
        """Whether a path or URL is one of this machine, and not of a cluster's file system."""
        if place.startswith("file:"):
            return True
        has_default = "spark.hadoop.fs.defaultFS" in self.conf or os.environ.keys() & _ELSEWHERE
        return is_local(self.master) and "://" not in place and not has_default


def parse_conf(settings: list[str]) -> dict[str, str]:
    """Parse Spark's own settings, each written as `key=value`.

    Raises:
        UsageError: a setting is malformed.

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


def is_local(master: str | None) -> bool:
    """Whether everything runs on this machine, judging by the master's name; None is local.

    >>> [is_local(it) for it in (None, "local[2]", "spark://127.0.0.1:7077", "yarn")]
    [True, True, True, False]
    """
    return master is None or bool(
        re.match(r"local(-cluster)?\b|spark://(localhost|127\.0\.0\.1)\b", master)
    )


def check_spark(settings: SparkSettings) -> None:
    """Check the requirements that Spark itself reports badly or not at all.

    Raises:
        UsageError: Spark or Java is missing or unsuitable.
        SparkError: the master does not answer.
    """
    check_packages()
    if not _is_submitted():
        check_java()
    if settings.master is not None:
        check_master(settings.master)


def check_master(master: str) -> None:
    """Check that a standalone master accepts connections.

    Raises:
        SparkError: it does not.
    """
    if not master.startswith("spark://"):
        return
    for place in master.removeprefix("spark://").split(","):
        host, _, port = place.rpartition(":")
        with contextlib.suppress(OSError, ValueError, OverflowError):
            socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_S).close()
            return
    raise SparkError(f"{master} does not answer: check the address, and that the master is running")


@contextlib.contextmanager
def spark_session(settings: SparkSettings) -> Iterator[SparkSession]:
    """A session, stopped at the end together with the JVM if it was started here.

    Raises:
        SparkError: Spark does not start.
    """
    if not _is_submitted():
        _prepare_environment(settings)
    with _log(settings) as log, contextlib.ExitStack() as stack:
        with noted_signals(
            "ending as soon as Spark has started; a second signal ends at once"
        ) as signals:
            gateway = stack.enter_context(_gateway(settings, log))
            session = _start(settings, gateway)
            stack.callback(_end_quietly, session.stop)
        if signals:
            sys.exit(128 + signals[0])
        yield session


def _end_quietly(end: Callable[[], object]) -> None:
    """End something in the JVM, ignoring all errors.

    The JVM may already have ended. Ctrl-C may have left the connection to it out of step, so
    that a call raises any exception; but the JVM ends with its standard input anyway.
    """
    with contextlib.suppress(Exception):
        end()


def _is_submitted() -> bool:
    """Whether this process was started by spark-submit, which has set up a JVM."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def _prepare_environment(settings: SparkSettings) -> None:
    """Set the environment of the JVM and its Python workers, except variables already set."""
    for library in _BLAS:
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    if is_local(settings.master):
        os.environ.setdefault("SPARK_LOCAL_IP", LOOPBACK)
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)


@contextlib.contextmanager
def _log(settings: SparkSettings) -> Iterator[IO[bytes] | None]:
    """A file for the output of the JVM, kept if Spark fails; None for the terminal."""
    if settings.verbose or _is_submitted():
        yield None
        return
    with tempfile.NamedTemporaryFile(prefix="streamer-fleet-", suffix=".log", delete=False) as log:
        path = Path(log.name)
        try:
            yield log
        except SparkError as error:
            raise logged(error, path) from None
        except BaseException:
            path.unlink()
            raise
        path.unlink()


def _silence_accumulators() -> None:
    """Let PySpark's server of accumulators print nothing when the JVM ends.

    It would print a traceback of twenty lines from a thread of its own, in the middle of the
    explanation.
    """
    from pyspark import accumulators

    def nothing(*_: object) -> None:
        return

    for server in (accumulators.AccumulatorTCPServer, accumulators.AccumulatorUnixServer):
        server.handle_error = nothing


@contextlib.contextmanager
def _gateway(settings: SparkSettings, log: IO[bytes] | None) -> Iterator[Any]:
    """The JVM with Spark in it: that of spark-submit, or a new one."""
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    local = _LOCAL_AT_LAUNCH if is_local(settings.master) else {}
    given = {**_DEFAULTS, "spark.master": LOCAL, **local, **_given(settings)}
    conf = SparkConf(loadDefaults=False)
    at_launch = _AT_LAUNCH + _SET_BY_SHELL  # all others can be set later
    conf.setAll([(key, value) for key, value in given.items() if key.startswith(at_launch)])
    _silence_accumulators()
    streams = {} if log is None else {"stdout": log, "stderr": log}
    with explained("Spark's JVM does not start"), children_ignoring_sigterm():
        gateway = launch_gateway(conf, popen_kwargs=streams)
    try:
        yield gateway
    finally:
        _end_quietly(gateway.shutdown)
        SparkContext._gateway = SparkContext._jvm = None  # noqa: SLF001 - no public way to end it
        if gateway.proc is not None:
            # It runs as long as its standard input is open.
            gateway.proc.stdin.close()
            try:
                gateway.proc.wait(_END_S)
            except subprocess.TimeoutExpired:
                gateway.proc.kill()
                gateway.proc.wait()


def _given(settings: SparkSettings) -> dict[str, str]:
    master = {} if settings.master is None else {"spark.master": settings.master}
    return {**master, **settings.conf}


def _start(settings: SparkSettings, gateway: Any) -> SparkSession:
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    with explained("Spark does not start"):
        # It already has the settings of spark-submit and spark-defaults.conf.
        conf = SparkConf(_jvm=gateway.jvm)
        for key, value in _given(settings).items():
            conf.set(key, value)
        defaults = dict(_DEFAULTS)
        if is_local(conf.get("spark.master")):
            defaults |= _LOCAL_DEFAULTS
        for key, value in defaults.items():
            conf.setIfMissing(key, value)
        handler = signal.getsignal(signal.SIGINT)
        context = SparkContext(conf=conf, gateway=gateway)
        if threading.current_thread() is threading.main_thread():
            # Instead of PySpark's, which would raise an exception in the middle of a call.
            signal.signal(signal.SIGINT, handler)
        context.setLogLevel("WARN")
        return SparkSession(context)
