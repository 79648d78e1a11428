"""Solar and battery power in rows of their own."""

import json
from datetime import timedelta

import numpy as np
import pytest

from streamer.errors import SourceError
from tests.sources.files.houses import MINUTE, START, collected, error_of


def second_by_second(random, seconds, values):
    """A power that changes now and then: its changes, and its value in each second, in W."""
    at = np.unique([0, *random.integers(1, seconds, 400)])
    watts = random.choice(values, len(at))
    return [*zip(at.tolist(), watts.tolist(), strict=True)], np.repeat(
        watts, np.diff(at, append=seconds)
    )


@pytest.mark.parametrize("is_sorted", [True, False])
def test_channels_may_be_series_of_one_column(tmp_path, is_sorted):
    """The history of Home Assistant, which has a row for each change of an entity."""
    random, seconds = np.random.default_rng(5), 4 * 3600
    rows, means = [], {}
    for entity, values in (
        ("sensor.grid_power", [-1500, -200, 300]),
        ("sensor.pv_power_w", [0, 8, 900, 2500]),
        ("sensor.battery", [-500, 0, 700]),
    ):
        changes, watts = second_by_second(random, seconds, values)
        rows += [(second, entity, value) for second, value in changes]
        means[entity] = watts.reshape(-1, 60).mean(axis=1) / 1000
    if is_sorted:
        rows.sort()
    lines = [
        f"{entity},{value},{START + timedelta(seconds=second):%Y-%m-%dT%H:%M:%S.000Z}"
        for second, entity, value in rows
    ]
    path = tmp_path / "history.csv"
    path.write_text("\n".join(["entity_id,state,last_changed", *lines]) + "\n")
    options = {
        "where": ["entity_id=sensor.grid_power"],
        "solar": "entity_id=sensor.pv_power_w",
        "battery": "-entity_id=sensor.battery",
        "battery_unit": "W",
        "unit": "W",
    }
    readings, _ = collected(path, **options)
    assert len(readings) > 200
    minutes = [(each.at.replace(tzinfo=None) - START) // MINUTE for each in readings]
    assert minutes == [*range(len(minutes))]
    # How long the last values are valid is not known.
    minutes.pop()
    for of, entity, sign in (
        ("kw", "sensor.grid_power", 1),
        ("solar_kw", "sensor.pv_power_w", 1),
        ("battery_kw", "sensor.battery", -1),
    ):
        found = [getattr(each, of) for each in readings[:-1]]
        np.testing.assert_allclose(found, sign * means[entity][minutes], atol=1e-9)
    assert "a row for each change" in collected(path, **options)[1][0]


def test_a_night_without_changes_has_been_measured(tmp_path):
    """A value that does not change is not written again; that of a grid changes often."""
    night = timedelta(hours=9)
    rows = [(START + i * 10 * MINUTE, "grid", 300 + i) for i in range(70)]
    rows += [(START, "pv", 500), (START + MINUTE, "pv", 4), (START + night, "pv", 900)]
    rows += [(START + night + i * MINUTE, "pv", 900 + i) for i in range(1, 30)]
    rows.sort()
    text = "".join(f"{name},{value},{at:%Y-%m-%dT%H:%M:%S}Z\n" for at, name, value in rows)
    path = tmp_path / "history.csv"
    path.write_text("entity_id,state,last_changed\n" + text)
    options = {"where": ["entity_id=grid"], "solar": "entity_id=pv", "unit": "W"}
    assert "give --solar-unit" in error_of(path, **options)
    readings, _ = collected(path, **options, solar_unit="W")
    assert [each.solar_kw for each in readings[:540]] == [0.5, *[0.004] * 539]


@pytest.mark.parametrize("count", [60, 480])
def test_states_of_home_assistant_have_units_of_their_own(tmp_path, count):
    def states(entity, unit, values):
        first = {"entity_id": entity, "attributes": {"unit_of_measurement": unit}}
        return [
            {"state": str(value), "last_changed": f"{START + i * timedelta(seconds=40)}Z"}
            | (first if i == 0 else {})
            for i, value in enumerate(values)
        ]

    history = [
        states("sensor.grid", "W", range(-500, count - 500)),
        states("sensor.pv", "kW", [2 + i / 1000 for i in range(count)]),
    ]
    path = tmp_path / "history.json"
    path.write_text(json.dumps(history))
    options = {"where": ["entity_id=sensor.grid"], "solar": "entity_id=sensor.pv"}
    if count > 200:  # the other entity is not among the first rows
        assert error_of(path, **options).endswith("has no unit: give --solar-unit kW")
        options["solar_unit"] = "kW"
    readings, _ = collected(path, **options)
    assert len(readings) == count * 2 // 3
    assert readings[0].solar_kw == pytest.approx(readings[0].kw + 2.5)
    assert readings[-1].solar_kw == pytest.approx(readings[-1].kw + 2.5)


def test_minutes_of_several_series_are_joined(tmp_path):
    rows = []
    for i in range(30):
        rows += [("house", "grid", 100 + i), ("house", "sun", 2 * i), ("shed", "sun", 7)]
    lines = [
        f"{place};{name};{START + i // 3 * MINUTE + (i % 3) * timedelta(seconds=7)};{watts}"
        for i, (place, name, watts) in enumerate(rows)
    ]
    path = tmp_path / "series.csv"
    path.write_text("place;meter;time;power_w\n" + "\n".join(lines) + "\n")
    where = ["place=house", "meter=grid"]
    readings, notices = collected(path, where=where, solar="meter=sun")
    assert [each.at for each in readings[:29]] == [START + i * MINUTE for i in range(29)]
    # The sun's rows are 7 seconds later, and each is valid for a minute.
    shifted = [(53 * 2 * i + 7 * 2 * max(i - 1, 0)) / 60 for i in range(29)]
    shifted[0] = 0.0
    assert [1000 * each.solar_kw for each in readings[:29]] == pytest.approx(shifted)
    assert [each.kw for each in readings[:29]] == [(100 + i) / 1000 for i in range(29)]
    assert notices[0] == "series.csv: each power is in rows of its own, joined by minutes"


def test_series_of_both_powers_must_be_chosen(tmp_path):
    lines = [f"{name};{START + i * MINUTE};{i}" for i in range(9) for name in ("grid", "sun")]
    path = tmp_path / "series.csv"
    path.write_text("meter;time;power_w\n" + "\n".join(lines) + "\n")
    assert error_of(path, solar="meter=sun").endswith("give --where meter=grid")
    assert "choose another one" in error_of(path, solar="meter=sun", where=["meter=sun"])
    assert "--solar 'name' is not among them" in error_of(path, solar="name=sun")
    with pytest.raises(SourceError, match="9 minutes without solar or battery power"):
        collected(path, solar="meter=moon", where=["meter=grid"])
