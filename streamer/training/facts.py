"""Facts of a training on a model card: recipe, data, versions, and scores on the test parts."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np

from streamer import __version__
from streamer.models.keras import import_tensorflow
from streamer.readings.arrays import TimeArray
from streamer.training.data import PowerData
from streamer.training.houses import House, Houses
from streamer.training.network import FEATURE, layer_sizes
from streamer.training.recipes import Recipe
from streamer.training.trained import HorizonTest, Trained

UNKNOWN_LICENCE = "unknown"

_ONE_HOUSE = (
    "It has seen one house: in another, with other appliances, it may do worse, and worse than "
    "persistence. Evaluate it there before relying on it."
)
_SEVERAL_HOUSES = (
    "It has seen {} houses: in another, with other appliances, it may do worse, and worse than "
    "persistence. Evaluate it there before relying on it."
)
_WITHOUT_HORIZONS = (
    "It forecasts the next reading of a series of one-minute means, and nothing further ahead.",
    "It knows no calendar and no weather: only the readings of its window.",
)
_HORIZONS = (
    "It forecasts the next reading of a series of one-minute means, and the mean of up to {} "
    "minutes, but no single minute further ahead."
)
_NO_WEATHER = (
    "It knows no weather and no holidays: only the readings of its window and, for the means of "
    "several minutes, those of the last days, the time of day and the weekend."
)


def card_facts(
    trained: Trained,
    data: PowerData | Houses,
    recipe: Recipe,
    seed: int,
    licences: Sequence[str],
) -> dict[str, Any]:
    """All entries of a card that no forecast depends on.

    Args:
        trained: result of `run_network`.
        data: the training data.
        recipe: the recipe.
        seed: the seed.
        licences: (houses,) origin and licence of each house's data, as far as known.
    """
    tf, keras = import_tensorflow(FEATURE)
    houses = data.houses if isinstance(data, Houses) else ()
    return {
        "unit": "kW",
        "interval_s": 60,
        "architecture": "stacked LSTM with a linear Dense head",
        "layers": layer_sizes(trained.model),
        "recipe": {
            **{
                name: list(value) if isinstance(value, tuple) else value
                for name, value in asdict(recipe).items()
            },
            "seed": seed,
            "windows": trained.windows,
            "interrupted": trained.interrupted,
            "seconds": round(trained.seconds, 1),
        },
        "data": _data(data, licences),
        "test": _test(trained, data),
        "limits": _limits(recipe, len(houses)),
        "versions": {
            "streamer": __version__,
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def limits_with_horizons(limits: Sequence[str], recipe: Recipe) -> list[str]:
    """Limits of a model that gets a head for horizons.

    Args:
        limits: those of the model before.
        recipe: the recipe of the head.
    """
    own = (_HORIZONS.format(max(recipe.horizons)), _NO_WEATHER)
    return [*(text for text in limits if text not in (*own, *_WITHOUT_HORIZONS)), *own]


def _limits(recipe: Recipe, houses: int) -> list[str]:
    limits = [_SEVERAL_HOUSES.format(houses) if houses > 1 else _ONE_HOUSE, *_WITHOUT_HORIZONS]
    return limits_with_horizons(limits, recipe) if recipe.horizons else limits


def _data(data: PowerData | Houses, licences: Sequence[str]) -> dict[str, Any]:
    if isinstance(data, PowerData):
        return {
            "source": data.series.name,
            "licence": licences[0] if licences else UNKNOWN_LICENCE,
            "readings": len(data.series),
            "sha256_of_float64_kw": data.series.sha256,
        }
    known = [*licences, *[UNKNOWN_LICENCE] * len(data.houses)]
    return {
        "houses": [
            {
                "source": house.series.name,
                "licence": licence,
                "readings": len(house.series),
                "trained_from": _iso(house.series.moment(0)),
                "trained_to": _iso(house.series.moment(house.row - 1)),
                "sha256_of_float64_kw": house.series.sha256,
                "weight": float(weight),
            }
            for house, licence, weight in zip(data.houses, known, data.weights, strict=False)
        ]
    }


def _test(trained: Trained, data: PowerData | Houses) -> dict[str, Any]:
    """Scores over all houses, by month if there is one, otherwise by house."""
    if isinstance(data, PowerData):
        at = data.series.at
        targets = None if at is None else at[data.test + data.length - 1]
        return _next_reading(trained, targets)
    tests = [
        {
            **_next_reading(one, _target_times(house, data.length)),
            "horizons": [_horizon(each) for each in horizons],
        }
        for one, house, horizons in zip(
            trained.by_house, data.houses, trained.horizons, strict=True
        )
    ]
    if len(tests) == 1:
        return tests[0]
    houses = [
        {"source": house.series.name, **test}
        for house, test in zip(data.houses, tests, strict=True)
    ]
    return {**_scores(trained), "houses": houses}


def _target_times(house: House, length: int) -> TimeArray | None:
    return None if house.series.at is None else house.series.at[house.test + length - 1]


def _next_reading(trained: Trained, at: TimeArray | None) -> dict[str, Any]:
    """Scores of the next reading, with the span of the targets and by month if it is known."""
    if at is None:
        return {"from": None, "to": None, **_scores(trained), "by_month": {}}
    months = at.astype("datetime64[M]")
    return {
        "from": _iso(at[0].astype("datetime64[s]").item()),
        "to": _iso(at[-1].astype("datetime64[s]").item()),
        **_scores(trained),
        "by_month": {str(m): _scores(trained.part(months == m)) for m in np.unique(months)},
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


def _horizon(test: HorizonTest) -> dict[str, Any]:
    return {**asdict(test), "skill": test.skill}


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
