"""Tests of the settings shared by `replay` and `watch`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from streamer.commands.forecasting import Forecasting
from streamer.models import CARD_FILE, MODEL_FILE, find_model
from streamer.models.artefact import sha256_of
from streamer.models.horizons import HORIZONS_FILE


def test_a_fingerprint_names_all_networks_and_only_those_in_use(tmp_path: Path) -> None:
    folder = find_model("sceaux").parent
    every, alone = Forecasting().fingerprint(), Forecasting(horizons=False).fingerprint()
    assert every["weights"] == alone["weights"] == sha256_of(folder / MODEL_FILE)
    assert every["horizons"] == sha256_of(folder / HORIZONS_FILE)
    assert "horizons" not in alone
    bare = shutil.copy(folder / MODEL_FILE, tmp_path / "bare.keras")
    card = json.loads((folder / CARD_FILE).read_text())
    assert card["sha256"] == every["weights"]
    level = tmp_path / "level"
    level.mkdir()
    shutil.copy(bare, level / MODEL_FILE)
    del card["horizons"]
    (level / CARD_FILE).write_text(json.dumps(card))
    assert "horizons" not in Forecasting(model=str(level)).fingerprint()
