"""Names of the features of the longer history, which a head for the next minutes may take.

`streamer.online.history.History` computes them, in this order and with the definitions there.
"""

from __future__ import annotations

FEATURES = (
    *("recent_5", "recent_15", "recent_30", "recent_60"),
    *("mean_4h", "mean_1d", "mean_7d", "change_1h", "change_1d"),
    *("profile_0", "profile_1", "profile_2", "profile_3", "profile_4"),
    *("yesterday_5", "yesterday_15", "yesterday_30", "yesterday_60"),
    *("sin_1", "cos_1", "sin_2", "cos_2", "sin_3", "cos_3"),
    *("weekend", "last"),
)
