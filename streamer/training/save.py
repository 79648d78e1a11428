"""Writer of a trained model as a folder: `model.keras`, `card.json` and a plot."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from streamer import __version__
from streamer.atomic import put_in_place
from streamer.display.figures import new_figure
from streamer.models import CARD_FILE, MODEL_FILE
from streamer.models.artefact import sha256_of
from streamer.models.card import Card
from streamer.models.keras import import_tensorflow
from streamer.training.data import PowerData
from streamer.training.fit import Trained
from streamer.training.network import FEATURE, layer_sizes
from streamer.training.recipes import Recipe

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLOT_FILE = "first100.png"
_PLOTTED = 100

_LIMITS = (
    "It has seen one house: in another, with other appliances, it may do worse, and worse than "
    "persistence. Evaluate it there before relying on it.",
    "It forecasts the next reading of a series of one-minute means, and nothing further ahead.",
    "It knows no calendar and no weather: only the readings of its window.",
)


def save_model(
    folder: Path, trained: Trained, data: PowerData, recipe: Recipe, *, seed: int
) -> Card:
    """Write the model and its card, replacing existing ones.

    Args:
        folder: the folder, created if missing; its name becomes the model's.
        trained: result of `run_network`.
        data: the training data.
        recipe: the recipe.
        seed: the seed.

    Returns:
        The card.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / MODEL_FILE
    # Under temporary names first, so that a kill leaves no partial model behind.
    part = folder / f".part-{MODEL_FILE}"
    trained.model.save(part)
    card = Card(
        name=folder.resolve().name,
        window=data.length - 1,
        target=recipe.target,
        outputs=recipe.outputs,
        shift_kw=float(data.shift[0]),
        sha256=sha256_of(part),
        trained_from=data.trained_from,
        trained_to=data.trained_to,
        facts=_facts(trained, data, recipe, seed),
    )
    card_part = folder / f".part-{CARD_FILE}"
    card_part.write_text(card.to_json(), encoding="utf-8")
    put_in_place(part, weights)
    put_in_place(card_part, folder / CARD_FILE)
    return card


def new_plot() -> Figure:
    """Empty figure for `save_plot`; made early, it shows that plotting is possible.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    return new_figure("training", 10, 4)


def save_plot(path: Path, trained: Trained) -> None:
    """Plot the first 100 predicted and actual values of the test part.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure = new_plot()
    axes = figure.add_subplot()
    minutes = np.arange(min(_PLOTTED, len(trained.targets)))
    axes.plot(minutes, trained.targets[:_PLOTTED], label="actual", color="0.2")
    axes.plot(minutes, trained.predicted[:_PLOTTED], label="predicted", color="tab:orange", ls="--")
    axes.set_xlabel("minutes into the test part")
    axes.set_ylabel("mean active power, kW")
    axes.legend()
    figure.savefig(path, dpi=120)


def _facts(trained: Trained, data: PowerData, recipe: Recipe, seed: int) -> dict[str, Any]:
    tf, keras = import_tensorflow(FEATURE)
    return {
        "unit": "kW",
        "interval_s": 60,
        "architecture": "stacked LSTM with a linear Dense head",
        "layers": layer_sizes(trained.model),
        "recipe": {
            "name": recipe.name,
            "summary": recipe.summary,
            "seed": seed,
            "windows": trained.windows,
            "interrupted": trained.interrupted,
            "seconds": round(trained.seconds, 1),
        },
        "data": {
            "source": data.series.name,
            "readings": len(data.series),
            "sha256_of_float64_kw": data.series.sha256,
        },
        "test": {
            "from": _iso(data.tested_from),
            "to": _iso(data.tested_to),
            **_scores(trained),
            "by_month": _by_month(trained, data),
        },
        "limits": list(_LIMITS),
        "versions": {
            "streamer": __version__,
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _scores(trained: Trained) -> dict[str, Any]:
    return {
        "minutes": len(trained.targets),
        "mse_kw2": trained.mse_kw2,
        "mae_kw": trained.mae_kw,
        "persistence_mse_kw2": trained.persistence_mse_kw2,
        "persistence_mae_kw": trained.persistence_mae_kw,
        "skill": trained.skill,
    }


def _by_month(trained: Trained, data: PowerData) -> dict[str, Any]:
    if data.series.at is None:
        return {}
    months = data.series.at[data.test + data.length - 1].astype("datetime64[M]")
    return {str(month): _scores(trained.part(months == month)) for month in np.unique(months)}


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
