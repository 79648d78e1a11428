"""`kill -9` at random moments of recording at full speed."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.recording.conftest import COLUMNS, House, columns_of, house, racing
from tests.recording.test_demand import intervals_of, loads_of
from tests.recording.test_demand import rows as rows_of
from tests.recording.test_race import race_of, race_rows_of

KILLS = 10
READINGS = 600

# One process imports everything, and forks a watcher for each life. The minutes that a watcher
# has confirmed are counted in shared memory, so that a kill cannot lose the count.
_LIVES = """
import json, mmap, os, random, signal, sqlite3, sys, time
from contextlib import closing
from pathlib import Path
from streamer.recording.recorder import Recorder
from tests.recording.conftest import SETTINGS, house, racing

path, kills, count, seed = Path(sys.argv[1]), *map(int, sys.argv[2:])
chance = random.Random(seed)
readings = house(count)
shared = mmap.mmap(-1, 8)
notices = []

def live():
    watched = racing()
    recorder = Recorder.open(
        path, settings=SETTINGS, state=watched.state, notify=notices.append, snapshot_every=100
    )
    resumed = recorder.resume(watched, steps=50)
    last_at = resumed.last_at
    shared[:8] = resumed.readings.to_bytes(8, "little")
    for place, reading in enumerate(readings):
        if last_at is None or reading.at > last_at:
            recorder.write(watched.push(reading))
            shared[:8] = (place + 1).to_bytes(8, "little")
    recorder.close()

warm = racing()
for reading in readings:
    warm.push(reading)

lives = []
while True:
    child = os.fork()
    if not child:
        live()
        os._exit(9 if notices else 0)
    if len(lives) < kills:
        time.sleep(chance.uniform(0.002, 0.12))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    confirmed = int.from_bytes(shared[:8], "little")
    # Killed early enough, it has left no file, or one without tables.
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            (recorded,) = connection.execute("SELECT count(*) FROM steps").fetchone()
    except sqlite3.OperationalError:
        recorded = 0
    lives.append((confirmed, recorded, os.waitstatus_to_exitcode(status)))
    if lives[-1][2] != -signal.SIGKILL:
        break
print(json.dumps(lives))
"""


def test_a_kill_loses_at_most_the_minute_being_written(db: Path) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    done = subprocess.run(
        [sys.executable, "-c", _LIVES, str(db), str(KILLS), str(READINGS), str(seed)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, ""), f"seed {seed}: {done.stderr}"
    lives = json.loads(done.stdout)
    assert lives[-1] == [READINGS, READINGS, 0], f"seed {seed}: {lives}"
    for confirmed, recorded, _ in lives:
        assert confirmed <= recorded <= confirmed + 1, f"seed {seed}: {lives}"

    undisturbed = racing()
    steps = [undisturbed.push(reading) for reading in house(READINGS)]
    with closing(sqlite3.connect(db)) as connection:
        rows = connection.execute(f"SELECT {COLUMNS} FROM steps ORDER BY at").fetchall()  # noqa: S608
        alarms = connection.execute("SELECT DISTINCT at, kind FROM alarms").fetchall()
    assert rows == [columns_of(step) for step in steps]
    raised = {(int(alarm.at.timestamp()), alarm.kind) for step in steps for alarm in step.alarms}
    assert set(alarms) == raised
    assert rows_of(db) == intervals_of(steps)
    assert sorted(rows_of(db, "switching_events")) == loads_of(steps)
    assert race_rows_of(db) == race_of(steps)
    again = House(db, pipeline=racing())
    again.recorder.resume(again.pipeline)
    assert again.pipeline.state() == undisturbed.state()
    again.close()
