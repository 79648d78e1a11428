"""Fleets on Spark Structured Streaming, and the only package that uses PySpark."""
