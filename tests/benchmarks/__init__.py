"""Benchmarks of streamer beside its alternatives; run by hand, never as a test.

    python -m tests.benchmarks --help

Everything is measured in one run and one tree of processes, in turns, since the speed of a
machine changes from minute to minute: the ratios are what counts.
"""
