"""Protocol check for sources and feeds."""

from __future__ import annotations

import math
import threading
from datetime import timedelta
from typing import overload

from streamer.feeds import Feed
from streamer.readings import CounterSample, Link, Notice, Reading, Sample
from streamer.readings.powers import side_powers_of
from streamer.sources import Source
from streamer.testing.feeds import read_feed
from streamer.testing.requirement import require


@overload
def check_source(
    source: Source, *, spacing: timedelta | None = None, samples: int | None = None
) -> list[Reading]: ...
@overload
def check_source(
    source: Feed, *, spacing: timedelta | None = None, samples: int | None = None
) -> list[Sample | CounterSample]: ...
def check_source(
    source: Source | Feed, *, spacing: timedelta | None = None, samples: int | None = None
) -> list[Reading] | list[Sample | CounterSample]:
    """Check by reading that a source, or the feed of a plug-in, follows its protocol.

    Args:
        source: a source that comes to an end, or a feed. It is closed.
        spacing: minimum time between readings; None for any.
        samples: required for a feed: number of samples to read, within ten
            seconds, before it is closed while it waits for more.

    Returns:
        The readings, or the samples, for further checks.

    Raises:
        AssertionError: it does not follow the protocol; the message names the deviation.
    """
    require(bool(source.name), "name must not be empty")
    if samples is None:
        return _check_readings(source, spacing)
    return _check_samples(source, samples)


def _check_readings(source: Source | Feed, spacing: timedelta | None) -> list[Reading]:
    found: list[Reading] = []
    while block := source.read():
        for item in block:
            require(
                isinstance(item, Reading | Notice),
                f"read() returned a {type(item).__name__} (for a feed, set samples)",
            )
            if isinstance(item, Reading):
                require(
                    all(map(math.isfinite, (item.consumption_kw, *item.channels))),
                    f"powers or channels are not finite: {item}",
                )
                if found:
                    require(
                        side_powers_of(item) == side_powers_of(found[-1]),
                        "solar or battery power must be in all readings or in none, and is not "
                        f"in all at {item.at}",
                    )
                    require(
                        len(item.channels) == len(found[-1].channels),
                        f"{item.at} has {len(item.channels)} channels, the reading before it "
                        f"{len(found[-1].channels)}",
                    )
                    step = item.at - found[-1].at
                    require(step > timedelta(0), f"{item.at} does not come after {found[-1].at}")
                    require(spacing is None or step >= spacing, f"{item.at} follows in {step}")
                found.append(item)
    require(not source.read(), "read() after the end must return an empty sequence")
    source.close()
    source.close()
    return found


def _check_samples(source: Source | Feed, samples: int) -> list[Sample | CounterSample]:
    require(isinstance(source, Feed), "a feed must have name, read and close")
    found: list[Sample | CounterSample] = []
    for item in read_feed(source, samples):  # type: ignore[arg-type]
        require(
            isinstance(item, Sample | CounterSample | Link | Notice),
            f"read() returned a {type(item).__name__}",
        )
        if isinstance(item, Sample | CounterSample):
            value = item.kw if isinstance(item, Sample) else item.kwh
            require(not math.isinf(value), f"sample at {item.at} is {value}")
            require(item.at is None or item.at.tzinfo is not None, f"time {item.at} has no zone")
            channel = item.channel if isinstance(item, Sample) else ""
            declared = ("", *getattr(source, "channels", ()))
            require(channel in declared, f"channel {channel!r} is not in the feed's channels")
            found.append(item)
        elif isinstance(item, Link):
            require(item.state == Link.UP, f"a feed must report that it is up, not {item.state!r}")
    waiting = threading.Thread(target=_read_to_end, args=(source,), daemon=True)
    waiting.start()
    waiting.join(0.05)
    source.close()
    waiting.join(5.0)
    require(not waiting.is_alive(), "close() must make a read() that waits return, within 5 s")
    require(not source.read(), "read() after close() must return an empty sequence")
    source.close()
    return found


def _read_to_end(source: Source | Feed) -> None:
    while source.read():
        pass
