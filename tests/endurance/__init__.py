"""Endurance tests of the command `streamer watch`: many kills, and a whole day.

Small versions belong to the default run. The full versions take some ten minutes::

    pytest -m endurance tests/endurance

`STREAMER_TEST_SEED` sets the random seed; each test prints the one it used.
"""

from __future__ import annotations

import os
import secrets


def seed() -> int:
    """Seed of all random choices."""
    given = os.environ.get("STREAMER_TEST_SEED")
    return int(given) if given else secrets.randbelow(10**6)
