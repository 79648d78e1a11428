"""Tests of the page in a real browser."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path

import pytest

from streamer.reporting import DAY, MONTH, render_report
from tests.reporting.recordings import household, minutes, record, unix

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--hide-scrollbars",
)

# A window cannot be as narrow as a telephone, but a frame in it can.
_FRAME = '<iframe width="{}" height="900" style="border:0" srcdoc="{}"></iframe>'
_PROBE = """<!DOCTYPE html><meta charset="utf-8"><body>FRAMES<pre id="found"></pre><script>
const look = (frame) => {
  const page = frame.contentDocument;
  page.querySelector("details").open = true;
  const figures = [...page.querySelectorAll("svg[role=img]")]
    .filter((figure) => figure.getClientRects().length);
  const texts = figures.flatMap((figure) => [...figure.querySelectorAll("text")]);
  const boxes = texts.map((text) => text.getBoundingClientRect());
  const heights = texts.map((text) => parseFloat(getComputedStyle(text).fontSize)
    * text.ownerSVGElement.getBoundingClientRect().width
    / text.ownerSVGElement.viewBox.baseVal.width);
  return {
    inner: page.documentElement.clientWidth,
    width: page.documentElement.scrollWidth,
    figures: figures.map((figure) => figure.getAttribute("class")),
    left: Math.min(...boxes.map((box) => box.left)),
    right: Math.max(...boxes.map((box) => box.right)),
    smallest: Math.min(...heights),
  };
};
onload = () => {
  const found = [...document.querySelectorAll("iframe")].map(look);
  document.querySelector("#found").textContent = JSON.stringify(found);
};
</script>"""
_SIZES = {320: "narrow", 390: "narrow", 560: "middle", 860: "wide", 1280: "wide"}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    kw = household(20 * 1440)
    kw[20000:20500] = [math.nan] * 500
    rows = minutes(kw)
    at = unix(rows[-300].at)
    word = "donaudampfschifffahrtsgesellschaft" * 9
    folder = tmp_path_factory.mktemp("browser")
    return record(
        folder / "house.db",
        rows,
        alarms=[(at, "anomaly", word, at + 600), (at, "drift", "the errors have changed", None)],
        events=[(at, "lost", f"broker away: {word}")],
        settings={"source": word, "model": "sceaux", "confidence": "0.9"},
    )


@pytest.mark.parametrize("period", [DAY, MONTH])
def test_the_page_fits_screens_of_all_widths(recording: Path, tmp_path: Path, period: str) -> None:
    page = escape(render_report(recording, period=period))
    frames = "".join(_FRAME.format(width, page) for width in _SIZES)
    probe = tmp_path / "probe.html"
    probe.write_text(_PROBE.replace("FRAMES", frames), encoding="utf-8")
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    command = [str(CHROMIUM), *_FLAGS, profile, "--dump-dom", probe.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    answer = re.search(r'<pre id="found">(.+?)</pre>', done.stdout)
    assert answer, done.stdout[-500:]
    for (width, size), found in zip(_SIZES.items(), json.loads(unescape(answer[1])), strict=True):
        assert found["inner"] == width
        assert found["width"] <= width
        assert set(found["figures"]) == {size}
        assert 0 <= found["left"] < found["right"] <= width
        assert found["smallest"] >= 10
    assert "CONSOLE" not in done.stderr
