"""Script for `spark-submit`: `spark-submit … submit.py run --source …`.

The commands are those of `streamer fleet`. Master, memory and similar settings are those of
spark-submit; streamer with its extra must be installed for the Python of every machine.
"""

from __future__ import annotations

import sys

from streamer.__main__ import main

if __name__ == "__main__":
    sys.argv[1:1] = ["fleet"]
    main()
