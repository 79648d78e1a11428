"""Champion/challenger comparison of two forecasts."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from streamer.readings.saved import count, number


class ChampionChallenger:
    """Comparison of the losses of a challenger and a champion over a sliding window of rounds.

    The challenger wins while its summed loss is below the champion's, after a trial of some
    rounds. *Guarantee:* a challenger that has become worse stops winning after one window at
    the latest, and by then has cost at most the lead it had. *What breaks it:* losses so
    uneven that one round outweighs all others; the caller must bound them.

    Args:
        rounds: length of the window in rounds.
        trial: rounds to complete before the challenger may win.

    >>> comparison = ChampionChallenger(rounds=3, trial=2)
    >>> for champion, challenger in ((1.0, 0.5), (1.0, 0.9), (1.0, 1.1)):
    ...     comparison.add(champion, challenger)
    >>> comparison.won, round(comparison.gain, 3), comparison.lost_in_a_row
    (True, 0.167, 0)
    """

    def __init__(self, rounds: int, trial: int) -> None:
        self._losses: deque[tuple[float, float]] = deque(maxlen=rounds)
        self._trial = trial
        self.won = False
        self.gain: float | None = None
        self.lost_in_a_row = 0

    def add(self, champion: float, challenger: float) -> None:
        """Add one round, with the loss of each."""
        self._losses.append((champion, challenger))
        self._judge()
        self.lost_in_a_row = 0 if self.won or self._on_trial else self.lost_in_a_row + 1

    def state(self) -> dict[str, Any]:
        """Everything that the next round depends on, as plain JSON values."""
        return {"losses": [list(pair) for pair in self._losses], "lost": self.lost_in_a_row}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        losses = [(number(first), number(second)) for first, second in state["losses"]]
        self.lost_in_a_row = count(state["lost"])
        self._losses.clear()
        self._losses.extend(losses)
        self._judge()

    @property
    def _on_trial(self) -> bool:
        return len(self._losses) < self._trial

    def _judge(self) -> None:
        total = sum(champion for champion, _ in self._losses)
        ahead = sum(champion - challenger for champion, challenger in self._losses)
        self.won = ahead > 0.0 and not self._on_trial
        self.gain = ahead / total if total else None
