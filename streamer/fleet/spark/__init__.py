"""Fleets on Spark Structured Streaming: what is needed of PySpark is in here, and nowhere else."""
