"""Meters on a serial line or its TCP bridge: DSMR P1 telegrams and SML frames."""
