"""Training by a recipe: of the tutorial, of one house, of several, and of a head for horizons.

Needs the extra `train` (tensorflow and matplotlib), imported when used.
"""

from streamer.training.data import PowerData, Series, data_power_consumption, series_from
from streamer.training.fit import prepare, run_network
from streamer.training.houses import Houses
from streamer.training.network import build_model
from streamer.training.progress import TrainingProgress
from streamer.training.recipes import RECIPES, Recipe, find_recipe
from streamer.training.save import save_model, save_plot
from streamer.training.trained import Trained

__all__ = [
    "RECIPES",
    "Houses",
    "PowerData",
    "Recipe",
    "Series",
    "Trained",
    "TrainingProgress",
    "build_model",
    "data_power_consumption",
    "find_recipe",
    "prepare",
    "run_network",
    "save_model",
    "save_plot",
    "series_from",
]
