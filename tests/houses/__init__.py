"""Houses of today: real ones with sun, car and heat pump added, and how well they are forecast.

    python -m tests.houses --help

The generators in `streamer.training.additions` are tested with the others; the measuring is run by
hand, never as a test.
"""
