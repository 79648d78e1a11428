"""Command that checks forecasters and sinks by name, and prints each check."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial

from streamer.display.lines import one_line
from streamer.errors import StreamerError
from streamer.models.adapters.registry import make_forecaster
from streamer.sinks.plugins import make_sink
from streamer.testing.plugins import check_forecaster, check_sink

_Check = Callable[[Callable[[str], object]], object]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check what is named, one after the other, also after one that has failed.

    Args:
        arguments: those of the command line; None for the program's own.

    Returns:
        Status of the program: 0 if all follow their protocol, 1 if one does not, 2 if one cannot
        be made.

    >>> main(["persistence"])
    forecaster persistence
      traits: a window of 1 reading, quantiles none, channels none
      answers: 151 of 151 readings forecast, each as finite numbers
      repetition: made anew and in blocks of 64, the same forecasts
      state: made anew and given it after 75 readings, the same forecasts
      passed
    0
    """
    parser = argparse.ArgumentParser(
        prog="python -m streamer.testing",
        description="Check that forecasters and sinks follow their protocols, by running them.",
    )
    parser.add_argument(
        "forecasters", nargs="*", metavar="FORECASTER", help="as for `streamer replay --model`"
    )
    parser.add_argument(
        "--sink", action="append", default=[], metavar="SINK", help="as for `streamer replay`"
    )
    given = parser.parse_args(arguments)
    if not given.forecasters and not given.sink:
        parser.error("give a forecaster, such as river:LinearRegression, or --sink SINK")
    results = [_forecaster(name) for name in given.forecasters]
    results += [_sink(name) for name in given.sink]
    return max(results)


def _forecaster(name: str) -> int:
    make = partial(make_forecaster, name)
    return _run(f"forecaster {name}", lambda passed: check_forecaster(make, on_passed=passed))


def _sink(name: str) -> int:
    return _run(f"sink {name}", lambda passed: check_sink(make_sink(name), on_passed=passed))


def _run(title: str, check: _Check) -> int:
    """Run a check, and print it; 0, 1 or 2 for its result."""
    print(one_line(title))
    try:
        check(lambda line: print(f"  {one_line(line)}"))
    except AssertionError as error:
        print(f"  failed: {one_line(error)}", flush=True)
        return 1
    except StreamerError as error:
        print(f"  cannot be checked: {one_line(error)}", flush=True)
        return 2
    print("  passed", flush=True)
    return 0
