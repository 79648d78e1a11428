"""Tests of the panel of demand intervals: the running one, the day, and its cost."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.text import Text

from streamer.dashboard import History, HistorySnapshot, interval, render, today
from streamer.dashboard.daybars import day_bars
from streamer.dashboard.demand import panel
from streamer.dashboard.interval import BOUND_GLYPH, DRAWN_GLYPH, RANGE_GLYPH, SURE_GLYPH
from streamer.dashboard.words import WARNING
from streamer.energy.tariff import PeakCharge, Rate, Tariff
from streamer.energy.today import IntervalMean
from streamer.history import energy as dayenergy
from streamer.history.energy import exports_of, slot_of
from streamer.readings import (
    MINUTE,
    DemandForecast,
    DemandScores,
    QuarterHour,
    ReliabilityBin,
    SettledDemand,
    Step,
    SwitchingEvent,
)
from tests.dashboard.demandsamples import demanding
from tests.dashboard.samples import (
    foreseeing,
    house,
    make_steps,
    snapshot,
)

AT = datetime(2010, 3, 19, 18, 0)
DEMAND = DemandForecast(
    AT,
    AT + 15 * MINUTE,
    minutes_left=9,
    unknown_minutes=0,
    so_far_kw=3.0,
    kw=3.6,
    low_kw=3.0,
    high_kw=4.8,
    bound_kw=4.5,
    margin_kw=5.5,
    month_peak_kw=4.5,
    month_peak_at=datetime(2010, 3, 12, 18, 30),
    p_raises_peak=0.125,
)
STEPS = demanding(foreseeing(make_steps(house(60))))
TARIFF = Tariff(
    "by hand",
    energy=Rate(fixed=Decimal("0.30")),
    feed_in=Rate(fixed=Decimal("0.10")),
    peak=PeakCharge(Decimal(60)),
)


def _text(found: Text) -> str:
    return found.plain.rstrip()


def test_the_bar_is_solid_up_to_what_is_drawn_already() -> None:
    text = _text(interval.bar(DEMAND, 74))
    assert text.endswith(" 5.3 kW")
    plot = text.removesuffix(" 5.3 kW")[1:]
    # 66 cells for 1.1 times the highest value, 4.8 kW: 12.5 for a kilowatt.
    assert plot.rindex(DRAWN_GLYPH) + 1 == pytest.approx(12.5 * 3.0 * 6 / 15, abs=1)
    assert plot.rindex(SURE_GLYPH) + 1 == pytest.approx(12.5 * 3.0, abs=1)
    assert plot.index("•") == pytest.approx(12.5 * 3.6, abs=1)
    assert plot.index(BOUND_GLYPH) == pytest.approx(12.5 * 4.5, abs=1)
    assert plot.rindex(RANGE_GLYPH) + 1 == pytest.approx(12.5 * 4.8, abs=1)


def test_the_bar_reaches_the_bound_when_the_interval_does() -> None:
    reached = replace(DEMAND, minutes_left=5, so_far_kw=4.5 * 15 / 10, margin_kw=0.0)
    plot = _text(interval.bar(reached, 80))
    assert plot.index(BOUND_GLYPH) == pytest.approx(plot.rindex(DRAWN_GLYPH), abs=1)


def test_words_say_what_may_be_drawn() -> None:
    assert _text(interval.course(DEMAND, 80)) == (
        "so far 3.00 kW   heading for 3.60 kW (3.00 to 4.80)"
    )
    assert _text(interval.margin(DEMAND, 80)) == (
        "may draw 5.50 kW for 9 min and stay below 4.50 kW, 4.00 kW expected"
    )
    assert _text(interval.chance(DEMAND, 80)) == "probability of more than 4.50 kW 12 %"
    assert _text(interval.month_peak(DEMAND, 80)) == "month's peak 4.50 kW, 03-12 18:30"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"margin_kw": 0.0}, "exceeds 4.50 kW, whatever is drawn from now on"),
        ({"minutes_left": 0, "margin_kw": None}, "below 4.50 kW"),
        ({"minutes_left": 0, "margin_kw": None, "so_far_kw": 4.6}, "above 4.50 kW"),
        (
            {"bound_kw": None, "margin_kw": None},
            "the first full quarter-hour sets the month's peak",
        ),
        ({"kw": None}, "may draw 5.50 kW for 9 min and stay below 4.50 kW"),
    ],
)
def test_words_for_other_margins(changes: dict[str, Any], text: str) -> None:
    assert _text(interval.margin(replace(DEMAND, **changes), 80)) == text


def test_more_than_the_margin_is_marked() -> None:
    tight = interval.margin(replace(DEMAND, margin_kw=3.5), 80)
    assert WARNING in {span.style for span in tight.spans}
    assert WARNING not in {span.style for span in interval.margin(DEMAND, 80).spans}


def test_an_hour_and_another_bound_are_named() -> None:
    hour = replace(DEMAND, end=AT + timedelta(hours=1), bound_kw=5.0)
    assert interval.name_of(hour) == "hour 18:00 to 19:00"
    assert _text(interval.month_peak(hour, 80)) == (
        "month's peak 4.50 kW, 03-12 18:30   bound 5.00 kW"
    )
    none = replace(DEMAND, month_peak_kw=None, month_peak_at=None, bound_kw=2.5)
    assert _text(interval.month_peak(none, 80)) == "no peak this month yet, bound 2.50 kW"
    unknown = replace(DEMAND, unknown_minutes=2, kw=None, low_kw=None, high_kw=None)
    assert _text(interval.course(unknown, 80)) == "so far 3.00 kW (2 minutes unknown)"
    first = replace(DEMAND, p_raises_peak=None)
    assert _text(interval.chance(first, 80)) == "no probability yet"


def test_scores_and_reliability() -> None:
    bins = (ReliabilityBin(0.01, 0.0, 90), ReliabilityBin(0.45, 0.5, 10))
    scores = DemandScores(100, 6, 5, 2, 0.0009, 0.0564, bins)
    assert _text(interval.record(scores, 100)) == (
        "alarms: 5 of 6 found, 2 false   Brier 0.00090 (base rate 0.0564) over 100 intervals"
    )
    assert _text(interval.reliability(scores, 80)) == "% forecast → % observed: 1 → 0, 45 → 50"
    assert _text(interval.reliability(scores, 36)) == "% forecast → % observed: 45 → 50"
    assert _text(interval.record(None, 80)) == "not scored yet"
    assert not interval.reliability(DemandScores(), 80)


@given(
    values=st.lists(st.one_of(st.none(), st.floats()), min_size=7, max_size=7),
    so_far=st.floats(allow_nan=False),
    left=st.integers(0, 14),
    width=st.integers(1, 220),
)
def test_lines_fit_with_any_value(
    values: list[float | None], so_far: float, left: int, width: int
) -> None:
    names = ("kw", "low_kw", "high_kw", "bound_kw", "margin_kw", "month_peak_kw", "p_raises_peak")
    changes: dict[str, Any] = dict(zip(names, values, strict=True))
    demand = replace(DEMAND, so_far_kw=so_far, minutes_left=left, **changes)
    scores = DemandScores(3, 1, 1, 0, values[0], values[1], (ReliabilityBin(0.5, 0.5, 3),))
    for make in (interval.course, interval.margin, interval.chance, interval.month_peak):
        assert make(demand, width).cell_len <= width
    assert interval.bar(demand, width).cell_len <= max(width, 14)
    assert interval.record(scores, width).cell_len <= width


@given(st.integers(1, 220), st.integers(1, 70), st.booleans(), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_frame_with_demand_intervals_fits_any_size(
    width: int, height: int, only_demand: bool, only_ascii: bool, has_tariff: bool
) -> None:
    found = replace(FOUND, tariff=TARIFF if has_tariff else None)
    frame = render(found, width, height, only_demand=only_demand, ascii=only_ascii)
    assert len(frame.lines) <= height
    assert max(text.cell_len for text in frame.lines) <= width
    assert height < 22 or width < 72 or len(frame.lines) == height
    assert str(frame).isascii() or not only_ascii


FOUND = snapshot(STEPS)


def test_a_panel_has_as_many_lines_as_there_is_room_for() -> None:
    for rows in range(4, 20):
        lines = panel(FOUND, 80, rows)
        assert len(lines) <= rows
        shown = "\n".join(text.plain for text in lines)
        assert "may draw" in shown
        assert ("06:00" in shown) == (rows >= 9)  # the bars of the day


def _bars(intervals: list[IntervalMean], height: int = 6, **options: Any) -> list[str]:
    arguments = {"exports": {}, "minutes": 15, "width": 110, "height": height, **options}
    return [text.plain.rstrip() for text in day_bars(intervals, **arguments)]


def test_bars_stand_at_their_times_of_day() -> None:
    intervals = [
        IntervalMean(AT.replace(hour=6, minute=15), 1.0, 0),
        IntervalMean(AT.replace(hour=18), 2.0, 0),
        IntervalMean(AT.replace(hour=20, minute=45), 0.5, 4),
    ]
    lines = _bars(intervals)
    axis = f"{'00:00':24}{'06:00':24}{'12:00':24}{'18:00':11}?"
    assert lines[-1] == f"  0 └{axis}"
    zero = lines[-1].index("└") + 1
    bars = {i - zero for text in lines for i, glyph in enumerate(text) if glyph == "█"}
    assert bars == {25, 72, 83}
    assert [text[zero + 72 :] for text in lines[:-1]] == ["", "█", "█", "█", "█          █"]


def test_neighbours_that_share_a_cell_show_the_highest() -> None:
    intervals = [IntervalMean(AT + i * 15 * MINUTE, kw, 0) for i, kw in enumerate((1.0, 4.0))]
    shared = _bars(intervals, width=60)
    assert [text.count("█") for text in shared] == [0, 1, 1, 1, 1, 0]
    hours = _bars([IntervalMean(AT, 2.0, 0)], minutes=60, width=60)
    assert [text.count("█") for text in hours] == [0, 2, 2, 2, 2, 0]


def test_export_hangs_below_the_zero_line() -> None:
    intervals = [IntervalMean(AT, 0.0, 0), IntervalMean(AT + 15 * MINUTE, 2.0, 0)]
    lines = _bars(intervals, exports={slot_of(AT, 15): 2.0}, height=5)
    plot = [text[text.index("┤") + 1 :] if "┤" in text else text[5:] for text in lines]
    below = [text[72:73] for text in plot[:-1]]
    assert below[-1] == "█"
    assert plot[-2].startswith("▔") or plot[-3].startswith("▔")
    assert all(text == "" for text in _bars([]))


def test_export_is_the_mean_of_each_interval() -> None:
    rows = [QuarterHour(AT + i * 15 * MINUTE, 0.0, 0.25 * i, 15) for i in range(5)]
    yesterday = QuarterHour(AT - timedelta(days=1), 0.0, 9.0, 15)
    at = rows[-1].start
    assert exports_of([yesterday, *rows], at, 15) == {73: 1.0, 74: 2.0, 75: 3.0, 76: 4.0}
    assert exports_of([yesterday, *rows], at, 60) == {18: 1.5, 19: 4.0}


def test_energy_and_cost_of_the_day() -> None:
    rows = [
        QuarterHour(AT.replace(hour=12) + timedelta(days=day, minutes=15 * i), 0.5, 0.125, 15)
        for day in (-1, 0)
        for i in range(8)
    ]
    at = AT.replace(hour=13, minute=59)
    step = replace(
        make_steps([0.6])[0],
        demand=replace(DEMAND, start=at.replace(minute=45), end=at.replace(hour=14, minute=0)),
        quarter_hours=rows,
    )
    step = replace(step, reading=replace(step.reading, at=at, kw=2.0))
    found = dayenergy.day_energy(step, TARIFF)
    assert found is not None
    assert found.costs is not None
    assert _text(today.energy(found.today, 100)) == (
        "today 4.00 kWh (720 minutes unknown)   yesterday by now 4.00   week 8.00"
    )
    assert [_text(text) for text in today.exported(found.today, 80)] == ["fed in 1.00 kWh"]
    assert (
        _text(today.extremes(found.today, 80))
        == "highest 2.00 kW at 12:00   lowest 2.00 kW at 12:00"
    )
    # 8 × (0.5 × 0.30 − 0.125 × 0.10) a day, and a twelfth of 60 × 4.5
    assert [_text(text) for text in today.cost(found.costs, 80)] == [
        "cost   now 0.600 €/h   today 1.10 €   month 24.70 €   peak 22.50 €",
        "of the month, 26,520 minutes unknown",
    ]
    assert [_text(text) for text in today.cost(found.costs, 36)] == [
        "cost   now 0.600 €/h   today 1.10 €",
        "of the month, 26,520 minutes unknown",
    ]
    assert dayenergy.day_energy(replace(step, demand=None), TARIFF) is None


def test_energy_is_computed_once_for_each_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[Step] = []
    energy = dayenergy.day_energy

    def counted(step: Step, *others: Any) -> dayenergy.DayEnergy | None:
        computed.append(step)
        return energy(step, *others)

    monkeypatch.setattr(dayenergy, "day_energy", counted)
    history = History(tariff=TARIFF)
    for count, step in enumerate(STEPS[-3:], 1):
        history.write(step)
        for _ in range(3):
            assert history.snapshot().day_energy == energy(step, TARIFF)
        assert len(computed) == count


def test_an_interval_above_its_bound_is_an_event() -> None:
    peak = SettledDemand(AT, AT + 15 * MINUTE, 4.9, 0, 4.2, True)
    calm = replace(peak, exceeded=False)
    last = replace(STEPS[-1], settled_demand=(calm, peak))
    found = snapshot([*STEPS[:-1], last])
    assert [(event.at, event.text) for event in found.events] == [
        (AT, "quarter-hour of 4.90 kW, above 4.20")
    ]


def test_a_switched_load_is_an_event() -> None:
    at = STEPS[-1].reading.at
    load = SwitchingEvent(at - 41 * MINUTE, 2.13, at)
    found = snapshot([*STEPS[:-1], replace(STEPS[-1], switched=(load,))])
    assert [(event.at, event.text) for event in found.events] == [
        (at, "step of 2.1 kW at 22:59, on for 41 min")
    ]


def test_a_panel_waits_for_the_first_reading() -> None:
    empty: HistorySnapshot = snapshot(vitals=None)
    assert "waiting for the first reading" in str(render(empty, 80, 24, only_demand=True))
