"""Jobs that the settings of `streamer watch` describe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from streamer.cli.metersettings import Settings
from streamer.errors import UsageError

if TYPE_CHECKING:
    from streamer.commands.publishing import Publishing
    from streamer.commands.watch import Watch


def make_meters(settings: Sequence[Settings]) -> list[Watch]:
    """Make the jobs that the settings describe, one for each meter.

    Raises:
        UsageError: as for `make_watch`; or two meters have the same name or recording, or a
            formula is wrong.
    """
    if len(settings) == 1 and not settings[0].formulas:
        return [make_watch(settings[0])]
    from streamer.commands.meternames import named
    from streamer.commands.meterset import with_parts

    jobs: list[Watch] = []
    known: set[Path] = set()
    for each in settings:
        with named(f"{each.path}: {each.where}"):
            job = make_watch(each)
        # One of the meters warns about a file that several take a secret from.
        jobs.append(replace(job, secret_files=tuple(set(job.secret_files) - known)))
        known.update(job.secret_files)
    return with_parts(jobs, [each.formulas for each in settings])


def make_watch(settings: Settings) -> Watch:
    """Make the job that the settings describe, without the formulas of a derived meter.

    Raises:
        UsageError: no meter is given, a secret or the tariff cannot be read, or the
            recording's path names a user who does not exist.
    """
    from streamer.commands.demand import demand_rule
    from streamer.commands.forecasting import Forecasting
    from streamer.commands.tariff import find_tariff
    from streamer.commands.watch import Watch

    chosen = settings.values
    if settings.address is None and not settings.formulas:
        raise UsageError(
            "no address of a meter: give one, such as mqtt://broker/topic?unit=W, or set url in "
            "the configuration; `streamer sources` lists all kinds"
        )
    tariff = find_tariff(chosen["tariff"])
    return Watch(
        address=None if settings.address is None else settings.meter(settings.address),
        forecasting=Forecasting(
            model=chosen["model"],
            engine=chosen["engine"].value,
            gaps=chosen["gaps"].value,
            max_gap=chosen["max_gap"],
            adapt=chosen["adapt"],
            confidence=chosen["confidence"],
            demand=demand_rule(
                chosen["demand"] and chosen["demand"].value,
                limit_kw=chosen["peak_limit"],
                alarms_per_month=chosen["peak_alarms"],
                tariff=tariff,
            ),
            challengers=tuple(chosen["challenger"] or ()),
            serve_best=chosen["serve_best"],
        ),
        record=_expanded(chosen["record"]),
        allow_other_meter=chosen["allow_other_meter"],
        stale_after_s=chosen["stale_after"],
        grace_s=chosen["grace"],
        by=chosen["clock"].value,
        retry_max_s=chosen["retry"],
        max_kw=chosen["max_kw"],
        secret_files=() if settings.formulas else tuple(settings.secret_files()),
        horizons=chosen["horizons"],
        tariff=tariff,
        name=chosen["name"] or "",
        where=f"{settings.path}: {settings.where}",
        sinks=tuple(chosen["sink"] or ()),
    )


def make_publishing(settings: Settings) -> Publishing:
    """Make the publication that the settings describe."""
    from streamer.commands.publishing import Publishing

    chosen = settings.values
    return Publishing(chosen["publish"], chosen["serve"], settings.tables)


def _expanded(path: Path | None) -> Path | None:
    try:
        return None if path is None else path.expanduser()
    except RuntimeError:
        raise UsageError(f"--record {path}: no such user") from None
