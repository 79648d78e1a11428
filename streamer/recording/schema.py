"""The tables of a recording, version 1.

A recording is a SQLite database in WAL mode. It is told from others by its
``application_id``; ``user_version`` is the version of this schema. Any program may read it
while it is written::

    sqlite3 -readonly house.db 'SELECT local_time, actual_kw FROM minutes ORDER BY at DESC LIMIT 9'
"""

from __future__ import annotations

APPLICATION_ID = 0x73747265
"""The letters `stre`."""

VERSION = 1

PAGE_SIZE = 512
"""The smallest that there is: with each minute at least one page is written."""

TABLES = frozenset({"steps", "alarms", "events", "snapshots", "settings"})

SCHEMA = """
-- Times are Unix seconds, powers kW, import positive. The names are those of the JSON lines
-- of `streamer replay --format json`.

-- One row a minute: a reading, and what was forecast for it and at it.
CREATE TABLE steps (
  at INTEGER PRIMARY KEY,       -- start of the reading's minute
  utc_offset INTEGER NOT NULL,  -- seconds that the house's clock is ahead of UTC
  actual_kw REAL NOT NULL,      -- the reading
  forecast_kw REAL,             -- the forecast that it settled, as it was shown; NULL if none
  low_kw REAL,                  -- the ends of its band
  high_kw REAL,
  median_kw REAL,               -- its median; NULL if the model has none
  frozen_kw REAL,               -- what the network had said by itself
  error_kw REAL GENERATED ALWAYS AS (actual_kw - forecast_kw) VIRTUAL,
  next_kw REAL,                 -- the forecast issued at this reading, and its band
  next_low_kw REAL,
  next_high_kw REAL,
  gap_minutes INTEGER NOT NULL  -- minutes missing just before
);

-- Alarms, in the order that they were raised in.
CREATE TABLE alarms (
  at INTEGER NOT NULL,          -- the reading at which it was found
  kind TEXT NOT NULL,           -- anomaly, stuck, drift, unit
  text TEXT NOT NULL,
  size REAL NOT NULL,           -- as a multiple of what sets off an alarm of the kind
  over_at INTEGER,              -- the reading with which it was over; NULL while it is on
  PRIMARY KEY (at, kind)
);

-- What happened to the connection (lost, silent, up), and warnings; by the clock on the wall.
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  text TEXT NOT NULL
);

-- State of the pipeline after the reading of `at`: the last two that were saved.
CREATE TABLE snapshots (
  at INTEGER PRIMARY KEY,
  checksum TEXT NOT NULL,       -- SHA-256 of `state`, in hexadecimal
  state BLOB NOT NULL           -- JSON, compressed by zlib
);

-- What the state depends on, such as the model and the confidence; `source` is for people.
CREATE TABLE settings (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- For people: the minutes by the house's own clock.
CREATE VIEW minutes AS
  SELECT strftime('%Y-%m-%d %H:%M', at + utc_offset, 'unixepoch') AS local_time, * FROM steps;
"""
