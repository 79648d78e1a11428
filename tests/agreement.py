"""The agreement that is promised between block sizes, engines and processors."""

AGREEMENT_KW = 1e-5
"""Matrix products add up in another order for another shape, on some processors."""
