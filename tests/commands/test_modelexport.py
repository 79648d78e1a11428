"""Tests of `streamer models export`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import onnx
import pytest

from streamer.cli import main
from streamer.models import find_model, load_model
from tests.models.several import write_model


def _export(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["models", "export", *map(str, arguments)])
    printed = capsys.readouterr()
    return int(caught.value.code or 0), printed.out, printed.err


@pytest.mark.parametrize(("options", "kind"), [((), "window"), (("--step",), "step")])
def test_a_model_is_written_and_tried(
    options: tuple[str, ...], kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "house.onnx"
    code, printed, _ = _export(capsys, "sceaux", "--out", out, *options)
    assert code == 0
    first, second, third = printed.splitlines()
    assert first == f"Written to {out}: {kind} model, {out.stat().st_size:,} bytes"
    assert second == "Without the mean of the next minutes, which --horizons adds"
    found = re.fullmatch(
        r"Tried by ONNX Runtime on 300 windows: at most (\S+) kW from the NumPy engine, "
        r"\d+\.\d\d ms a forecast on one thread",
        third,
    )
    assert found is not None
    assert float(found[1]) < 1e-5
    onnx.checker.check_model(onnx.load(out), full_check=True)


def test_horizons_and_channels_are_included(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "c.onnx"
    code, printed, _ = _export(capsys, "sceaux-channels", "--horizons", "--step", "--out", out)
    assert code == 0
    assert len(printed.splitlines()) == 2
    inputs = [each.name for each in onnx.load(out).graph.input]
    assert inputs[:2] == ["reading", "seen"]
    assert inputs[-1] == "features"


def test_a_model_is_written_without_a_runtime_to_try_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamer.commands.modelexport.find_spec", lambda name: None)
    code, printed, _ = _export(capsys, "sceaux", "--out", tmp_path / "s.onnx")
    assert code == 0
    assert printed.splitlines()[-1] == "Not tried out, since onnxruntime is not installed"


@pytest.mark.parametrize("name", ["sceaux", "sceaux-channels"])
def test_a_copy_for_keras_is_a_model(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "copy"
    code, printed, _ = _export(capsys, name, "--format", "keras", "--out", out)
    assert code == 0
    assert printed.startswith(f"Written to {out}: model.keras, card.json, horizons.keras, ")
    assert {each.name for each in out.iterdir()} == {"model.keras", "card.json", "horizons.keras"}
    assert (out / "model.keras").read_bytes() == find_model(name).read_bytes()
    assert load_model(out).card == load_model(name).card


def test_a_file_without_a_card_is_copied_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_model(tmp_path / "one", load_model("sceaux-channels").card.inputs[:1])
    alone = (folder / "model.keras").rename(tmp_path / "alone.keras")
    out = tmp_path / "copy"
    code, printed, _ = _export(capsys, alone, "--format", "keras", "--out", out)
    assert code == 0
    assert "copy: model.keras, " in printed
    assert [each.name for each in out.iterdir()] == ["model.keras"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nobody", "--out", "x.onnx"), "no model 'nobody'"),
        (("sceaux", "--out", "none/x.onnx"), "--out none/x.onnx: there is no folder none"),
        (("sceaux", "--out", "."), "--out . is a folder; give the name of a file"),
        (("sceaux",), "Missing option '--out'"),
        (("sceaux", "--format", "keras", "--out", "full"), "--out full exists; give the name of"),
        (
            ("sceaux", "--format", "keras", "--step", "--out", "x"),
            "--step is of --format onnx; leave it out, or give that",
        ),
        (
            ("plain", "--horizons", "--out", "x.onnx"),
            "the model does not forecast the mean of the next minutes; leave out --horizons",
        ),
    ],
)
def test_wrong_requests_are_refused_and_write_nothing(
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "plain")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "card.json").write_text(json.dumps({}))
    before = sorted(tmp_path.rglob("*"))
    code, printed, error = _export(capsys, *arguments)
    assert (code, printed) == (2, "")
    assert message in error
    assert len(error.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before
