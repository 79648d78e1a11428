"""Tests of the time by which a reading should be here, by the pace of the samples."""

from __future__ import annotations

import pytest

from streamer.feeds import Pace
from streamer.readings import CounterSample, Sample
from streamer.sources.live.channels import Channels
from streamer.sources.live.rules import LiveRules

MANY = 20


def _channels(rules: LiveRules, every_s: float, *, counter: bool = False) -> Channels:
    channels = Channels(rules)
    for place in range(MANY):
        at_s = every_s * place
        sample = CounterSample(100.0 + place) if counter else Sample(1.0)
        assert channels.grid.means.accepts(sample)
        channels.grid.add(at_s, sample)
    return channels


@pytest.mark.parametrize(
    ("every_s", "behind_s"), [(1.0, 0.0), (10.0, 0.0), (60.0, 0.0), (300.0, 240.0)]
)
def test_a_minute_of_powers_ends_by_the_clock_if_samples_are_frequent(
    every_s: float, behind_s: float
) -> None:
    assert _channels(LiveRules(), every_s).behind_s == behind_s


def test_a_minute_by_the_samples_own_times_ends_with_the_next_sample() -> None:
    assert _channels(LiveRules(by_feed=True), 30.0).behind_s == 30.0
    assert Channels(LiveRules(by_feed=True)).behind_s == 60.0


def test_a_minute_of_an_energy_register_is_known_with_its_next_reading() -> None:
    assert _channels(LiveRules(), 120.0, counter=True).behind_s == 120.0


def test_a_feed_of_changes_is_never_behind() -> None:
    assert Channels(LiveRules(pace=Pace(on_change=True))).behind_s == 0.0


def test_the_slowest_channel_counts() -> None:
    rules = LiveRules(channels={"solar": Pace(every_s=300.0)})
    assert _channels(rules, 1.0).behind_s == 240.0


def test_the_pace_of_the_kind_of_meter_counts_before_it_is_learnt() -> None:
    assert Channels(LiveRules(pace=Pace(every_s=1.0))).behind_s == 0.0
    assert Channels(LiveRules()).behind_s == 0.0
