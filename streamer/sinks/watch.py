"""Tells sinks which alarms begin and end, of which a step says only that they are on."""

from __future__ import annotations

from streamer.readings import Alarm, Step


class AlarmWatch:
    """Compares the alarms of each step with those of the one before.

    >>> from streamer.pipeline import Pipeline
    >>> from streamer.testing import FixedForecaster, readings
    >>> watch = AlarmWatch()
    >>> for step in Pipeline(FixedForecaster()).push_many(readings([0.3] * 15 + [0.4])):
    ...     raised, over = watch.see(step)
    ...     for alarm in raised:
    ...         print(f"{step.reading.at:%H:%M} {alarm.kind}")
    ...     for alarm in over:
    ...         print(f"{step.reading.at:%H:%M} {alarm.kind} over")
    17:14 stuck
    17:15 stuck over
    """

    def __init__(self) -> None:
        self._on: tuple[Alarm, ...] = ()

    def see(self, step: Step) -> tuple[list[Alarm], list[Alarm]]:
        """The alarms that were not on before this reading, and those that are over with it."""
        before, now = self._on, step.alarms
        if not before and not now:
            return [], []
        self._on = now
        raised = [alarm for alarm in now if alarm not in before]
        over = [alarm for alarm in before if alarm not in now]
        return raised, over
