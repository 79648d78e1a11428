"""Snapshots whose texts from outside are safe to print."""

from __future__ import annotations

from dataclasses import replace

from streamer.dashboard.words import printable
from streamer.history import HistorySnapshot
from streamer.readings import Alarm


def printed(snapshot: HistorySnapshot, height: int, *, only_ascii: bool) -> HistorySnapshot:
    """Replace unprintable characters in all texts from outside."""
    about = snapshot.about
    if about is not None:
        source = printable(about.source, only_ascii=only_ascii)
        about = replace(about, source=source, model=printable(about.model, only_ascii=only_ascii))
    events = tuple(
        replace(event, text=printable(event.text, only_ascii=only_ascii))
        for event in snapshot.events[-4 * height :]
    )
    steps = snapshot.steps
    if steps and (steps[-1].alarms or steps[-1].challengers):
        last = steps[-1]
        alarms = tuple(_printable_alarm(alarm, only_ascii=only_ascii) for alarm in last.alarms)
        challengers = tuple(
            replace(each, name=printable(each.name, only_ascii=only_ascii))
            for each in last.challengers
        )
        champion = last.champion
        if champion is not None and champion.name is not None:
            champion = replace(champion, name=printable(champion.name, only_ascii=only_ascii))
        last = replace(last, alarms=alarms, challengers=challengers, champion=champion)
        steps = (*steps[:-1], last)
    raised = tuple(
        replace(entry, alarm=_printable_alarm(entry.alarm, only_ascii=only_ascii))
        for entry in snapshot.raised
    )
    state = snapshot.link
    if state is not None:
        peer, why = (printable(text, only_ascii=only_ascii) for text in (state.peer, state.text))
        state = replace(state, peer=peer, text=why)
    tariff = snapshot.tariff
    if tariff is not None:
        currency = printable(tariff.currency, only_ascii=only_ascii)
        # The same tariff as in the last frame need not be computed with again.
        tariff = tariff if currency == tariff.currency else replace(tariff, currency=currency)
    return replace(
        snapshot,
        about=about,
        steps=steps,
        events=events,
        link=state,
        raised=raised,
        tariff=tariff,
    )


def _printable_alarm(alarm: Alarm, *, only_ascii: bool) -> Alarm:
    kind, text = (printable(part, only_ascii=only_ascii) for part in (alarm.kind, alarm.text))
    return replace(alarm, kind=kind, text=text)
