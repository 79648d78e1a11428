"""Further channels of a live source: voltage, current, reactive power, sub-meters."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.errors import UnitError, UsageError
from streamer.feeds import FeedItem, Pace
from streamer.readings import Notice, Reading, Sample
from streamer.sources.live import LiveSource, open_source
from tests.sources.live.bench import DATE, Bench, at

CHANGE = Pace(on_change=True)


def minute_of(reading: Reading) -> int:
    return round((reading.at.timestamp() - DATE) / 60)


def held(times: list[float], values: list[float], minute: int) -> float:
    """Mean of a minute on a grid of milliseconds, each value held until the next."""
    ms = 60_000 * minute + np.arange(60_000)
    last = np.searchsorted(np.round(1e3 * np.array(times)), ms, side="right") - 1
    return float(np.array(values)[last][last >= 0].mean())


PUSHES = st.lists(
    st.tuples(st.integers(1, 25_000), st.floats(200.0, 250.0).map(lambda value: round(value, 1))),
    min_size=12,
    max_size=30,
)


@settings(max_examples=15, deadline=None)
@given(PUSHES, PUSHES)
def test_the_means_of_a_further_channel_are_weighted_by_time_at_its_own_pace(
    grid: list[tuple[int, float]], voltage: list[tuple[int, float]]
) -> None:
    bench = Bench(channels={"voltage": CHANGE}, pace=CHANGE, max_kw=1000.0)
    series: dict[str, tuple[list[float], list[float]]] = {}
    pushes: list[tuple[float, str, float]] = []
    for name, steps in (("", grid), ("voltage", voltage)):
        times = [float(time) for time in np.cumsum([step for step, _ in steps]) / 1e3]
        series[name] = times, [value for _, value in steps]
        pushes += [(time, name, value) for time, value in zip(*series[name], strict=True)]
    for time, name, value in sorted(pushes):
        bench.pass_on(time - bench.now)
        bench.take(Sample(value, at(time), name))
    bench.pass_on(70.0)
    found = bench.of(Reading)
    first = math.ceil(max(times[0] for times, _ in series.values()) / 60)
    assert [minute_of(each) for each in found if minute_of(each) >= first] == list(
        range(first, round((bench.now - 5.0) // 60))
    )
    for reading in found:
        (volts,) = reading.channels
        assert volts == pytest.approx(held(*series["voltage"], minute_of(reading)), abs=1e-3)
        assert reading.kw == pytest.approx(held(*series[""], minute_of(reading)), abs=1e-3)


def test_channels_are_in_the_order_of_the_rules_beside_the_side_powers() -> None:
    names = ["boiler", "voltage", "solar", "reactive"]
    bench = Bench(channels=dict.fromkeys(names, Pace(every_s=10.0)))
    for _ in range(8):
        bench.take(Sample(1.0), Sample(0.5, channel="solar"), Sample(0.25, channel="reactive"))
        bench.take(Sample(230.0, channel="voltage"), Sample(2.0, channel="boiler"))
        bench.pass_on(10.0)
    (reading,) = bench.of(Reading)
    assert (reading.kw, reading.solar_kw, reading.battery_kw) == (1.0, 0.5, None)
    assert reading.channels == (2.0, 230.0, 0.25)


def test_a_minute_without_one_of_the_channels_is_a_gap_and_reported_once() -> None:
    bench = Bench(channels={"voltage": Pace(), "reactive": Pace()})
    for second in range(0, 600, 10):
        bench.take(Sample(1.0), Sample(0.5, channel="reactive"))
        if not 120 <= second < 360:
            bench.take(Sample(230.0, channel="voltage"))
        bench.pass_on(10.0)
    bench.pass_on(10.0)
    minutes = [minute_of(each) for each in bench.of(Reading)]
    # Ten seconds apart, a value holds for half a minute, which is half of a minute.
    assert minutes == [0, 1, 6, 7, 8, 9]
    texts = [text for text, _ in bench.texts(Notice.WARNING)]
    assert [text for text in texts if "voltage" in text] == [
        text for text in texts if text.startswith("house: voltage is missing since ")
    ]
    assert len(texts) == 1
    assert texts[0].endswith("; minutes are gaps until it is reported")
    assert any(text == "house: voltage is reported again" for text, _ in bench.texts(Notice.EVENT))


def test_a_channel_is_unknown_where_its_meter_does_not_know_it() -> None:
    bench = Bench(channels={"voltage": Pace(every_s=10.0)})
    for second in range(0, 240, 10):
        volts = math.nan if 60 <= second < 120 else 230.0
        bench.take(Sample(1.0), Sample(volts, channel="voltage"))
        bench.pass_on(10.0)
    bench.pass_on(10.0)
    assert [minute_of(each) for each in bench.of(Reading)] == [0, 2, 3]


@pytest.mark.parametrize(
    ("channel", "value", "text"),
    [
        ("voltage", 23_000.0, "voltage: 23000 V, not the voltage of a household; check channel_un"),
        ("current", -2000.0, "current: -2000 A, more than a household draws; check channel_units "),
        ("reactive", 250.0, "reactive power: 250 kvar, more than a household draws; check channel"),
        ("boiler", 2000.0, "boiler power: 2000 kW, more than a household draws; check channel_uni"),
    ],
)
def test_an_implausible_value_is_reported_and_unknown(
    channel: str, value: float, text: str
) -> None:
    bench = Bench(channels={channel: Pace(every_s=10.0)})
    for second in range(0, 140, 10):
        bench.take(Sample(1.0), Sample(value if second >= 60 else 5.0, channel=channel))
        bench.pass_on(10.0)
    assert [minute_of(each) for each in bench.of(Reading)] == [0]
    assert bench.texts(Notice.ABSURD)[0][0].startswith(f"house: {text}")


def test_a_channel_with_nothing_but_implausible_values_ends_the_stream() -> None:
    bench = Bench(channels={"voltage": Pace()})
    values = [Sample(230_000.0, channel="voltage")] * 30
    with pytest.raises(UnitError, match="above 1000 V, not the voltage of a household"):
        bench.take(*values)


class Meter:
    """A feed with channels."""

    name = "house"

    def __init__(self) -> None:
        self.channels = {"solar": Pace(), "voltage": Pace(), "boiler": Pace()}
        self._left = 30

    def read(self) -> Sequence[FeedItem]:
        if not self._left:
            return []
        self._left -= 1
        when = at(10.0 * (30 - self._left))
        values = {"": 1.0, "solar": 0.5, "voltage": 230.0, "boiler": 2.0}
        return [Sample(value, when, name) for name, value in values.items()]

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("names", "expected"),
    [((), ()), (("boiler",), (2.0,)), (("boiler", "voltage"), (2.0, 230.0))],
)
def test_a_source_gives_the_channels_that_are_asked_for(
    names: tuple[str, ...], expected: tuple[float, ...]
) -> None:
    source = LiveSource(Meter(), stale_after_s=600.0, by="feed", channels=names)
    items = []
    while given := source.read():
        items += given
    source.close()
    readings = [item for item in items if isinstance(item, Reading)]
    assert len(readings) >= 3
    assert {(each.channels, each.solar_kw) for each in readings} == {(expected, 0.5)}
    events = [item.text for item in items if isinstance(item, Notice) and item.kind == "event"]
    assert sorted(each for each in events if "left out" in each) == [
        f"house: {each} is left out, since the model does not take it"
        for each, name in (("boiler power", "boiler"), ("voltage", "voltage"))
        if name not in names
    ]
    assert not [item for item in items if isinstance(item, Notice) and item.kind == "malformed"]


def test_a_source_refuses_a_channel_that_the_feed_does_not_give() -> None:
    with pytest.raises(UsageError, match="house does not give current and reactive"):
        LiveSource(Meter(), stale_after_s=600.0, channels=["current", "voltage", "reactive"])


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("stdin:?unit=W", "does not give; add channels=voltage:PLACE,boiler:PLACE (the name"),
        (
            "stdin:?unit=W&channels=voltage",
            "does not give; add boiler:PLACE to channels (the name alone",
        ),
        ("homewizard://meter", ""),
    ],
)
def test_an_address_without_the_channels_of_a_model_names_what_to_add(
    url: str, remedy: str
) -> None:
    with pytest.raises(UsageError) as error:
        open_source(url, channels=["voltage", "boiler"])
    text = str(error.value)
    assert "\n" not in text
    assert remedy in text
    assert "boiler" in text
