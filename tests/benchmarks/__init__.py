"""How fast streamer is, beside what one would otherwise take; run by hand, never as a test.

    python -m tests.benchmarks --help

Everything is measured in one run and one tree of processes, in turns, since what a machine
can do changes from minute to minute: the ratios are what counts.
"""
