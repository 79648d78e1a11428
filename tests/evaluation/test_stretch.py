"""Tests of the scored minutes: their selection, reading, and in-sample check."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from streamer.errors import UsageError
from streamer.evaluation import Last, Stretch, read_stretch, refuse_in_sample, seen_in_training
from streamer.models.card import Card
from streamer.readings import MINUTE, Notice, Reading
from streamer.testing import START, ListSource, readings
from tests.evaluation.conftest import minutes


def _read(items: list, since=None, until=None, last=None, warm_up=49, notices=None) -> Stretch:
    return read_stretch(
        ListSource(items, block=7),
        since=since,
        until=until,
        last=last,
        warm_up=warm_up,
        on_notice=[].append if notices is None else notices.append,
        advance=lambda count: None,
    )


def test_first_49_readings_fill_the_window() -> None:
    kw = np.arange(200.0)
    stretch = Stretch(kw, minutes(200), start=100)
    assert stretch.minutes == 51
    assert stretch.actual_kw.tolist() == kw[149:].tolist()
    assert stretch.last_kw.tolist() == kw[148:-1].tolist()
    assert stretch.scored_at[0] == minutes(200)[149]
    windows = stretch.windows(49)
    assert windows.shape == (51, 49)
    assert windows[0].tolist() == kw[100:149].tolist()
    assert windows[-1].tolist() == kw[150:199].tolist()


def test_missing_minutes_are_those_before_each_reading() -> None:
    at = minutes(60)[[*range(50), 52, 53, 59]]
    stretch = Stretch(np.zeros(53), at)
    assert stretch.missing.tolist() == [0] * 50 + [2, 0, 5]


@pytest.mark.parametrize("count", [0, 1, 49])
def test_too_few_readings_are_rejected(count: int) -> None:
    with pytest.raises(UsageError, match=rf"{count} valid readings to evaluate are too few.*49"):
        Stretch(np.zeros(100 + count), minutes(100 + count), start=100)


def test_longer_window_takes_longer_to_fill() -> None:
    stretch = _read(readings(range(100)), warm_up=60)
    assert stretch.minutes == 40
    assert _read(readings(range(100)), warm_up=10).minutes == 51


@pytest.mark.parametrize(
    ("text", "start"), [("10%", 1296), ("100%", 0), ("0.5%", 1433), ("1d", 0), ("0.25d", 1080)]
)
def test_last_selects_a_share_or_days(text: str, start: int) -> None:
    assert Last.parse(text).start(minutes(1440)) == start


def test_last_days_are_counted_by_the_clock() -> None:
    at = minutes(3000)[[*range(1000), *range(2500, 3000)]]
    assert Last.parse("1d").start(at) == 1000
    assert at[1000] > at[-1] - np.timedelta64(1, "D")


@pytest.mark.parametrize("text", ["", "10", "0%", "101%", "-1d", "nan%", "infd", "7 weeks", "%"])
def test_last_rejects_other_forms(text: str) -> None:
    with pytest.raises(UsageError, match="give a share such as 10%"):
        Last.parse(text)


def test_stretch_has_the_readings_of_a_replay() -> None:
    kw = [0.5] * 300
    kw[120] = math.nan
    items = readings(kw)
    since, until = START + 100 * MINUTE, START + 250 * MINUTE
    stretch = _read(items, since, until)
    assert stretch.start == 100
    assert stretch.name == "list"
    assert stretch.at[stretch.start].item() == since
    assert stretch.at[-1].item() == until - MINUTE
    assert len(stretch.kw) == 249


def test_times_with_a_zone_accept_bounds_with_and_without_zone() -> None:
    zone = timezone(timedelta(hours=2))
    items = [Reading(r.at.replace(tzinfo=zone), r.kw) for r in readings(range(300))]
    naive = _read(items, START + 100 * MINUTE)
    aware = _read(items, (START + 100 * MINUTE).replace(tzinfo=zone).astimezone(UTC))
    assert naive.start == aware.start == 100
    assert naive.at[0].item() == START


def test_notices_are_passed_on_and_the_source_is_closed() -> None:
    notice = Notice(Notice.MALFORMED, "row 3")
    notices_found: list[Notice] = []
    source = ListSource([notice, *readings(range(100))], block=1)
    read_stretch(
        source,
        since=None,
        until=None,
        last=None,
        warm_up=49,
        on_notice=notices_found.append,
        advance=lambda count: None,
    )
    assert notices_found == [notice]
    assert source.closed


def test_no_reading_before_the_end_is_rejected() -> None:
    with pytest.raises(UsageError, match="no reading before --to 2010-01-01"):
        _read(readings(range(100)), until=datetime(2010, 1, 1))


def test_start_after_all_readings_is_rejected() -> None:
    with pytest.raises(UsageError, match="0 valid readings"):
        _read(readings(range(100)), since=datetime(2011, 1, 1))


AT = minutes(1000)
FROM, TO = datetime(2010, 3, 1, 2), datetime(2010, 3, 1, 3)


def test_training_span_includes_both_ends() -> None:
    seen = seen_in_training(Card("m", trained_from=FROM, trained_to=TO), AT)
    assert seen.tolist() == AT[120:181].tolist()


@pytest.mark.parametrize(
    "card",
    [
        Card("m"),
        Card("m", trained_from=FROM),
        Card("m", trained_from=datetime(2009, 1, 1), trained_to=datetime(2010, 2, 28, 23, 59)),
    ],
)
def test_out_of_sample_minutes_are_accepted(card: Card) -> None:
    assert not len(seen_in_training(card, AT))
    refuse_in_sample("m", card, AT)


def test_in_sample_minutes_are_rejected_with_remedies() -> None:
    card = Card("m", trained_from=FROM, trained_to=TO)
    with pytest.raises(UsageError) as raised:
        refuse_in_sample("mine", card, AT)
    text = str(raised.value)
    assert "'mine' was trained on 2010-03-01 02:00 to 2010-03-01 03:00" in text
    assert "61 minutes of the 1,000" in text
    assert "(2010-03-01 02:00 to 2010-03-01 03:00)" in text
    assert "--from 2010-03-01T03:01, or a shorter --last, or --in-sample" in text
    refuse_in_sample("mine", card, AT[181:])


def test_later_start_is_proposed_only_if_it_helps() -> None:
    card = Card("m", trained_from=FROM, trained_to=datetime(2011, 1, 1))
    with pytest.raises(UsageError, match="use --in-sample") as raised:
        refuse_in_sample("m", card, AT)
    assert "--from" not in str(raised.value)


def _card_of_houses(*spans: tuple[datetime, datetime]) -> Card:
    entries = [
        {"source": "h", "trained_from": first.isoformat(), "trained_to": last.isoformat()}
        for first, last in spans
    ]
    around = {"trained_from": spans[0][0], "trained_to": spans[-1][1]}
    return Card("m", **around, facts={"data": {"houses": entries}})


def test_minutes_between_the_spans_of_several_houses_are_out_of_sample() -> None:
    later = (datetime(2010, 3, 1, 10), datetime(2010, 3, 1, 11))
    card = _card_of_houses((FROM, TO), later)
    between = AT[181:600]
    assert not len(seen_in_training(card, between))
    refuse_in_sample("m", card, between)
    assert seen_in_training(card, AT).tolist() == [*AT[120:181].tolist(), *AT[600:661].tolist()]
    with pytest.raises(UsageError) as raised:
        refuse_in_sample("m", card, AT)
    text = str(raised.value)
    assert "to 2010-03-01 03:00, and on 2010-03-01 10:00 to 2010-03-01 11:00" in text
    assert "122 minutes of the 1,000 to be scored lie in those spans" in text
    assert "--from 2010-03-01T11:01" in text


def _with_solar(kw: list[float | None], start: datetime = START) -> list[Reading]:
    return [
        replace(reading, solar_kw=solar, battery_kw=None if solar is None else 0.25)
        for reading, solar in zip(readings(range(len(kw)), start=start), kw, strict=True)
    ]


def test_solar_and_battery_power_are_read() -> None:
    stretch = _read(_with_solar([0.5] * 80))
    assert stretch.solar_kw is not None
    assert stretch.battery_kw is not None
    assert stretch.consumption_kw.tolist() == [kw + 0.25 for kw in range(80)]
    assert stretch.terms is not None
    assert stretch.terms.actual_kw.tolist() == stretch.actual_kw.tolist()
    assert stretch.terms.solar_kw is not None
    assert stretch.terms.solar_kw.tolist() == [0.5] * 31
    windows = stretch.consumption_windows(49)
    assert windows.shape == (31, 49)
    assert windows[0].tolist() == stretch.consumption_kw[:49].tolist()
    assert windows[-1].tolist() == stretch.consumption_kw[30:79].tolist()


def test_without_channels_the_consumption_is_the_grid_power() -> None:
    stretch = _read(readings(range(80)))
    assert stretch.solar_kw is stretch.battery_kw is stretch.terms is None
    assert stretch.consumption_kw.tolist() == stretch.kw.tolist()


def test_solar_power_may_begin_before_the_stretch() -> None:
    items = _with_solar([None] * 30 + [0.5] * 70)
    stretch = _read(items, since=items[30].at)
    assert stretch.solar_kw is not None
    assert stretch.solar_kw[30:].tolist() == [0.5] * 70
    assert stretch.terms is not None


@pytest.mark.parametrize(
    ("kw", "message"),
    [
        ([None] * 40 + [0.5] * 60, "solar power is only measured from 2010-03-19 17:40:00 on"),
        ([0.5] * 40 + [None] * 60, "solar power is not measured from 2010-03-19 17:40:00 on"),
    ],
)
def test_solar_power_in_a_part_of_the_stretch_is_an_error(kw: list, message: str) -> None:
    with pytest.raises(UsageError, match=f"^list: {message}; choose a stretch"):
        _read(_with_solar(kw))
