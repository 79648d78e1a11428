"""Generator of hostile recordings: a sound one, each changed in a way of its own."""

# ruff: noqa: S608 - the statements are constants

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.recording.conftest import Foreseeing, House, house

MINUTES = 120
"""Number of minutes in each of them before the change."""

Change = Callable[[sqlite3.Connection], object]


@cache
def sound() -> bytes:
    """The contents of a sound recording."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "house.db"
        watcher = House(path, snapshot_every=50, pipeline=Foreseeing(), channels={"voltage": "V"})
        watcher.watch(replace(reading, channels=(230.0,)) for reading in house(MINUTES))
        watcher.close()
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(
                "INSERT INTO demand_intervals SELECT at, 15, utc_offset, actual_kw, 0.0, 0, 1.0, 1,"
                " at + 300, 1.0, 0.5, 1.5, 0.25 FROM steps WHERE at % 900 = 0"
            )
            connection.execute(
                "INSERT INTO switching_events SELECT at, 2.0, at + 600 FROM steps"
                " WHERE at % 600 = 0"
            )
            connection.execute("INSERT INTO challengers VALUES (1, 'seasonal-naive')")
            connection.execute("INSERT INTO challenger_forecasts SELECT at, 1, 2500 FROM steps")
        return path.read_bytes()


def make(path: Path, name: str) -> Path:
    """Make the recording of a name in `CODE` or `VALUES`."""
    path.write_bytes(sound())
    change = {**CODE, **VALUES}[name]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        change(connection)
    return path


def _run(*statements: str) -> Change:
    def change(connection: sqlite3.Connection) -> None:
        for statement in statements:
            connection.execute(statement)

    return change


def _redefine(name: str, old: str, new: str) -> Change:
    """Change the statement by which a table or view was created, and nothing else."""
    return _run(
        "PRAGMA writable_schema = ON",
        f"UPDATE sqlite_master SET sql = replace(sql, '{old}', '{new}') WHERE name = '{name}'",
        "PRAGMA writable_schema = OFF",
    )


def _state(blob: Callable[[dict[str, object]], bytes], *, checksum: bool = True) -> Change:
    """Replace the saved states by others, with valid checksums."""

    def change(connection: sqlite3.Connection) -> None:
        for at, old in connection.execute("SELECT at, state FROM snapshots").fetchall():
            new = blob(json.loads(zlib.decompress(old)))
            digest = hashlib.sha256(new).hexdigest() if checksum else "0" * 64
            connection.execute(
                "UPDATE snapshots SET checksum = ?, state = ? WHERE at = ?", (digest, new, at)
            )

    return change


def _json(**changed: object) -> Change:
    return _state(lambda state: zlib.compress(json.dumps({**state, **changed}).encode()))


def _part(path: str, value: object) -> Change:
    """Replace a part of the saved states."""

    def blob(state: dict[str, object]) -> bytes:
        *parts, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        inner: Any = state
        for part in parts:
            inner = inner[part]
        inner[last] = value
        return zlib.compress(json.dumps(state).encode())

    return _state(blob)


_ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
_MANY = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {count}) "
_LAST = "(SELECT max(at) FROM steps)"
_STEP = "INSERT INTO steps (at, utc_offset, actual_kw, gap_minutes) VALUES ({}, {}, {}, 0)"

CODE: Mapping[str, Change] = {
    "trigger that deletes": _run(
        "CREATE TRIGGER t AFTER INSERT ON steps BEGIN DELETE FROM steps WHERE at < new.at; END"
    ),
    "trigger that never ends": _run(
        f"CREATE TRIGGER t AFTER INSERT ON steps BEGIN SELECT * FROM ({_ENDLESS}); END"
    ),
    "trigger on settings": _run(
        "CREATE TRIGGER t BEFORE DELETE ON settings BEGIN DELETE FROM steps; END"
    ),
    "view beside": _run(f"CREATE VIEW v AS {_ENDLESS}"),
    "view instead of a table": _run(
        "ALTER TABLE steps RENAME TO kept", f"CREATE VIEW steps AS {_ENDLESS}"
    ),
    "view of means": _run("DROP VIEW means", f"CREATE VIEW means AS {_ENDLESS}"),
    "view of forecasts": _run(
        "DROP VIEW means", "DROP TABLE mean_forecasts", f"CREATE VIEW mean_forecasts AS {_ENDLESS}"
    ),
    "view of minutes": _run("DROP VIEW minutes", f"CREATE VIEW minutes AS {_ENDLESS}"),
    "generated column": _run(
        "ALTER TABLE steps ADD COLUMN big BLOB GENERATED ALWAYS AS (zeroblob(200000000))"
    ),
    "generated power": _redefine("steps", "(actual_kw - forecast_kw)", "(zeroblob(200000000))"),
    "check": _redefine("steps", "gap_minutes INTEGER NOT NULL", "gap_minutes INTEGER CHECK (0)"),
    "default": _redefine("events", "text TEXT NOT NULL", "text TEXT DEFAULT (randomblob(1))"),
    "index on an expression": _run("CREATE INDEX i ON steps (abs(actual_kw))"),
    "partial index": _run("CREATE UNIQUE INDEX i ON events (kind) WHERE at > 0"),
    "virtual table": _run("CREATE VIRTUAL TABLE f USING fts5(text)"),
    "many tables": lambda connection: [
        connection.execute(f"CREATE TABLE t{n} (a)") for n in range(110)
    ],
    "table of steps with a comment": _redefine("steps", "-- the reading", "/* the reading"),
    "huge definition": _redefine("minutes", "SELECT", "SELECT /*' || hex(zeroblob(100000)) || '*/"),
}
"""Recordings with code in the schema, or with a schema that no recorder makes."""

VALUES: Mapping[str, Change] = {
    "time at the end of 64 bits": _run(_STEP.format(2**63 - 1, 0, 0.5)),
    "time after the year 9999": _run(_STEP.format(253_402_300_800, 0, 0.5)),
    "last minute of the year 9999": _run(_STEP.format(253_402_300_740, 3600, 0.5)),
    "last minute of the year 9999 in UTC": _run(_STEP.format(253_402_300_740, 0, 0.5)),
    "first minute of the year 1": _run(_STEP.format(-62_135_596_800, -3600, 0.5)),
    "time at the start of 64 bits": _run(_STEP.format(-(2**63), 0, 0.5)),
    "huge offset": _run(f"UPDATE steps SET utc_offset = {10**15} WHERE at = {_LAST}"),
    "offset of a day": _run("UPDATE steps SET utc_offset = 86400"),
    "offset that is text": _run(f"UPDATE steps SET utc_offset = 'now' WHERE at = {_LAST}"),
    "offsets that alternate": _run(
        "UPDATE steps SET utc_offset = CASE at / 60 % 2 WHEN 0 THEN 86399 ELSE -86399 END"
    ),
    "power that is text": _run(f"UPDATE steps SET actual_kw = '=1+1' WHERE at = {_LAST}"),
    "power without end": _run(f"UPDATE steps SET actual_kw = 9e999 WHERE at = {_LAST}"),
    "power of 1e308": _run("UPDATE steps SET actual_kw = 1e308, forecast_kw = -1e308"),
    "power that is big": _run(f"UPDATE steps SET actual_kw = zeroblob(2000000) WHERE at = {_LAST}"),
    "gap that is text": _run(f"UPDATE steps SET gap_minutes = 'long' WHERE at = {_LAST}"),
    "gap without end": _run(f"UPDATE steps SET gap_minutes = {2**62} WHERE at = {_LAST}"),
    **{
        f"forecast with {column} = {value}": _run(
            f"UPDATE OR REPLACE mean_forecasts SET {column} = {value} WHERE minutes = 15"
        )
        for column, value in (
            *(("at", "'=1+1'"), ("at", "at + 0.5")),
            *(("minutes", "'=1+1'"), ("minutes", "-5"), ("minutes", str(2**63 - 1))),
            *(("mean", "'=1+1'"), ("mean", "0.5"), ("high", str(2**63 - 1))),
        )
    },
    "big forecast": _run(
        "UPDATE mean_forecasts SET mean = hex(zeroblob(2000000)) WHERE at % 7 = 0"
    ),
    **{
        f"interval with {column} = {value}": _run(
            f"UPDATE OR REPLACE demand_intervals SET {column} = {value} WHERE at % 1800 = 0"
        )
        for column, value in (
            *(("at", "at + 0.5"), ("minutes", str(2**63 - 1)), ("unknown_minutes", str(2**62))),
            *(("kw", "'=1+1'"), ("kw", "9e999"), ("bound_kw", "1e308")),
            *(("warned_at", str(2**63 - 1)), ("p_raises_peak", "-1e308")),
        )
    },
    "big interval": _run(
        "UPDATE demand_intervals SET forecast_kw = hex(zeroblob(2000000)) WHERE at % 1800 = 0"
    ),
    "many intervals": _run(
        f"INSERT OR REPLACE INTO demand_intervals {_MANY.format(count=6_000)}"
        f"SELECT {_LAST} - i, 15, 0, 1.0, 0.0, 0, 1.0, 1, NULL, 1.0, 1.0, 1.0, 0.5 FROM n"
    ),
    **{
        f"load with {column} = {value}": _run(f"UPDATE switching_events SET {column} = {value}")
        for column, value in (*(("at", "at + 0.5"), ("kw", "9e999"), ("off_at", "'soon'")),)
    },
    "many loads": _run(
        f"INSERT INTO switching_events {_MANY.format(count=6_000)}"
        f"SELECT {_LAST} - i, 2.0, {_LAST} - i + 60 FROM n"
    ),
    "channel that moves the cursor": _run("UPDATE channels SET name = char(27) || '[2J\n=1'"),
    "many channels": _run(
        f"INSERT INTO channels {_MANY.format(count=5_000)}SELECT i + 1, 'c' || i, 'V' FROM n"
    ),
    "channel that is big": _run("UPDATE channels SET name = hex(zeroblob(3000000))"),
    "value of a channel that is text": _run("UPDATE channel_values SET value = '=1+1'"),
    "value of a channel without end": _run("UPDATE channel_values SET value = 9e999"),
    "many values of channels": _run(
        f"INSERT INTO channel_values {_MANY.format(count=50_000)}SELECT {_LAST}, i + 1, 1.0 FROM n"
    ),
    **{
        f"challenger with {column} = {value}": _run(
            f"UPDATE challenger_forecasts SET {column} = {value}"
        )
        for column, value in (
            *(("next", "'=1+1'"), ("next", str(2**63 - 1)), ("next", "0.5")),
            *(("at", "at + 0.5"), ("challenger", "'first'"), ("challenger", str(2**62))),
        )
    },
    "challenger that moves the cursor": _run("UPDATE challengers SET name = char(27) || '[2J\n=1'"),
    "challenger that is big": _run("UPDATE challengers SET name = hex(zeroblob(3000000))"),
    "many challengers": _run(
        f"INSERT INTO challengers {_MANY.format(count=5_000)}SELECT i + 1, 'c' || i FROM n",
        f"INSERT INTO challenger_forecasts {_MANY.format(count=5_000)}"
        f"SELECT {_LAST} - 60, i + 1, 5 FROM n",
    ),
    "many open alarms": _run(
        f"INSERT INTO alarms {_MANY.format(count=5_000)}"
        f"SELECT {_LAST} - 600 - i, 'drift', 'much', 2.0, NULL FROM n"
    ),
    "alarm at no time": _run("INSERT INTO alarms VALUES ('soon', 'drift', 'much', 2.0, NULL)"),
    "alarm after all time": _run(f"INSERT INTO alarms VALUES ({2**62}, 'drift', 'm', 2.0, NULL)"),
    "alarm over at no time": _run("UPDATE alarms SET over_at = 'soon'"),
    "alarm over after all time": _run(f"UPDATE alarms SET over_at = {2**62}"),
    "alarm that is a blob": _run(
        f"INSERT INTO alarms VALUES ({_LAST}, x'ff00', x'1b5b324a', x'00', NULL)"
    ),
    "big alarm": _run(
        f"INSERT INTO alarms VALUES ({_LAST}, 'drift', hex(zeroblob(3000000)), 2.0, NULL)"
    ),
    "event at no time": _run(
        f"INSERT INTO events (at, kind, text) VALUES ({_LAST} - 60.5, x'00', x'1b')"
    ),
    "many settings": _run(
        f"INSERT INTO settings {_MANY.format(count=5_000)}SELECT 'key' || i, 'value' FROM n"
    ),
    "big setting": _run("UPDATE settings SET value = hex(zeroblob(3000000)) WHERE key = 'model'"),
    "setting that moves the cursor": _run("UPDATE settings SET value = char(27) || '[2J\n'"),
    "setting that is a number": _run("UPDATE settings SET value = 1e400"),
    "state that is big when decompressed": _state(lambda _: zlib.compress(bytes(40_000_000), 1)),
    "state that is cut": _state(lambda state: zlib.compress(json.dumps(state).encode())[:-9]),
    "state that is nested": _state(lambda _: zlib.compress(b"[" * 100_000)),
    "state that is a list": _state(lambda _: zlib.compress(b"[1, 2]")),
    "state that is a long number": _state(lambda _: zlib.compress(b"9" * 100_000)),
    "state that is a text": _run("UPDATE snapshots SET state = 'text', checksum = 1"),
    "state that is big": _run("UPDATE snapshots SET state = zeroblob(3000000)"),
    "state with a wrong checksum": _state(lambda _: zlib.compress(b"{}"), checksum=False),
    "state of no time": _json(last_at="soon"),
    "state of no zone": _json(last_at="2026-03-29T01:00:00"),
    **{
        f"state with {what} as {part}": _part(part, value)
        for part in ("waiting.kw", "buffer_kw.0", "alarms.left", "scores.settled")
        for what, value in (
            ("nothing", None),
            ("text", "x"),
            ("a huge number", 10**400),
            ("-1", -1),
        )
    },
    "state of a big adapter": _part("online.adapter.units", 30_000),
    "state after all time": _run(f"UPDATE snapshots SET at = {2**62} + at"),
    "many states": _run(
        f"INSERT INTO snapshots {_MANY.format(count=5_000)}SELECT {2**62} - i, '0', x'00' FROM n"
    ),
}
"""Recordings with values that no recorder writes."""
