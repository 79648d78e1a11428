"""Start, state and signs of life of a process that a service manager runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from streamer.clock import Clock, SystemClock
from streamer.stream.servicemanager import READY, STOPPING, WATCHDOG, ServiceManager

CallSoon: TypeAlias = Callable[[Callable[[], None]], None]
"""Has a function called in the next turn of a loop, in the loop's thread, and does not wait."""

MAX_STATUS = 500
"""Longest status in characters."""

_CLOSE_S = 2.0
_RETRY_S = 1.0


class Service:
    """Notifies a service manager, in a thread of its own.

    The loops do all the work of the process: those that read a meter, and that of the publishers.
    The service is ready once each of them has turned for the first time. It is alive while each
    turns again within half of the watchdog's time: a meter without values is no matter of that,
    but a loop that hangs, in whatever it calls, is.

    Args:
        manager: the service manager; closed with this.
        loops: for each loop, what has a function called in its next turn.
        clock: source of the time.
    """

    def __init__(
        self, manager: ServiceManager, loops: Sequence[CallSoon], *, clock: Clock | None = None
    ) -> None:
        self._manager = manager
        self._loops = tuple(loops)
        self._clock: Clock = SystemClock() if clock is None else clock
        self._condition = threading.Condition()
        self._asked = False
        self._missing: set[int] = set()
        self._statuses: dict[str, str] = {}
        self._is_new = self._is_closed = False
        self._thread = threading.Thread(target=self._work, name="service", daemon=True)

    def start(self) -> None:
        """Begin to notify."""
        self._thread.start()

    def set_status(self, name: str, text: str) -> None:
        """Set the latest state of a meter, a line for people; never waits for the manager.

        Args:
            name: name of the meter.
            text: its state, without the name.
        """
        with self._condition:
            if self._statuses.get(name) != text:
                self._statuses[name] = text
                self._is_new = True
                self._condition.notify_all()

    def close(self) -> None:
        """Announce the end, and end the thread."""
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()
        if self._thread.ident is not None:
            self._thread.join(_CLOSE_S)
        self._manager.close()

    def _work(self) -> None:
        watchdog_s = self._manager.watchdog_s
        is_ready = False
        ask_s: float | None = self._clock.now()
        while True:
            if ask_s is not None and self._clock.now() >= ask_s:
                self._ask()
                ask_s = None
            fields: dict[str, str] = {}
            with self._condition:
                all_turned = self._asked and not self._missing
                if not (all_turned or self._is_new or self._is_closed):
                    wait_s = None if ask_s is None else ask_s - self._clock.now()
                    self._clock.wait(self._condition, wait_s)
                    continue
                if self._is_new:
                    fields["STATUS"] = self._status()
                is_closed = self._is_closed
                self._is_new = False
                self._asked &= not all_turned
            if is_closed:
                self._manager.send(fields | STOPPING)
                return
            if all_turned:
                fields |= WATCHDOG if is_ready else READY
            now_s = self._clock.now()
            was_sent = self._manager.send(fields)
            if all_turned:
                is_ready |= was_sent
                period_s = None if watchdog_s is None else watchdog_s / 2
                wait_s = period_s if is_ready else _RETRY_S
                ask_s = None if wait_s is None else now_s + wait_s

    def _ask(self) -> None:
        """Ask each loop to turn."""
        with self._condition:
            self._missing = set(range(len(self._loops)))
            self._asked = True
        # Outside of the condition: a loop may answer at once, and holds locks of its own.
        for index, call_soon in enumerate(self._loops):
            call_soon(partial(self._turned, index))

    def _turned(self, index: int) -> None:
        with self._condition:
            self._missing.discard(index)
            self._condition.notify_all()

    def _status(self) -> str:
        texts = self._statuses
        if len(texts) == 1:
            return next(iter(texts.values()))[:MAX_STATUS]
        return "; ".join(f"{name}: {text}" for name, text in texts.items())[:MAX_STATUS]
