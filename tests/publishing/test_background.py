"""Tests of publishers in the background: order, failures, and the thread's end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streamer.errors import LinkError, RefusedError
from streamer.pipeline import Pipeline
from streamer.publishing import Report, WatchedMeter
from streamer.publishing.background import MAX_WAITING, Background
from streamer.publishing.record import ENDED, FRESH, STALE, WAITING, state_record, status_of
from streamer.publishing.state import MeterState, next_state
from streamer.readings import Link, Notice, Sample, Step
from streamer.recording.notifications import KeptNotifications
from streamer.sinks import Item
from streamer.sinks.items import About, Vitals
from streamer.sinks.shared import SharedSinks
from streamer.testing import FixedForecaster, readings

HOUSE = WatchedMeter("House", "house", late_s=30.0)
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class _List:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.items: list[Item] = []

    def write(self, item: Item) -> None:
        self.items.append(item)

    def close(self) -> None:
        pass


class _Fake:
    """A publisher that keeps what it gets, and whose runs end as they are told."""

    def __init__(self, *failures: Exception, start: Exception | None = None) -> None:
        self.taken: list[tuple[MeterState, Item | None]] = []
        self.runs = 0
        self.closed = False
        self.ran = threading.Event()
        self._failures = list(failures)
        self._start = start

    @property
    def name(self) -> str:
        return "fake"

    async def start(self) -> None:
        if self._start is not None:
            raise self._start

    async def run(self) -> None:
        self.runs += 1
        if self._failures:
            raise self._failures.pop(0)
        self.ran.set()
        await asyncio.Event().wait()

    def take(self, state: MeterState, item: Item | None) -> None:
        self.taken.append((state, item))

    async def close(self) -> None:
        self.closed = True


def _of(*publishers: _Fake) -> Callable[[Report], list[_Fake]]:
    return lambda report: list(publishers)


def _steps(count: int) -> list[Step]:
    return Pipeline(FixedForecaster()).push_many(readings([0.3] * count, start=START))


def test_items_arrive_in_order_and_with_the_state_after_them() -> None:
    fake = _Fake()
    background = Background(_of(fake))
    background.start()
    sink = background.sink(HOUSE)
    about, steps = About("meter", "model"), _steps(60)
    for item in (about, *steps, Vitals(1.0, 1.0, 1.0)):
        sink.write(item)
    sink.close()
    sink.close()
    background.close()
    assert [item for _, item in fake.taken] == [about, *steps, None]
    assert [state.step for state, _ in fake.taken] == [None, *steps, steps[-1]]
    assert [state.ended for state, _ in fake.taken] == [False] * 61 + [True]
    assert fake.closed


def test_a_publisher_that_fails_is_reported_once_and_runs_again() -> None:
    fake = _Fake(*[LinkError("fake: no route")] * 3, ValueError("odd\nvalue"))
    background = Background(_of(fake), retry_s=(0.0,))
    told: list[Notice] = []
    background.start()
    assert fake.ran.wait(10)
    background.report_to(told.append)
    background.close()
    assert fake.runs == 5
    texts = ["fake: no route", "fake: odd value"]
    assert told == [Notice(Notice.WARNING, text) for text in texts]


def test_each_failure_is_counted_by_those_who_count_them() -> None:
    class Counting(_Fake):
        def __init__(self) -> None:
            super().__init__()
            self.failed: list[str] = []

        def count_failure(self, publisher: str) -> None:
            self.failed.append(publisher)

    fake, counting = _Fake(*[LinkError("fake: no route")] * 3), Counting()
    background = Background(_of(fake, counting), retry_s=(0.0,))
    background.start()
    assert fake.ran.wait(10)
    background.close()
    assert counting.failed == ["fake"] * 3


def test_one_that_cannot_start_is_an_error_and_the_others_are_closed() -> None:
    others = _Fake()
    background = Background(_of(others, _Fake(start=RefusedError("the port is in use"))))
    with pytest.raises(RefusedError, match="the port is in use"):
        background.start()
    assert others.closed
    background.close()


def test_a_call_is_made_in_the_next_turn_of_the_loop_or_at_once_after_the_end() -> None:
    threads: list[str] = []
    called = threading.Event()

    def call() -> None:
        threads.append(threading.current_thread().name)
        called.set()

    background = Background(_of(_Fake()))
    background.start()
    background.call_soon(call)
    assert called.wait(10)
    background.close()
    background.call_soon(call)
    assert threads == ["publishers", threading.current_thread().name]


def test_a_loop_that_hangs_holds_nothing_up_and_is_reported_once() -> None:
    release = threading.Event()

    class Hanging(_Fake):
        def take(self, state: MeterState, item: Item | None) -> None:
            release.wait()
            super().take(state, item)

    fake, told = Hanging(), _List()
    background = Background(_of(fake))
    background.start()
    background.report_to(told.write)
    sink, sample = background.sink(HOUSE), Sample(1.0)
    for _ in range(2 * MAX_WAITING):
        sink.write(sample)
    release.set()
    background.close()
    assert MAX_WAITING <= len(fake.taken) <= MAX_WAITING + 1
    assert [item.text for item in told.items if isinstance(item, Notice)] == [
        "nothing is published: a publisher hangs, and its oldest items are dropped"
    ]


def test_publishers_keep_what_must_outlive_the_program_while_it_is_recorded(
    tmp_path: Path,
) -> None:
    class Keeping(_Fake):
        def __init__(self) -> None:
            super().__init__()
            self.calls: list[object] = []

        async def keep(self, meter: WatchedMeter, kept: KeptNotifications) -> None:
            self.calls.append((meter, kept))

        async def release(self, meter: WatchedMeter) -> None:
            self.calls.append(meter)

    keeping, other = Keeping(), _Fake()
    background = Background(_of(keeping, other))
    kept = KeptNotifications(tmp_path / "house.db", lambda _: False)
    background.start()
    with background.keeping(HOUSE, kept):
        assert keeping.calls == [(HOUSE, kept)]
    assert keeping.calls == [(HOUSE, kept), HOUSE]
    background.close()
    with background.keeping(HOUSE, kept):
        pass
    assert len(keeping.calls) == 2


def test_an_item_that_a_publisher_cannot_take_is_reported_once_and_holds_no_other_up() -> None:
    class Picky(_Fake):
        def take(self, state: MeterState, item: Item | None) -> None:
            super().take(state, item)
            raise ValueError("odd item")

    picky, other, told = Picky(), _Fake(), _List()
    background = Background(_of(picky, other))
    background.start()
    background.report_to(told.write)
    sink = background.sink(HOUSE)
    for _ in range(3):
        sink.write(Sample(1.0))
    background.close()
    assert len(picky.taken) == len(other.taken) == 3
    assert told.items == [Notice(Notice.WARNING, "fake: odd item")]


def test_items_of_many_streams_all_arrive() -> None:
    fake = _Fake()
    background = Background(_of(fake))
    background.start()
    sinks = [background.sink(WatchedMeter(key, key)) for key in "abcd"]
    threads = [
        threading.Thread(target=lambda sink=sink: [sink.write(Sample(1.0)) for _ in range(2000)])
        for sink in sinks
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    background.close()
    assert len(fake.taken) == 8000


def test_items_after_the_end_are_dropped() -> None:
    fake = _Fake()
    background = Background(_of(fake))
    background.start()
    sink = background.sink(HOUSE)
    background.close()
    sink.write(Sample(1.0))
    background.close()
    assert not fake.taken


def test_a_meter_is_late_by_its_pace_at_each_step() -> None:
    fake, paces = _Fake(), iter((65.0, 7.0))
    background = Background(_of(fake))
    background.start()
    sink = background.sink(HOUSE, lambda: next(paces))
    sink.write(Sample(1.0))
    for step in _steps(2):
        sink.write(step)
    sink.close()
    background.close()
    found = [state.meter for state, _ in fake.taken]
    assert [meter.late_s for meter in found] == [HOUSE.late_s, 65.0, 7.0, 7.0]
    assert {meter.key for meter in found} == {HOUSE.key}


def test_shared_sinks_take_one_item_at_a_time_from_many_threads() -> None:
    inside = 0

    class Careful(_List):
        def write(self, item: Item) -> None:
            nonlocal inside
            inside += 1
            assert inside == 1
            super().write(item)
            inside -= 1

    careful = Careful()
    shared = SharedSinks([careful])
    threads = [
        threading.Thread(target=lambda: [shared.write(Sample(1.0)) for _ in range(500)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(careful.items) == 2000


def test_a_state_is_stale_when_the_next_reading_is_overdue() -> None:
    step = _steps(1)[0]  # the minute from 12:00 to 12:01, here at 12:01
    state = MeterState(HOUSE)
    now = START + timedelta(minutes=1)
    assert status_of(state, now) == WAITING
    state = next_state(state, step, now)
    assert state.stale_at() == START + timedelta(minutes=2, seconds=30)
    assert status_of(state, START + timedelta(minutes=2, seconds=29)) == FRESH
    assert status_of(state, START + timedelta(minutes=2, seconds=30)) == STALE
    assert status_of(next_state(state, None, now), now) == ENDED


def test_an_old_minute_that_arrives_now_is_stale() -> None:
    state = next_state(MeterState(HOUSE), _steps(1)[0], START + timedelta(hours=1))
    assert not state.is_fresh(START + timedelta(hours=1))


def test_a_minute_of_the_future_is_fresh_no_longer_than_others() -> None:
    state = next_state(MeterState(HOUSE), _steps(1)[0], START - timedelta(hours=1))
    assert state.stale_at() == START - timedelta(hours=1) + timedelta(seconds=90)


def test_what_was_sampled_before_an_outage_is_forgotten() -> None:
    state = next_state(MeterState(HOUSE), Sample(1.5), START)
    state = next_state(state, Sample(230.0, channel="voltage"), START)
    assert state.sample == Sample(1.5)
    assert next_state(state, Link(Link.LOST), START).sample is None


def test_the_record_has_no_value_that_json_lacks() -> None:
    import json

    state = next_state(MeterState(HOUSE), _steps(60)[-1], START)
    state = next_state(state, Sample(float("nan")), START)
    found = json.loads(json.dumps(state_record(state, START), allow_nan=False))
    assert found["status"] == FRESH
    assert found["sample"] == {"kw": None, "at": None}
    assert found["step"]["actual_kw"] == 0.3
