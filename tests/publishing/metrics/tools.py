"""Prometheus and promtool, as from Debian, for tests."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.publishing.processes import TIMEOUT_S, Child

PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")

needs_prometheus = [
    pytest.mark.prometheus,
    pytest.mark.skipif(
        PROMETHEUS is None or PROMTOOL is None,
        reason="prometheus and promtool are not installed (Debian: prometheus)",
    ),
]


def promtool(*arguments: str, text: bytes | None = None) -> None:
    """Run promtool, which must succeed and write nothing on standard error."""
    assert PROMTOOL is not None
    done = subprocess.run(
        [PROMTOOL, *arguments], input=text, capture_output=True, timeout=TIMEOUT_S
    )
    assert (done.returncode, done.stderr.decode()) == (0, ""), done.stdout.decode()


class Prometheus(Child):
    """A Prometheus that scrapes each second.

    Args:
        folder: folder for its files.
        port: where it listens.
        target: what it scrapes, as the job `streamer`.
        rules: file with rules.
    """

    def __init__(self, folder: Path, port: int, target: str, rules: Path) -> None:
        assert PROMETHEUS is not None
        config = folder / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            f"rule_files: [{json.dumps(str(rules))}]\n"
            "scrape_configs:\n"
            f"  - {{job_name: streamer, static_configs: [{{targets: ['{target}']}}]}}\n"
        )
        self._url = f"http://127.0.0.1:{port}/api/v1"
        super().__init__(
            folder,
            PROMETHEUS,
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        )

    def query(self, expression: str) -> dict[str, float]:
        """Values of an expression now, by the labels that are not those of the target."""
        data = self._get("query", query=expression)
        return {
            ",".join(
                f"{name}={value}"
                for name, value in sorted(row["metric"].items())
                if name not in ("__name__", "instance", "job", "meter")
            ): float(row["value"][1])
            for row in data["result"]
        }

    def firing(self) -> set[str]:
        """Names of the alerts that fire."""
        alerts = self._get("alerts")["alerts"]
        return {each["labels"]["alertname"] for each in alerts if each["state"] == "firing"}

    def _get(self, path: str, **parameters: str) -> Any:
        try:
            with urlopen(f"{self._url}/{path}?{urlencode(parameters)}", timeout=10) as answer:  # noqa: S310
                found = json.load(answer)
        except ConnectionError as error:
            raise AssertionError(f"{error}\n{self.log.read_text()}") from None
        assert found["status"] == "success", found
        return found["data"]


def watcher(folder: Path, *arguments: str) -> Child:
    """A `streamer watch`."""
    return Child(folder, sys.executable, "-m", "streamer", "watch", *arguments)
