"""Command line of the checks: `python -m streamer.testing --help`."""

from __future__ import annotations

import sys

from streamer.testing.check import main

sys.exit(main())
