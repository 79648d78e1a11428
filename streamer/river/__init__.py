"""A household's forecaster, and its scores, for programs that use river."""

from streamer.river.forecaster import HouseholdForecaster
from streamer.river.metrics import Coverage, Skill, Winkler

__all__ = ["Coverage", "HouseholdForecaster", "Skill", "Winkler"]
