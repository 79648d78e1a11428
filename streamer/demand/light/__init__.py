"""Demand intervals of many meters: what `streamer.demand` does for one, in 96 bytes a meter."""
