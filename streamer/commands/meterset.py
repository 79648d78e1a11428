"""Several meters together: unique names, and the formulas of those derived from others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from streamer.commands.meternames import named
from streamer.errors import ConfigError

if TYPE_CHECKING:
    from streamer.commands.watch import Watch
    from streamer.sources.derived import DerivedPowers, Formula


def with_parts(jobs: Sequence[Watch], formulas: Sequence[Mapping[str, str]]) -> list[Watch]:
    """Complete the jobs of several meters by their formulas, and check them together.

    Args:
        jobs: the job of each meter.
        formulas: the formulas of each, by key; empty for one that is not derived.

    Raises:
        ConfigError: two have the same name, key or recording, or both read standard input; or a
            formula is wrong, names an unknown meter, or depends on itself.
    """
    _check_unique(jobs)
    known = {name: job.key for job in jobs for name in (job.key, job.name)}
    complete = [
        replace(job, derived=_powers(job, texts, known)) if texts else job
        for job, texts in zip(jobs, formulas, strict=True)
    ]
    ordered(complete)
    return complete


def ordered(jobs: Sequence[Watch]) -> list[int]:
    """Places of the jobs in an order in which each comes behind its parts.

    Raises:
        ConfigError: one depends on itself.
    """
    places = {job.key: place for place, job in enumerate(jobs)}
    order: list[int] = []
    open_keys: list[str] = []

    def visit(job: Watch) -> None:
        if job.key in open_keys:
            way = " → ".join([*open_keys[open_keys.index(job.key) :], job.key])
            raise ConfigError(f"{job.where} derive: it depends on itself: {way}")
        if places[job.key] in order:
            return
        open_keys.append(job.key)
        for name in job.part_keys:
            visit(jobs[places[name]])
        open_keys.pop()
        order.append(places[job.key])

    for job in jobs:
        visit(job)
    return order


def _powers(job: Watch, texts: Mapping[str, str], known: Mapping[str, str]) -> DerivedPowers:
    from streamer.sources.derived import DerivedPowers

    found = {key: _formula(job, key, text, known) for key, text in texts.items()}
    return DerivedPowers(found["derive"], found.get("solar"), found.get("battery"))


def _formula(job: Watch, key: str, text: str, known: Mapping[str, str]) -> Formula:
    """A formula of keys of meters."""
    from streamer.sources.derived import Formula

    with named(f"{job.where} {key}"):
        formula = Formula.parse(text)
        for name in formula.names:
            if name not in known:
                others = ", ".join(sorted({*known.values()} - {job.key})) or "none"
                raise ConfigError(f"no watched meter is called {name!r}; others: {others}")
        keys = [known[name] for name in formula.names]
        for name, at in zip(formula.names, keys, strict=True):
            if keys.count(at) > 1:
                raise ConfigError(f"{name!r} is in it under another name, too")
        return formula.renamed(known)


def _check_unique(jobs: Sequence[Watch]) -> None:
    seen: dict[tuple[str, object], Watch] = {}
    for job in jobs:
        values: dict[str, object] = {"name": job.key}
        if job.record is not None:
            values["record"] = _absolute(job.record)
        if job.address is not None and job.address.scheme == "stdin":
            values["url"] = "stdin"
        for key, value in values.items():
            other = seen.setdefault((key, value), job)
            if other is not job:
                shown = {"name": job.name, "record": job.record, "url": "standard input"}[key]
                as_key = f", as {value}" if key == "name" and job.name != other.name else ""
                raise ConfigError(
                    f"{job.where} {key}: {shown} is that of {other.name}, too{as_key}"
                )


def _absolute(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a loop of links, which the recorder reports
        return path.absolute()
