"""Schema of a recording, version 5, and what it has in addition to earlier versions.

A recording is a SQLite database in WAL mode. It is identified by its ``application_id``;
``user_version`` is the version of this schema. Any program may read it while it is being
written::

    sqlite3 -readonly house.db 'SELECT local_time, actual_kw FROM minutes ORDER BY at DESC LIMIT 9'
"""

from __future__ import annotations

APPLICATION_ID = 0x73747265
"""The letters `stre`."""

VERSION = 5

ADDED = (
    ("next_median_kw", "REAL", "the median of the forecast issued at this reading"),
    ("solar_kw", "REAL", "power of the solar panels, and into the battery; NULL if not measured"),
    ("battery_kw", "REAL", "negative while it is discharged"),
    ("next_consumption_kw", "REAL", "the forecasts issued of consumption and solar power"),
    ("next_solar_kw", "REAL", ""),
    (
        "point_kw",
        "REAL GENERATED ALWAYS AS"
        " (min(max(coalesce(median_kw, forecast_kw), low_kw), high_kw)) VIRTUAL",
        "the point forecasts, which are displayed: the median, or else the mean, in its band",
    ),
    (
        "next_point_kw",
        "REAL GENERATED ALWAYS AS"
        " (min(max(coalesce(next_median_kw, next_kw), next_low_kw), next_high_kw)) VIRTUAL",
        "",
    ),
    (
        "consumption_kw",
        "REAL GENERATED ALWAYS AS (actual_kw + solar_kw - coalesce(battery_kw, 0.0)) VIRTUAL",
        "the power that the house itself uses",
    ),
)
"""Columns of `steps` since version 2: name, definition and comment, in their order."""

PER_KW = 10_000
"""The unit in which forecasts in tables of their own have powers, 0.1 W, per kW: 25 bytes a row of
`mean_forecasts` instead of 47."""

MAX_MINUTES = 1440
"""Most minutes that a mean is of, so that no recording from elsewhere takes long to read."""

ACTUAL_KW = (
    "(SELECT CASE count(*) WHEN f.minutes THEN round(avg(s.actual_kw), 9) END FROM steps AS s"  # noqa: S608 - constants
    f" WHERE s.at > f.at AND s.at <= f.at + 60 * min(f.minutes, {MAX_MINUTES}))"
)
"""The mean that came of a row `f` of `mean_forecasts`, as SQL; NULL while minutes are to come, or
where one is missing. It is not stored, so that it cannot differ from the readings."""

NEXT_KW = (
    "(SELECT CASE WHEN s.forecast_kw IS NOT NULL THEN s.actual_kw END FROM steps AS s"
    " WHERE s.at > f.at ORDER BY s.at LIMIT 1)"
)
"""The reading that came after a row `f` of `challenger_forecasts`, as SQL; NULL while it is to
come, or where the forecasts were dropped over a gap before it, so that nothing was scored."""

AT_LEAST_KW = (
    "CASE unknown_minutes WHEN 0 THEN kw ELSE kw * (minutes - unknown_minutes) / minutes END"
)
"""The least that the mean import of a demand interval can have been, as SQL."""

_LOCAL_TIME = "strftime('%Y-%m-%d %H:%M', at + utc_offset, 'unixepoch')"
_LOCAL_MONTH = "strftime('%Y-%m', at + utc_offset, 'unixepoch')"

ADDED_3 = (
    """
-- Forecasts of the mean power of the next minutes. Powers are in 0.1 W.
CREATE TABLE mean_forecasts (
  at INTEGER NOT NULL,          -- the reading at which it was issued
  minutes INTEGER NOT NULL,     -- how many minutes after that the mean is of
  mean INTEGER NOT NULL,        -- the mean forecast, the median, and the ends of the band
  median INTEGER NOT NULL,
  low INTEGER NOT NULL,
  high INTEGER NOT NULL,
  PRIMARY KEY (at, minutes)
) WITHOUT ROWID""",
    f"""
-- The same in kW and in the house's local time, and the mean that came; NULL while it is open, or
-- where a minute is missing.
CREATE VIEW means AS
  SELECT {_LOCAL_TIME} AS local_time, at, minutes,
    mean / {PER_KW}.0 AS kw, median / {PER_KW}.0 AS median_kw,
    low / {PER_KW}.0 AS low_kw, high / {PER_KW}.0 AS high_kw,
    {ACTUAL_KW} AS actual_kw
  FROM mean_forecasts AS f JOIN steps USING (at)""",  # noqa: S608 - constants
    """
-- Channels measured beside the power, such as a voltage.
CREATE TABLE channels (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  unit TEXT NOT NULL
)""",
    """
-- Their values, in their own units.
CREATE TABLE channel_values (
  at INTEGER NOT NULL,          -- start of the reading's minute
  channel INTEGER NOT NULL,     -- its `id`
  value REAL NOT NULL,
  PRIMARY KEY (at, channel)
) WITHOUT ROWID""",
)
"""Statements that make the tables and the view that version 3 added."""

ADDED_4 = (
    """
-- Demand intervals, the quarter-hours or hours of a tariff: what came, and the forecast of it.
CREATE TABLE demand_intervals (
  at INTEGER NOT NULL,          -- start of its first minute
  minutes INTEGER NOT NULL,     -- its length
  utc_offset INTEGER NOT NULL,  -- seconds that the house's local time was ahead of UTC then
  kw REAL,                      -- mean import of its measured minutes; NULL while it is running
  export_kw REAL,               -- mean export of the same
  unknown_minutes INTEGER,      -- minutes of it that were not measured
  bound_kw REAL,                -- what it should not exceed: the month's peak, or a given bound
  exceeded INTEGER,             -- whether it did, 0 or 1; NULL if that is not known
  warned_at INTEGER,            -- the reading at which its alarm was raised; NULL without one
  forecast_kw REAL,             -- the forecast of `kw` after a third of it, and its band
  low_kw REAL,
  high_kw REAL,
  p_raises_peak REAL,           -- the probability, then, that it exceeds its bound
  PRIMARY KEY (at, minutes)
) WITHOUT ROWID""",
    f"""
-- Those that are over, in the house's local time.
CREATE VIEW demand AS
  SELECT {_LOCAL_TIME} AS local_time, * FROM demand_intervals WHERE kw IS NOT NULL""",  # noqa: S608 - constants
    f"""
-- The highest of each month. One with unknown minutes counts with the least that it can have been.
CREATE VIEW month_peaks AS
  SELECT {_LOCAL_MONTH} AS month, minutes, max({AT_LEAST_KW}) AS kw, {_LOCAL_TIME} AS local_time, at
  FROM demand_intervals WHERE kw IS NOT NULL GROUP BY {_LOCAL_MONTH}, minutes""",  # noqa: S608 - constants
    """
-- Demand registers of the meter at the end of each minute, if it has them.
CREATE TABLE meter_registers (
  at INTEGER PRIMARY KEY,       -- start of the reading's minute
  so_far_kw REAL,               -- energy of the running quarter-hour, divided by the whole of it
  peaks TEXT                    -- months' peaks as JSON; NULL if they are those of the row before
)""",
    """
-- Loads, as far as the total power shows when they were switched on and off. Two that are switched
-- on in the same minute, and off in different ones, have a row each.
CREATE TABLE switching_events (
  at INTEGER NOT NULL,          -- the minute in which the power rose
  kw REAL NOT NULL,             -- by how much
  off_at INTEGER,               -- the minute in which it fell again; NULL if that is not known
  UNIQUE (at, off_at)
)""",
    f"""
-- The same in the house's local time, and for how long they were on.
CREATE VIEW switching AS
  SELECT {_LOCAL_TIME} AS local_time, at, kw, (off_at - at) / 60 AS minutes
  FROM switching_events JOIN steps USING (at)""",  # noqa: S608 - constants
)
"""Statements that make the tables and the views that version 4 added."""

ADDED_5 = (
    """
-- Messages to people: those that wait, and former ones, so that none is sent twice.
CREATE TABLE notifications (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,     -- meter, kind and time of what it is about
  kind TEXT NOT NULL,           -- peak, anomaly, silent, back, summary
  created INTEGER NOT NULL,     -- by the wall clock
  expires INTEGER NOT NULL,     -- from then on it is of no use, and is not sent
  size REAL,                    -- that of the alarm; NULL without one
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  state TEXT NOT NULL           -- waiting, sent, expired; withheld to keep to a limit
)""",
    """
-- Their receivers, each by a digest of its address.
CREATE TABLE deliveries (
  key TEXT NOT NULL,            -- that of the notification
  receiver TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  sent_at INTEGER,              -- by the wall clock; NULL until the receiver has taken it
  PRIMARY KEY (key, receiver)
) WITHOUT ROWID""",
    """
-- Challengers: forecasters that run beside the model.
CREATE TABLE challengers (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
)""",
    """
-- Their forecasts. Powers are in 0.1 W.
CREATE TABLE challenger_forecasts (
  at INTEGER NOT NULL,          -- the reading at which it was issued
  challenger INTEGER NOT NULL,  -- its `id`
  next INTEGER,                 -- the forecast of the next reading; NULL if it had none
  PRIMARY KEY (at, challenger)
) WITHOUT ROWID""",
    f"""
-- The same in kW and in the house's local time, beside the mean forecast shown and the reading that
-- came; that is NULL while it is open, or where no forecast was kept over a gap.
CREATE VIEW race AS
  SELECT {_LOCAL_TIME} AS local_time, at, name,
    next / {PER_KW}.0 AS next_kw, next_kw AS shown_kw, {NEXT_KW} AS actual_kw
  FROM challenger_forecasts AS f JOIN challengers AS c ON c.id = f.challenger
    JOIN steps USING (at)""",  # noqa: S608 - constants
)
"""Statements that make the tables and the view that version 5 added."""

PAGE_SIZE = 512
"""The smallest page size: with each minute at least one page is written."""

COLUMNS = {
    "steps": (
        "at, utc_offset, actual_kw, solar_kw, battery_kw, "
        "forecast_kw, low_kw, high_kw, median_kw, frozen_kw, "
        "next_kw, next_low_kw, next_high_kw, next_median_kw, next_consumption_kw, next_solar_kw, "
        "gap_minutes"
    ),
    "mean_forecasts": "at, minutes, mean, median, low, high",
    "channels": "id, name, unit",
    "channel_values": "at, channel, value",
    "demand_intervals": (
        "at, minutes, utc_offset, kw, export_kw, unknown_minutes, bound_kw, exceeded, warned_at, "
        "forecast_kw, low_kw, high_kw, p_raises_peak"
    ),
    "meter_registers": "at, so_far_kw, peaks",
    "switching_events": "at, kw, off_at",
    "notifications": "key, kind, created, expires, size, title, text, state",
    "deliveries": "key, receiver, attempts, sent_at",
    "challengers": "id, name",
    "challenger_forecasts": "at, challenger, next",
    "alarms": "at, kind, text, size, over_at",
    "events": "id, at, kind, text",
    "snapshots": "at, checksum, state",
    "settings": "key, value",
}
"""Tables, and the columns that are stored in them."""

_SCHEMA = """
-- Times are Unix seconds, powers kW, import positive. The names are those of the JSON lines
-- of `streamer replay --format json`.

-- One row a minute: a reading, the forecast for it, and the forecast issued at it.
CREATE TABLE steps (
  at INTEGER PRIMARY KEY,       -- start of the reading's minute
  utc_offset INTEGER NOT NULL,  -- seconds that the house's local time is ahead of UTC
  actual_kw REAL NOT NULL,      -- the reading
  forecast_kw REAL,             -- the mean forecast for it; NULL if none
  low_kw REAL,                  -- the ends of its band
  high_kw REAL,
  median_kw REAL,               -- its median; NULL if the model has none
  frozen_kw REAL,               -- the forecast of the network alone, without adaptation
  error_kw REAL GENERATED ALWAYS AS (actual_kw - forecast_kw) VIRTUAL,
  next_kw REAL,                 -- the forecast issued at this reading, and its band
  next_low_kw REAL,
  next_high_kw REAL,
  gap_minutes INTEGER NOT NULL  -- minutes missing just before
%s);

-- Alarms, in the order in which they were raised.
CREATE TABLE alarms (
  at INTEGER NOT NULL,          -- the reading at which it was raised
  kind TEXT NOT NULL,           -- anomaly, stuck, drift, unit, peak
  text TEXT NOT NULL,
  size REAL NOT NULL,           -- as a multiple of the threshold of its kind
  over_at INTEGER,              -- the reading at which it ended; NULL while it is active
  PRIMARY KEY (at, kind)
);

-- Changes of the connection (lost, silent, up), and warnings; by the wall clock.
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  text TEXT NOT NULL
);

-- State of the pipeline after the reading of `at`: the last two saved ones.
CREATE TABLE snapshots (
  at INTEGER PRIMARY KEY,
  checksum TEXT NOT NULL,       -- SHA-256 of `state`, in hexadecimal
  state BLOB NOT NULL           -- JSON, compressed by zlib
);

-- Settings on which the state depends, such as model and confidence; beside them, `source` is the
-- meter's name for display, and `meter` the part of its address that chooses what is measured.
CREATE TABLE settings (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- For people: the minutes in the house's local time.
CREATE VIEW minutes AS
  SELECT strftime('%%Y-%%m-%%d %%H:%%M', at + utc_offset, 'unixepoch') AS local_time, * FROM steps;
"""

SCHEMA_1 = _SCHEMA % ""
SCHEMA_2 = _SCHEMA % "".join(
    f"  , {name} {definition}" + (f"  -- {comment}\n" if comment else "\n")
    for name, definition, comment in ADDED
)
SCHEMA_3 = SCHEMA_2 + "".join(f"{statement};\n" for statement in ADDED_3)
SCHEMA_4 = SCHEMA_3 + "".join(f"{statement};\n" for statement in ADDED_4)
SCHEMA = SCHEMA_4 + "".join(f"{statement};\n" for statement in ADDED_5)
