"""Tolerance between block sizes, engines and processors."""

AGREEMENT_KW = 1e-5
"""On some processors the order of summation in matrix products depends on their shape."""
