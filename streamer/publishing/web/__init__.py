"""HTTP server of the present forecasts: a live page, JSON, health and metrics."""
