"""streamer: a streaming forecaster for household electricity."""

__version__ = "0.1.0"
