"""The bundled sample: about a week of real minutes."""

from __future__ import annotations

from pathlib import Path

SAMPLE_FILE = "sceaux_2010-03-19.txt"


def sample_path() -> Path:
    """Path of the sample: inside an installed package, beside it in a checkout.

    >>> sample_path().name
    'sceaux_2010-03-19.txt'
    """
    package = Path(__file__).parent
    installed = package / "replay_data" / SAMPLE_FILE
    return installed if installed.exists() else package.parent / "replay_data" / SAMPLE_FILE
