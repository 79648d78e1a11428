"""Whole screens, compared with the approved texts in ``tests/dashboard/screens``.

After an intended change: ``STREAMER_UPDATE_SCREENS=1 pytest tests/dashboard``, then review the
differences before committing them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import cache, partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from streamer.dashboard import Frame, History, HistorySnapshot, render
from streamer.dashboard.chart import plot_columns
from streamer.dashboard.navigation import Navigation
from streamer.dashboard.themes import THEMES
from streamer.display.themes import ThemeName
from streamer.energy.tariff import PeakCharge, Rate, Tariff
from streamer.history.past import Past
from streamer.readings import Adaptation, Alarm, Link, Notice
from streamer.readings.challengers import Champion
from tests.dashboard.demandsamples import demanding
from tests.dashboard.samples import (
    ADAPTED,
    AT_MAX,
    IN_SAMPLE,
    adapted,
    alarmed,
    alarming,
    foreseeing,
    house,
    make_steps,
    racing,
    snapshot,
    sunny,
    usual,
    watched,
    zoned,
)

SCREENS = Path(__file__).parent / "screens"


def _empty() -> HistorySnapshot:
    return snapshot(vitals=None)


def _opening() -> HistorySnapshot:
    return snapshot(about=None, vitals=None)


def _first_reading() -> HistorySnapshot:
    return snapshot(make_steps(house(1)))


def _warming_up() -> HistorySnapshot:
    return snapshot(make_steps(house(12)))


def _at_max() -> HistorySnapshot:
    return usual(AT_MAX)


def _exporting() -> HistorySnapshot:
    return snapshot(make_steps(house(120, scale=-1.0, offset=1.1)))


def _solar() -> HistorySnapshot:
    return snapshot(sunny(make_steps(house(480), adaptation=ADAPTED)))


def _battery() -> HistorySnapshot:
    return watched(zoned(sunny(make_steps(house(480), adaptation=ADAPTED), battery=True)))


def _means() -> HistorySnapshot:
    return snapshot(foreseeing(make_steps(house(480), adaptation=ADAPTED)))


def _early_means() -> HistorySnapshot:
    return snapshot(foreseeing(make_steps(house(120)), settled=0))


def _solar_means() -> HistorySnapshot:
    return snapshot(foreseeing(sunny(make_steps(house(480), adaptation=ADAPTED))))


def _live_means() -> HistorySnapshot:
    return watched(foreseeing(zoned(make_steps(house(480), adaptation=ADAPTED))))


TARIFF = Tariff(
    "by hand",
    energy=Rate(fixed=Decimal("0.31")),
    feed_in=Rate(fixed=Decimal("0.05")),
    peak=PeakCharge(Decimal("52.1"), floor_kw=2.5),
    per_month=Decimal(6),
)


def _demand() -> HistorySnapshot:
    steps = foreseeing(make_steps(house(480), adaptation=ADAPTED))
    return snapshot([*steps[:-3], *demanding(steps[-17:])[:-3][-14:]])


def _demand_with_costs() -> HistorySnapshot:
    return replace(_demand(), tariff=TARIFF)


def _first_demand() -> HistorySnapshot:
    return snapshot(demanding(make_steps(house(20)), bound=None))


def _sunny_demand() -> HistorySnapshot:
    """The sixth minute of a quarter-hour that will exceed the peak, in the afternoon."""
    steps = sunny(foreseeing(make_steps(house(60), adaptation=ADAPTED)))
    later = timedelta(hours=16, minutes=11)
    moved = [replace(s, reading=replace(s.reading, at=s.reading.at + later)) for s in steps]
    return replace(snapshot(demanding(moved, bound=0.5, probability=0.97)), tariff=TARIFF)


def _live_demand() -> HistorySnapshot:
    steps = zoned(make_steps(house(480), adaptation=ADAPTED))
    return watched([*steps[:-20], *demanding(steps[-20:])])


def _race() -> HistorySnapshot:
    return snapshot(racing(foreseeing(make_steps(house(480), adaptation=ADAPTED))))


def _live_race() -> HistorySnapshot:
    return watched(racing(zoned(make_steps(house(480), adaptation=ADAPTED))))


def _champion_race() -> HistorySnapshot:
    *steps, last = racing(make_steps(house(480), adaptation=ADAPTED))
    return snapshot([*steps, replace(last, champion=Champion("lightgbm:modèle.txt", 0.634))])


def _first_race() -> HistorySnapshot:
    return snapshot(racing(make_steps(house(3)), settled=0))


def _demand_race() -> HistorySnapshot:
    steps = foreseeing(make_steps(house(480), adaptation=ADAPTED))
    return snapshot(racing([*steps[:-17], *demanding(steps[-17:])]))


def _gaps() -> HistorySnapshot:
    return snapshot(make_steps(house(100), gaps={30: 1, 75: 2, 76: 4, 90: 3, 95: 600}))


def _learning() -> HistorySnapshot:
    return adapted(Adaptation(learnt=420))


def _not_better() -> HistorySnapshot:
    return adapted(Adaptation(day_gain=-0.003, learnt=1440))


def _one_alarm() -> HistorySnapshot:
    return alarmed(all_on=False)


def _adapted_in_sample() -> HistorySnapshot:
    return snapshot(make_steps(house(120), adaptation=ADAPTED), about=IN_SAMPLE)


def _in_sample() -> HistorySnapshot:
    return snapshot(make_steps(house(120)), about=IN_SAMPLE)


def _constant() -> HistorySnapshot:
    return snapshot(make_steps([0.25] * 90))


def _strange_text() -> HistorySnapshot:
    about = IN_SAMPLE.__class__("Küche\x1b[31m – 家.csv", "modèle\n2")
    return snapshot(
        make_steps(house(60)), about=about, notices=[Notice(Notice.EVENT, "día ×\t\x9b2J 家")]
    )


def _lost() -> HistorySnapshot:
    return watched(link=Link.LOST)


def _lost_and_alarmed() -> HistorySnapshot:
    return watched(zoned(alarmed().steps), link=Link.LOST)


def _silent() -> HistorySnapshot:
    return watched(link=Link.SILENT)


def _silent_and_alarmed() -> HistorySnapshot:
    return watched(zoned(alarmed().steps), link=Link.SILENT)


def _first_minute() -> HistorySnapshot:
    return watched([])


def _live_warming_up() -> HistorySnapshot:
    return watched(zoned(make_steps(house(12))))


def _lost_while_warming_up() -> HistorySnapshot:
    return watched(zoned(make_steps(house(12))), link=Link.LOST)


def _connecting() -> HistorySnapshot:
    return watched([], link=None, kw=None)


def _old_sample() -> HistorySnapshot:
    return watched(age_s=200)


def _scrolled(
    width: int, *, at: str = "past", live: bool = False, means: bool = False
) -> HistorySnapshot:
    """A stream whose chart was scrolled back, to an alarm, or shows a longer span."""
    steps = make_steps(house(480), gaps={200: 2, 300: 40}, adaptation=ADAPTED)
    odd = Alarm(Alarm.ANOMALY, steps[250].reading.at, "4.69 kW where 1.35 was expected", 1.84)
    steps = alarming(steps, odd)
    steps = foreseeing(steps) if means else steps
    found = watched(zoned(steps)) if live else snapshot(steps)
    history = History()
    for step in found.steps:
        history.write(step)
    navigation = Navigation(Past(history.seen))
    navigation.width = plot_columns(width)
    if at == "past":
        navigation.page_back()
    elif at == "alarm":
        navigation.alarm_back()
    else:
        for _ in range(3):
            navigation.longer()
    newest = history.seen.last_at
    assert newest is not None
    return replace(found, past=navigation.view(newest))


SIZES = {"small": (40, 12), "usual": (80, 24), "large": (200, 60)}
CASES: dict[str, tuple[Callable[[], HistorySnapshot], tuple[int, int], dict[str, Any]]] = {
    **{f"usual-{name}": (usual, size, {}) for name, size in SIZES.items()},
    **{f"ascii-{name}": (usual, size, {"ascii": True}) for name, size in SIZES.items()},
    **{f"warming-up-{name}": (_warming_up, size, {}) for name, size in SIZES.items()},
    **{f"adapted-{name}": (adapted, size, {}) for name, size in SIZES.items()},
    **{f"alarms-{name}": (alarmed, size, {}) for name, size in SIZES.items()},
    **{f"alarm-{name}": (_one_alarm, size, {}) for name, size in SIZES.items()},
    "alarm-ascii": (_one_alarm, (80, 24), {"ascii": True}),
    "alarms-130x24": (alarmed, (130, 24), {}),
    "alarms-100x40": (alarmed, (100, 40), {}),
    "alarms-60x30": (alarmed, (60, 30), {}),
    "alarms-20x5": (alarmed, (20, 5), {}),
    "alarm-paused": (_one_alarm, (40, 12), {"speed": "paused"}),
    "learning": (_learning, (80, 24), {}),
    "not-better": (_not_better, (80, 24), {}),
    "adapted-in-sample": (_adapted_in_sample, (80, 24), {}),
    "usual-130x24": (usual, (130, 24), {}),
    "usual-100x40": (usual, (100, 40), {}),
    "usual-120x40": (usual, (120, 40), {}),
    "usual-60x30": (usual, (60, 30), {}),
    "usual-20x5": (usual, (20, 5), {}),
    **{f"at-max-{name}": (_at_max, size, {"speed": "max"}) for name, size in SIZES.items()},
    "at-max-ascii": (_at_max, (80, 24), {"speed": "max", "ascii": True}),
    "opening": (_opening, (80, 24), {}),
    "opening-small": (_opening, (40, 12), {}),
    "empty": (_empty, (80, 24), {}),
    "first-reading": (_first_reading, (80, 24), {}),
    "exporting": (_exporting, (80, 24), {}),
    "exporting-ascii": (_exporting, (80, 24), {"ascii": True}),
    **{
        f"{name}-{width}x{height}": (make, (width, height), {})
        for name, make in {"solar": _solar, "live-battery": _battery}.items()
        for width, height in ((40, 12), (80, 24), (120, 40), (200, 60))
    },
    "solar-ascii": (_solar, (80, 24), {"ascii": True}),
    "solar-20x5": (_solar, (20, 5), {}),
    "solar-help": (_solar, (80, 24), {"help": True}),
    **{
        f"means-{width}x{height}": (_means, (width, height), {})
        for width, height in ((40, 12), (60, 30), (72, 22), (80, 24), (130, 40), (200, 60))
    },
    **{f"means-ascii-{w}x{h}": (_means, (w, h), {"ascii": True}) for w, h in ((40, 12), (80, 24))},
    "means-20x5": (_means, (20, 5), {}),
    "means-early": (_early_means, (80, 24), {}),
    "means-help": (_means, (80, 24), {"help": True}),
    "means-past": (partial(_scrolled, 80, means=True), (80, 24), {}),
    "means-span": (partial(_scrolled, 80, at="span", means=True), (80, 24), {}),
    "solar-means-80x24": (_solar_means, (80, 24), {}),
    "solar-means-40x12": (_solar_means, (40, 12), {}),
    "live-means": (_live_means, (100, 30), {}),
    **{
        f"demand-{w}x{h}": (_demand, (w, h), {})
        for w, h in ((80, 24), (80, 40), (120, 40), (130, 40), (200, 60))
    },
    **{
        f"only-demand-{w}x{h}": (_demand_with_costs, (w, h), {"only_demand": True})
        for w, h in ((20, 5), (40, 12), (60, 30), (72, 22), (80, 24), (120, 40), (200, 60))
    },
    "only-demand-ascii": (_demand_with_costs, (80, 24), {"only_demand": True, "ascii": True}),
    "only-demand-sunny": (_sunny_demand, (80, 24), {"only_demand": True}),
    "only-demand-sunny-ascii": (_sunny_demand, (80, 24), {"only_demand": True, "ascii": True}),
    "only-demand-sunny-200x60": (_sunny_demand, (200, 60), {"only_demand": True}),
    "only-demand-first": (_first_demand, (80, 24), {"only_demand": True}),
    "only-demand-none": (_means, (80, 24), {"only_demand": True}),
    "demand-help": (_demand, (80, 24), {"help": True}),
    "live-demand": (_live_demand, (100, 40), {}),
    **{
        f"race-{w}x{h}": (_race, (w, h), {})
        for w, h in ((40, 12), (80, 24), (80, 30), (130, 40), (200, 60))
    },
    "race-ascii": (_race, (100, 36), {"ascii": True}),
    "race-live": (_live_race, (100, 30), {}),
    "race-first": (_first_race, (80, 36), {}),
    "race-champion": (_champion_race, (100, 36), {}),
    "race-champion-ascii": (_champion_race, (80, 36), {"ascii": True}),
    "race-demand": (_demand_race, (120, 40), {}),
    "gaps": (_gaps, (80, 24), {}),
    "in-sample": (_in_sample, (80, 24), {}),
    "in-sample-small": (_in_sample, (40, 12), {}),
    "constant": (_constant, (80, 24), {}),
    "strange-text": (_strange_text, (80, 24), {}),
    "strange-text-ascii": (_strange_text, (80, 24), {"ascii": True}),
    "paused": (usual, (80, 24), {"speed": "paused"}),
    "message": (usual, (80, 24), {"message": "saved streamer-20100320-220000.svg"}),
    "message-small": (usual, (40, 12), {"message": "saved streamer-20100320-220000.svg"}),
    **{
        f"{name}-{width}x{height}": (make, (width, height), {})
        for name, make in {
            "live": watched,
            "live-lost": _lost,
            "live-lost-alarms": _lost_and_alarmed,
            "live-silent": _silent,
            "live-warming-up": _live_warming_up,
            "live-first-minute": _first_minute,
        }.items()
        for width, height in ((40, 12), (80, 24), (100, 30), (200, 60))
    },
    **{
        f"live-lost-alarms-ascii-{width}x{height}": (
            _lost_and_alarmed,
            (width, height),
            {"ascii": True},
        )
        for width, height in ((40, 12), (80, 24), (100, 30))
    },
    "live-lost-alarms-20x5": (_lost_and_alarmed, (20, 5), {}),
    "live-lost-alarms-60x30": (_lost_and_alarmed, (60, 30), {}),
    "live-lost-alarms-72x22": (_lost_and_alarmed, (72, 22), {}),
    "live-silent-alarms": (_silent_and_alarmed, (80, 24), {}),
    "live-lost-warming-up": (_lost_while_warming_up, (80, 24), {}),
    "live-connecting": (_connecting, (80, 24), {}),
    "live-seldom": (_old_sample, (80, 24), {}),
    **{f"past-{name}": (partial(_scrolled, size[0]), size, {}) for name, size in SIZES.items()},
    "past-ascii": (partial(_scrolled, 80), (80, 24), {"ascii": True}),
    "past-20x5": (partial(_scrolled, 20), (20, 5), {}),
    "past-alarm": (partial(_scrolled, 80, at="alarm"), (80, 24), {}),
    **{
        f"span-{name}": (partial(_scrolled, size[0], at="span"), size, {})
        for name, size in SIZES.items()
    },
    "live-past": (partial(_scrolled, 100, live=True), (100, 30), {}),
    "live-help": (watched, (80, 24), {"help": True}),
    "help": (usual, (80, 24), {"help": True}),
    "help-small": (usual, (40, 12), {"help": True}),
    "help-ascii": (usual, (80, 24), {"help": True, "ascii": True}),
}


@cache
def _frame(name: str) -> Frame:
    make, (width, height), options = CASES[name]
    found = make()
    usual_options = {"speed": "live" if found.live else "600×", "now": found.now}
    return render(found, width, height, **{**usual_options, **options})


@pytest.mark.parametrize("name", CASES)
def test_screens_equal_the_approved_ones(name: str) -> None:
    found = f"{_frame(name)}\n"
    path = SCREENS / f"{name}.txt"
    if os.environ.get("STREAMER_UPDATE_SCREENS"):
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


def test_every_stored_screen_is_tested() -> None:
    assert {path.stem for path in SCREENS.glob("*.txt")} == set(CASES)


@pytest.mark.parametrize("name", [name for name in CASES if "ascii" in name])
def test_ascii_screens_are_ascii_only(name: str) -> None:
    assert str(_frame(name)).isascii()


def test_control_characters_from_outside_do_not_reach_the_terminal() -> None:
    assert not {"\x1b", "\x9b", "\t"} & set(str(_frame("strange-text")))


def _painted(frame: Frame) -> str:
    console = Console(file=StringIO(), force_terminal=True, width=200, color_system="256")
    with console.capture() as capture:
        console.print(frame)
    return capture.get()


def test_no_color_disables_colours_but_not_what_hangs_below_zero(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame = _frame("exporting")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = _painted(frame)
    monkeypatch.setenv("NO_COLOR", "1")
    plain = _painted(frame)
    assert "\x1b[36m" in coloured
    assert "\x1b[3" not in plain
    assert "\x1b[7m" in plain


def test_every_style_is_in_a_span_and_one_of_each_theme() -> None:
    lines = [text for name in CASES for text in _frame(name).lines]
    # Lines are rendered one by one, which would lose the style of a whole line.
    assert not any(text.style for text in lines if not text.spans)
    used = {span.style for text in lines for span in text.spans}
    for theme in ThemeName:
        assert used <= {"", *THEMES[theme].styles}


@pytest.mark.parametrize("size", [(40, 12), (60, 30), (72, 22), (80, 24), (130, 24), (200, 60)])
def test_progress_is_shown_if_the_end_is_known(size: tuple[int, int]) -> None:
    shown = str(render(_at_max(), *size, speed="max"))
    assert shown.count("45 % · 1:24 left") == 1
    assert " left" not in str(render(usual(), *size, speed="max"))


def test_a_pause_takes_precedence_over_progress_on_a_small_screen() -> None:
    assert str(render(_at_max(), 40, 12, speed="paused")).splitlines()[0].endswith("paused")
