"""Forecasters from other libraries, and the usual baselines, as forecasters of a stream."""
