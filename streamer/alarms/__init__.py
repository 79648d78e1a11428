"""Alarms: detectors and adaptive thresholds."""
