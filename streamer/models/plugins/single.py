"""Answers of a forecaster that takes a window at a time, and may learn from each reading."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from streamer.errors import StateError
from streamer.models import Answer
from streamer.models.plugins import SimpleForecaster
from streamer.models.plugins.faults import FaultError, Faults, numbers_of
from streamer.models.plugins.traits import Traits
from streamer.models.plugins.window import Window
from streamer.readings import Notice
from streamer.readings.buffer import RingBuffer
from streamer.readings.packing import packed, unpacked

MAX_STATE_BYTES = 1 << 20
"""Maximum size of what a forecaster has learnt, as JSON: it is saved every minute."""


class SingleStream:
    """Answers of a `SimpleForecaster` to one stream.

    Args:
        forecaster: the forecaster, which belongs to this stream alone.
        traits: its traits.
        role: what it is, for messages.
    """

    def __init__(self, forecaster: SimpleForecaster, traits: Traits, role: str = "model") -> None:
        self._forecaster = forecaster
        self._traits = traits
        self.faults = Faults(traits.name, role)
        self._learn = getattr(forecaster, "learn", None)
        self._at: deque[datetime] = deque(maxlen=traits.window)
        # The power, and behind it the channels.
        self._values = RingBuffer(traits.window, 1 + len(traits.channels))
        self._window: Window | None = None
        self._saved: Any = None
        self._hidden = np.empty((1, 0), np.float32)

    def one(self, at: datetime, kw: float, channels: Sequence[float]) -> Answer | None:
        """Take a reading: learn from it, and forecast the next one.

        Args:
            at: its time.
            kw: its power in kW.
            channels: its channels, as the traits name them.

        Returns:
            The answer for one window; None before the first is full, and without a forecast.
        """
        if self._window is not None and self._learn is not None:
            try:
                self._learn(self._window, kw)
            except Exception as error:  # noqa: BLE001 - of anybody's code
                self.faults.add(error, "learn()", at, effect="it has not learnt from the minute")
        self._at.append(at)
        self._values.push((kw, *channels))
        self._window = self._latest()
        if self._window is None:
            return None
        try:
            result = self._forecaster.forecast(self._window)
            if result is None:
                return None
            mean, *quantiles = numbers_of(result, len(self._traits.levels))
        except Exception as error:  # noqa: BLE001 - of anybody's code
            self.faults.add(error, "forecast()", at)
            return None
        return Answer(np.array([mean]), np.array([quantiles]), self._hidden)

    def restart(self, seen: int = 0) -> None:  # noqa: ARG002 - has no lanes to align
        """Begin a new window; what has been learnt remains."""
        self._at.clear()
        self._values.clear()
        self._window = None

    def gathered(self) -> list[Notice]:
        """Notices about faults since the last call."""
        return self.faults.gathered()

    def state(self) -> dict[str, Any]:
        """The window, and what the forecaster has learnt, as plain JSON values."""
        return {
            "at": [at.isoformat() for at in self._at],
            "values": packed(self._values.values()),
            "learnt": self._learnt(),
        }

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Continue from a saved state; without one, the window begins anew.

        Raises:
            StateError: the forecaster does not take the state; it has been given back its own.
            AttributeError, LookupError, TypeError, ValueError: the state is damaged.
        """
        if state is None:
            return
        at = [datetime.fromisoformat(each) for each in state["at"]]
        if len(at) > self._traits.window:
            raise ValueError(f"{len(at)} times, at most {self._traits.window} expected")
        shape = len(at), 1 + len(self._traits.channels)
        values = unpacked(state["values"], shape[0] * shape[1]).reshape(shape)
        restore = getattr(self._forecaster, "restore", None)
        if state["learnt"] is not None and restore is not None:
            before = self._learnt()
            try:
                restore(state["learnt"])
            except Exception as error:
                if before is not None:
                    restore(before)
                text = f"{type(error).__name__}: {error}"
                raise StateError(
                    f"model {self._traits.name}: restore() does not take the saved state: {text}"
                ) from error
        self._at.extend(at)
        self._values.extend(values)
        self._window = self._latest()

    def _latest(self) -> Window | None:
        if len(self._at) < self._traits.window:
            return None
        values = self._values.values()
        names = enumerate(self._traits.channels, 1)
        return Window(
            values[:, 0].copy(), self._at, {name: values[:, place].copy() for place, name in names}
        )

    def _learnt(self) -> Any:
        """What the forecaster has learnt, as a copy in plain JSON values; None if nothing.

        While it cannot be saved, as of a forecaster that is still busy, that is the last one.
        """
        state = getattr(self._forecaster, "state", None)
        if state is None:
            return None
        try:
            text = json.dumps(state(), allow_nan=False)
            if len(text) > MAX_STATE_BYTES:
                raise FaultError("size", f"gave {len(text)} bytes, at most {MAX_STATE_BYTES} fit")
        except Exception as error:  # noqa: BLE001 - of anybody's code
            at = self._at[-1] if self._at else None
            self.faults.add(error, "state()", at, effect="what it has learnt is not saved")
        else:
            self._saved = json.loads(text)
        return self._saved
