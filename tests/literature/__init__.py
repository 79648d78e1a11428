"""Published one-minute forecasts of the UCI file beside persistence on the same minutes.

    python -m tests.literature --help

The table is made by hand, never as a test; the code that makes it is tested with the others.
"""
