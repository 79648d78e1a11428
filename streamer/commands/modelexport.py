"""The command `models export`: a model as a file for other programs."""

from __future__ import annotations

from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from streamer.atomic import replaced_file
from streamer.display.lines import one_line
from streamer.errors import UsageError
from streamer.models import CARD_FILE, MODEL_FILE, find_model, read_model

if TYPE_CHECKING:
    from streamer.models.onnx import Exported
    from streamer.readings.arrays import DoubleArray

_TRIED = 300
"""Readings of the sample that an exported model is tried on."""


def export_model(name_or_path: str, out: Path, *, format: str, step: bool, horizons: bool) -> None:
    """Write a model to a file, and print what it is.

    Args:
        name_or_path: name or path of the model.
        out: the file, or the folder for `keras`.
        format: `onnx` or `keras`.
        step: whether to write the model of one reading and a state.
        horizons: whether to include the head for the mean of the next minutes.

    Raises:
        UsageError: the model does not exist, an option is not one of its own or of the format, or
            the file cannot be there.
        MissingExtraError: onnx is not installed.
        ModelError: the model cannot be read.
        OSError: the file cannot be written.
    """
    if not out.parent.is_dir():
        raise UsageError(f"--out {one_line(out)}: there is no folder {one_line(out.parent)}")
    if format == "keras":
        _copy(name_or_path, out, given={"--step": step, "--horizons": horizons})
        return
    from streamer.models.onnx import export_onnx

    if out.is_dir():
        raise UsageError(f"--out {one_line(out)} is a folder; give the name of a file")
    exported = export_onnx(name_or_path, step=step, horizons=horizons)
    with replaced_file(out) as file:
        file.write(exported.content)
    kind = "step model" if step else "window model"
    print(f"Written to {one_line(out)}: {kind}, {len(exported.content):,} bytes")
    if exported.source.card.horizons is not None and not horizons:
        print("Without the mean of the next minutes, which --horizons adds")
    if find_spec("onnxruntime") is None:
        print("Not tried out, since onnxruntime is not installed")
        return
    from streamer.models.onnx.trial import run_trial

    trial = run_trial(exported, _readings(exported))
    print(
        f"Tried by ONNX Runtime on {trial.forecasts} windows: at most {trial.worst_kw:.1e} kW from "
        f"the NumPy engine, {1000 * trial.median_s:.2f} ms a forecast on one thread"
    )


def _copy(name_or_path: str, out: Path, given: dict[str, bool]) -> None:
    """Copy a model to a folder: its `.keras` file, its card, and its head for the next minutes."""
    from streamer.models.bounded import read_regular
    from streamer.models.bounds import MAX_MODEL_BYTES
    from streamer.models.horizons import HORIZONS_FILE, read_head

    if options := [option for option, is_given in given.items() if is_given]:
        raise UsageError(f"{options[0]} is of --format onnx; leave it out, or give that")
    path = find_model(name_or_path)
    card, weights = read_model(path)
    read_head(path, card.horizons, units=weights.lstm[-1].units)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"--out {one_line(out)} exists; give the name of a new folder")
    names = {path.name: MODEL_FILE}
    names |= {CARD_FILE: CARD_FILE} if path.with_name(CARD_FILE).exists() else {}
    names |= {} if card.horizons is None else {HORIZONS_FILE: HORIZONS_FILE}
    contents = {
        new: read_regular(path.with_name(old), MAX_MODEL_BYTES) for old, new in names.items()
    }
    out.mkdir(exist_ok=True)
    for name, content in contents.items():
        with replaced_file(out / name) as file:
            file.write(content)
    size = sum(map(len, contents.values()))
    print(f"Written to {one_line(out)}: {', '.join(contents)}, {size:,} bytes")


def _readings(exported: Exported) -> DoubleArray:
    """(readings, inputs): powers of the sample, and channels about the middle of their range."""
    import numpy as np

    from streamer.readings import Reading
    from streamer.sample import sample_path
    from streamer.sources.files.delimited import open_replay

    source = exported.source
    count = source.card.window + _TRIED - 1
    kw: list[float] = []
    with closing(open_replay(sample_path(), limit=count)) as sample:
        while items := sample.read():
            kw += [item.kw for item in items if isinstance(item, Reading)]
    values: DoubleArray = np.random.default_rng(0).normal(size=(len(kw), len(source.inputs)))
    values *= [each.scale for each in source.inputs]
    values += [each.shift for each in source.inputs]
    values[:, 0] = kw
    return values
