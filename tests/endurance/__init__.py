"""`streamer watch`, the command itself, killed again and again and left alone for a day.

Small versions are among the other tests. The whole takes some ten minutes::

    pytest -m endurance tests/endurance

`STREAMER_TEST_SEED` chooses what is random; what it was is printed.
"""

from __future__ import annotations

import os
import secrets


def seed() -> int:
    """What all that is random here comes from."""
    given = os.environ.get("STREAMER_TEST_SEED")
    return int(given) if given else secrets.randbelow(10**6)
