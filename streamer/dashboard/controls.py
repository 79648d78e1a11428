"""Actions of the keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from streamer.dashboard import keys
from streamer.dashboard.navigation import Navigation
from streamer.stream.pacing import Pacer

Action: TypeAlias = Callable[[], str | None]
"""What a key does; returns a message for the user, if there is one."""


def controls(
    own: Mapping[str, Action], navigation: Navigation, pacer: Pacer | None
) -> dict[str, Action]:
    """The action of each key.

    Args:
        own: the dashboard's own actions: `leave`, `save`, `help` and `demand`.
        navigation: the part of the past that is shown.
        pacer: the pacer of a replay; None for a meter, whose time cannot be controlled.
    """
    actions: dict[str, Action] = {
        "q": own["leave"],
        keys.ESCAPE: own["leave"],
        keys.GONE: own["leave"],
        "s": own["save"],
        "?": own["help"],
        "d": own["demand"],
        keys.LEFT: navigation.back,
        keys.RIGHT: navigation.forward,
        keys.PAGE_UP: navigation.page_back,
        keys.PAGE_DOWN: navigation.page_forward,
        keys.HOME: navigation.oldest,
        keys.END: navigation.newest,
        "[": navigation.shorter,
        "]": navigation.longer,
        "a": navigation.alarm_back,
        "A": navigation.alarm_forward,
    }
    if pacer is not None:
        actions |= {
            keys.SPACE: pacer.toggle_pause,
            "+": pacer.faster,
            "=": pacer.faster,
            "-": pacer.slower,
            "n": pacer.step,
        }
    return actions
