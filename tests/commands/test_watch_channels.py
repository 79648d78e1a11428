"""Watching with a model that takes channels beside the power."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import h5py
import numpy as np
import pytest

from streamer.commands.channels import live_channels
from streamer.commands.forecasting import Forecasting
from streamer.commands.watch import Watch
from streamer.errors import UsageError
from streamer.feeds import Feed
from streamer.feeds.address import Address
from streamer.feeds.lines import PipeFeed
from streamer.feeds.lines.sides import Records
from streamer.feeds.values import channel_paces
from streamer.models import load_model
from streamer.readings import Step
from streamer.stream.pacing import MAX, Pacer
from tests.commandline import streamer
from tests.models import hostile

WINDOW, START_S = 4, 1_790_000_040
INPUTS = [
    {"name": "power", "unit": "kW", "shift": 1.0, "scale": 2.0},
    {"name": "reactive", "unit": "kvar", "shift": 0.1, "scale": 0.5},
    {"name": "voltage", "unit": "V", "shift": 240.0, "scale": 4.0},
]


def write_model(folder: Path, inputs: list[dict[str, Any]]) -> None:
    """Write a small model with these inputs."""
    rng, buffer = np.random.default_rng(3), io.BytesIO()
    kernel = "layers/lstm/cell/vars/0"
    shapes = {**hostile.SHAPES, kernel: (len(inputs), *hostile.SHAPES[kernel][1:])}
    with h5py.File(buffer, "w") as file:
        for name, shape in shapes.items():
            file[name] = rng.normal(0, 0.8, shape).astype(np.float32)
    config = hostile.config()
    config["config"]["layers"][0]["config"]["batch_shape"] = [None, None, len(inputs)]
    model = hostile.packed(
        {hostile.CONFIG: json.dumps(config).encode(), hostile.WEIGHTS: buffer.getvalue()}
    )
    folder.mkdir()
    hostile.write(folder, model, window=WINDOW, inputs=inputs)


@pytest.fixture
def model(tmp_path: Path) -> str:
    write_model(tmp_path / "house", INPUTS)
    return str(tmp_path / "house")


class Steps:
    """A sink that keeps the steps."""

    def __init__(self) -> None:
        self.items: list[Step] = []

    def write(self, item: object) -> None:
        if isinstance(item, Step):
            self.items.append(item)

    def close(self) -> None:
        pass


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    os.close(ends[0])


def test_the_model_gets_its_channels_in_its_order(model: str, pipe: tuple[int, int]) -> None:
    def open_pipe(address: Address) -> Feed:
        records = Records.of(address)
        channels = channel_paces(address, records.channels, PipeFeed("", 0, records).pace)
        return PipeFeed("stdin", pipe[0], records, channels=channels)

    rng = np.random.default_rng(5)
    kw = rng.gamma(1.5, 0.6, 12).round(3)
    reactive, voltage = rng.normal(0.1, 0.1, 12).round(3), rng.normal(240.0, 3.0, 12).round(1)
    lines = [
        {
            "time": START_S + 60 * minute + second,
            "power_kw": kw[minute],
            "u": voltage[minute],
            "q": 1000 * reactive[minute],
            "boiler_w": 500,
        }
        for minute in range(12)
        for second in (0, 20, 40)
    ]
    os.write(pipe[1], "".join(f"{json.dumps(line)}\n" for line in lines).encode())
    os.close(pipe[1])
    url = "stdin:?channels=voltage:u,boiler,reactive:q&channel_units=reactive:var"
    job = Watch(Address.parse(url), Forecasting(model=model, adapt=False), by="feed")
    steps = Steps()
    with patch("streamer.sources.live.opening.open_feed", open_pipe):
        source = job.open()
    job.run(source, [steps], Pacer(MAX), looking=[], opened=[])
    readings = [step.reading for step in steps.items]
    found = np.array([[each.kw, *each.channels] for each in readings])
    expected = np.column_stack([kw, reactive, voltage])
    np.testing.assert_allclose(found, expected[: len(found)], atol=1e-6)
    assert len(found) >= 11
    forecaster = load_model(model)
    windows = np.stack([found[end - WINDOW : end] for end in range(WINDOW, len(found) + 1)])
    wanted = forecaster.forecast(windows).mean_kw
    given = [step.forecast.kw for step in steps.items if step.forecast is not None]
    np.testing.assert_allclose(given[-len(wanted) :], wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("url", "missing"),
    [
        (
            "stdin:?unit=W",
            "the model takes reactive and voltage, which the address does not give; add "
            "channels=reactive:PLACE,voltage:PLACE (",
        ),
        (
            "stdin:?unit=W&channels=voltage",
            "the model takes reactive, which the address does not give; add "
            "reactive:PLACE to channels (",
        ),
    ],
)
def test_a_missing_channel_is_one_line_and_an_error_of_usage(
    model: str, url: str, missing: str
) -> None:
    done = streamer("watch", url, "--model", model)
    assert done.returncode == 2
    assert missing in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not done.stdout


def test_a_model_of_the_power_alone_needs_no_channels() -> None:
    assert live_channels(Forecasting().inputs()) == []


def test_a_file_without_a_card_needs_no_channels(tmp_path: Path) -> None:
    hostile.write(tmp_path)
    (tmp_path / "card.json").unlink()
    assert live_channels(Forecasting(model=str(tmp_path)).inputs()) == []


def test_a_channel_in_another_unit_than_meters_give_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path / "house", [INPUTS[0], {**INPUTS[2], "unit": "mV"}])
    inputs = Forecasting(model=str(tmp_path / "house")).inputs()
    with pytest.raises(UsageError, match="takes voltage in mV, but meters give it in V; choose"):
        live_channels(inputs)
