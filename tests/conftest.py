"""Shared fixtures: values of the sample, read without streamer, and Keras models."""

from __future__ import annotations

import faulthandler
import gc
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from streamer.models import kernels
from streamer.models.keras import import_tensorflow
from streamer.sample import sample_path
from streamer.stream.signals import ENDINGS
from tests.kerasfiles import save_random

# The machine may be busy, and the tests do not measure speed. CI looks further than the default
# run, with --hypothesis-profile=thorough.
settings.register_profile("streamer", deadline=None, max_examples=40)
settings.register_profile("thorough", deadline=None, max_examples=400)
settings.load_profile("streamer")

_NUMBERS = count()

MAX_ID = 60


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--numpy",
        action="store_true",
        help="run without the compiled engine: the NumPy engine is the default",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--numpy"):
        kernels.available = dict
    # Of streamer's hundreds of runs in processes of their own, each would compile it again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


@pytest.hookimpl(tryfirst=True)  # before xdist, which names the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares imports and fixtures, which each process would make again.

    The tests of TensorFlow run in one process, since importing it takes longer than most of
    them; those of a file in one, with its fixtures and the libraries that it is about.
    """
    for item in items:
        if "keras" in getattr(item, "fixturenames", ()) or "training" in item.path.parts:
            item.add_marker(pytest.mark.xdist_group("tensorflow"))
        elif item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(f"{item.path.parent.name}/{item.path.stem}"))


def pytest_make_parametrize_id(val: object) -> str | None:
    """The beginning of a long text: an id goes from process to process, and to the terminal."""
    if isinstance(val, str | bytes) and len(val) > MAX_ID:
        return ascii(val[:MAX_ID])[:MAX_ID]
    return None


def pytest_collection_finish() -> None:
    # The tests stay until the end: no collection of garbage has to go through them.
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("endurance"):
        # It may exceed the timeout for tests that hang.
        faulthandler.cancel_dump_traceback_later()


@pytest.fixture(scope="session", autouse=True)
def _signals_of_a_terminal() -> Iterator[None]:
    """Signals that are not ignored, as they are by what nohup or a shell's & has started."""
    defaults = {signal.SIGINT: signal.default_int_handler}
    ignored = [number for number in ENDINGS if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, defaults.get(number, signal.SIG_DFL))
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the test's own.

    pytest's own fixture looks through the folders of all tests before for a free number.
    """
    name = re.sub(r"\W", "_", request.node.name)[:30]
    return tmp_path_factory.mktemp(f"{next(_NUMBERS)}-{name}", numbered=False)


@pytest.fixture(scope="session")
def sample_kw() -> np.ndarray:
    """Valid values of the bundled sample in kW, parsed with string methods."""
    rows = sample_path().read_text().splitlines()[1:]
    return np.array([float(row.split(";")[2]) for row in rows if "?" not in row])


@pytest.fixture(scope="session")
def keras() -> Any:
    """Keras with the TensorFlow backend."""
    return import_tensorflow("the tests")[1]


@pytest.fixture
def make_keras_file(keras: Any, tmp_path: Path) -> Callable[..., tuple[Any, Path]]:
    """Function that makes and saves a Keras model of stacked LSTM layers, weights random."""
    return partial(save_random, keras, tmp_path)
