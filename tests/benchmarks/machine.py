"""Description of the machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.benchmarks.engines import CORES

_PACKAGES = ("numpy", "tensorflow", "keras", "onnxruntime", "river", "rich", "pyspark")


def machine() -> dict[str, object]:
    """Processor, cores, load, system and versions."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "cores": CORES,
        "load_before": os.getloadavg()[0],
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": versions,
    }


def _processor() -> str:
    """Name of the processor, with the vector instructions that streamer uses."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    named = {key.strip(): value.strip() for key, value in facts.items()}
    flags = named.get("flags", "").split()
    vectors = [name for name in ("avx2", "avx512f") if name in flags]
    return ", ".join([named.get("model name", "unknown"), *vectors])
