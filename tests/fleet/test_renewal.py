"""Tests of a change of the model with the state of a shard."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from streamer.errors import StateError
from streamer.fleet import FleetSettings, Outcome, Shard
from streamer.fleet.renewal import MODEL, resize_windows
from streamer.models import load_model
from streamer.models.forecaster import NetworkForecaster
from tests.agreement import AGREEMENT_KW

BEGIN = np.datetime64("2026-01-01T00:00", "us")
METERS = [f"meter {number}" for number in range(3)]


@cache
def model(name: str) -> NetworkForecaster:
    return load_model(name, threads=1)


def kw_of(minutes: range, meter: int) -> np.ndarray:
    return 0.3 + (np.array(minutes) * (3 + meter) % 17) / 8.0


def push(shard: Shard, minutes: range, meters: int = 3) -> Outcome:
    names = [name for name in METERS[:meters] for _ in minutes]
    at = BEGIN + np.tile(np.array(minutes), meters) * np.timedelta64(1, "m")
    return shard.push(names, at, np.concatenate([kw_of(minutes, it) for it in range(meters)]))


def changed(minutes: int, meters: int = 3, **settings: object) -> tuple[Shard, Shard]:
    """A shard with `sceaux` after some minutes, and the one with `homes` that continues it."""
    chosen = FleetSettings(**settings)  # type: ignore[arg-type]
    former = Shard(model("sceaux"), chosen)
    push(former, range(minutes), meters)
    shard = Shard(model("homes"), chosen)
    shard.restore(former.state())
    return former, shard


def test_forecasts_are_those_of_the_new_model_and_the_waiting_one_is_settled() -> None:
    former, shard = changed(70)
    waiting = former.summary().columns["next_kw"]
    rows = push(shard, range(70, 71)).columns
    np.testing.assert_array_equal(rows["forecast_kw"], waiting)
    assert rows["settled"].tolist() == [70 - 49 + 1] * 3
    windows = np.stack([kw_of(range(22, 71), meter) for meter in range(3)])
    expected = model("homes").forecast(windows)
    np.testing.assert_allclose(rows["next_kw"], expected.mean_kw, rtol=0, atol=AGREEMENT_KW)
    middle = expected.quantiles_kw[:, 1]
    np.testing.assert_allclose(rows["next_median_kw"], middle, rtol=0, atol=AGREEMENT_KW)
    assert (rows["next_low_kw"] < middle).all()
    assert (rows["next_high_kw"] > middle).all()


def test_each_meter_reports_the_change_once_also_after_a_restart() -> None:
    _, shard = changed(60)
    first = push(shard, range(60, 61), meters=2).columns
    text = "model homes from here; its corrections begin anew"
    assert first["alarms"].tolist() == [MODEL] * 2
    assert first["alarm_text"].tolist() == [text] * 2
    again = Shard(model("homes"))
    again.restore(shard.state())
    last = push(again, range(61, 63)).columns
    reported = {
        (meter, kind) for meter, kind in zip(last["meter"], last["alarms"], strict=True) if kind
    }
    assert reported == {(METERS[2], MODEL)}


def test_a_meter_whose_window_is_not_full_says_when_it_forecasts() -> None:
    _, shard = changed(30)
    rows = push(shard, range(30, 31)).columns
    assert (
        rows["alarm_text"][0] == "model homes from here; it forecasts again after 18 more readings"
    )


def test_what_was_learnt_of_the_former_network_is_dropped_and_the_width_of_bands_kept() -> None:
    former, shard = changed(200)
    before, after = former._table.records, shard._table.records
    assert after["light"].tobytes() == bytes(after["light"].nbytes)
    assert after["guard"].tobytes() == bytes(after["guard"].nbytes)
    for end in ("low", "high"):
        assert (after["band"][end][:, 1:] == 0).all()
        np.testing.assert_array_equal(after["band"][end][:, 0], before["band"][end][:, 0])
        assert (before["band"][end][:, 0] != 0).all()
    for name in ("scores", "alarms", "demand", "last_at", "waiting", "kw", "low_kw", "high_kw"):
        assert after[name].tobytes() == before[name].tobytes(), name
    means, was = after["means"], before["means"]
    for name in ("history", "scores"):
        assert means[name].tobytes() == was[name].tobytes(), name
    for name in ("mean", "median", "low", "high", "last"):
        np.testing.assert_array_equal(means["waiting"][name], was["waiting"][name])
    assert np.isfinite(means["waiting"]["mean"]).any()
    assert not means["waiting"]["change"].any()
    assert not means["sums"].any()
    assert was["sums"].any()
    np.testing.assert_array_equal(means["terms"][..., 0], was["terms"][..., 0])
    assert not means["terms"][..., 1:].any()


def test_the_adapter_learns_nothing_by_the_forecast_of_the_former_network() -> None:
    _, shard = changed(60)
    push(shard, range(60, 61))
    learnt = shard._table.records["light"]
    assert not learnt["products"].any()
    assert not learnt["errors"].any()
    push(shard, range(61, 62))
    assert (shard._table.records["light"]["products"][:, 0] == 1.0).all()


def test_a_state_of_the_same_model_is_not_changed() -> None:
    shard = Shard(model("sceaux"))
    push(shard, range(60))
    again = Shard(model("sceaux"))
    again.restore(shard.state())
    assert again.state() == shard.state()
    assert push(again, range(60, 61)).columns["alarms"].tolist() == [None] * 3


def test_a_change_back_begins_anew_too() -> None:
    former, shard = changed(60)
    back = Shard(model("sceaux"))
    back.restore(shard.state())
    rows = push(back, range(60, 61)).columns
    assert rows["alarm_text"][0] == "model sceaux from here; its corrections begin anew"
    np.testing.assert_array_equal(rows["forecast_kw"], former.summary().columns["next_kw"])


def test_other_settings_are_rejected() -> None:
    shard = Shard(model("sceaux"))
    push(shard, range(3))
    with pytest.raises(StateError, match=r"has confidence 0\.9, this one has 0\.8"):
        Shard(model("sceaux"), FleetSettings(confidence=0.8)).restore(shard.state())


@pytest.mark.parametrize("size", [7, 30, 80])
@pytest.mark.parametrize("minutes", [5, 60])
def test_a_window_of_another_size_keeps_the_newest_readings(size: int, minutes: int) -> None:
    former = Shard(model("sceaux"))
    push(former, range(minutes))
    card = replace(model("homes").card, window=size)
    other = NetworkForecaster(card, model("homes")._network)
    shard = Shard(other)
    shard.restore(former.state())
    held = min(minutes, size, 49)
    assert (shard._table.records["held"] == held).all()
    rows = push(shard, range(minutes, minutes + 1)).columns
    missing = max(size - held - 1, 0)
    expected = f"forecasts again after {missing} more" if missing else "corrections begin anew"
    assert expected in rows["alarm_text"][0]
    record = shard._table.records[1]
    newest = np.roll(record["window"], -int(record["slot"]))[-min(held + 1, size) :]
    kw = kw_of(range(minutes + 1), 1)[-min(held + 1, size) :]
    np.testing.assert_array_equal(newest, kw.astype(np.float32))


def test_windows_are_resized_in_any_position_of_the_ring() -> None:
    def kind(size: int) -> np.dtype[np.void]:
        return np.dtype([("held", "u1"), ("slot", "u1"), ("window", "<f4", size)])

    theirs = np.zeros(5, kind(5))
    for slot in range(5):
        theirs[slot] = (5, slot, np.roll(np.arange(5), slot))
    ours = np.zeros(5, kind(3))
    resize_windows(theirs, ours)
    assert ours["window"].tolist() == [[2.0, 3.0, 4.0]] * 5
    assert ours["held"].tolist() == [3] * 5
