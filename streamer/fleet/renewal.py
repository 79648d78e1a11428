"""Records of meters at a change of the model.

What is known of the house is kept: its readings, alarms and peaks, and its scores, which include
those of the forecasts that wait. What was learnt of the errors of the former network is dropped.
"""

from __future__ import annotations

import numpy as np

from streamer.fleet.arranged import NEVER
from streamer.readings import Alarm
from streamer.readings.arrays import IntArray, Records

MODEL = "model"
"""Kind of the alarm of a meter whose forecasts are those of another model from here on."""

_OF_THE_ERRORS = ("light", "guard")


def renew(records: Records, first: Records, former_first: Records) -> None:
    """Begin anew what depends on the model.

    The bands keep the term of all readings, relative to that of a new meter: how much wider or
    narrower than by default they had to be is a better start than none. Their terms of the
    classes, the adapter and the guard begin anew: they describe when the former network was wrong.
    A forecast that waits was issued, so it is settled and scored; adapter and guards learn nothing
    by it. It is the same with the horizons, whose history is that of the house.

    Args:
        records: (meters,) the records, changed in place.
        first: () record of a new meter.
        former_first: () band of a new meter with the former model.
    """
    for name in _OF_THE_ERRORS:
        if name in (records.dtype.names or ()):
            records[name] = first[name]
    for end in ("low", "high"):
        learnt = records["band"][end][:, 0] - former_first[end][0]
        records["band"][end] = first["band"][end]
        records["band"][end][:, 0] += learnt
    if "means" in (records.dtype.names or ()):
        means = records["means"]
        learnt = means["terms"][..., :1].copy()
        means["terms"], means["sums"] = first["means"]["terms"], first["means"]["sums"]
        means["terms"][..., :1] = learnt
        means["waiting"]["change"] = 0.0
    records["renewed"] = records["last_at"] != NEVER


def resize_windows(theirs: Records, ours: Records) -> None:
    """Keep the newest readings of windows of another size.

    Args:
        theirs: (meters,) former records.
        ours: (meters,) records of today, changed in place.
    """
    former, size = theirs["window"].shape[1], ours["window"].shape[1]
    back = np.arange(1, min(former, size) + 1)
    ours["held"] = np.minimum(theirs["held"], size)
    ours["slot"] = 0
    places = (theirs["slot"].astype(np.intp)[:, None] - back) % former
    ours["window"][:, -back % size] = np.take_along_axis(theirs["window"], places, axis=1)


def renewal_alarms(
    now: Records, at: IntArray, missing: IntArray, model: str
) -> list[tuple[int, Alarm]]:
    """The alarms of the first readings with another model, with their rows, each once.

    Args:
        now: (meters,) the records, changed in place.
        at: (meters,) times of the readings in microseconds.
        missing: (meters,) numbers of readings after these until there is a forecast.
        model: name of the model.
    """
    raised = []
    for row in np.flatnonzero(now["renewed"]).tolist():
        then = "its corrections begin anew"
        if missing[row]:
            then = f"it forecasts again after {missing[row]} more readings"
        time = at.view("datetime64[us]")[row].item()
        raised.append((row, Alarm(MODEL, time, f"model {model} from here; {then}", 1.0)))
    now["renewed"] = False
    return raised
