"""Champion and challenger: which of two forecasts is to be shown."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any


class ChampionChallenger:
    """Compares a challenger's losses with a champion's over a sliding stretch of rounds.

    The challenger wins while its summed loss is below the champion's, and there have been
    enough rounds to tell. *Guarantee:* a challenger that has become the worse one is off
    when the stretch has slid by, at the latest, and by then has cost at most what it had
    been ahead. *What breaks it:* losses so uneven that one round outweighs all others; whoever
    adds them should see to it that none does.

    Args:
        rounds: how many rounds the stretch is long.
        trial: how many there must have been before the challenger may win.

    >>> duel = ChampionChallenger(rounds=3, trial=2)
    >>> for champion, challenger in ((1.0, 0.5), (1.0, 0.9), (1.0, 1.1)):
    ...     duel.add(champion, challenger)
    >>> duel.won, round(duel.gain, 3), duel.lost_in_a_row
    (True, 0.167, 0)
    """

    def __init__(self, rounds: int, trial: int) -> None:
        self._losses: deque[tuple[float, float]] = deque(maxlen=rounds)
        self._trial = trial
        self.won = False
        self.gain: float | None = None
        self.lost_in_a_row = 0

    def add(self, champion: float, challenger: float) -> None:
        """Count one round, with the loss of each."""
        self._losses.append((champion, challenger))
        self._judge()
        self.lost_in_a_row = 0 if self.won or self._on_trial else self.lost_in_a_row + 1

    def state(self) -> dict[str, Any]:
        """What the next round depends on, as plain JSON values."""
        return {"losses": [list(pair) for pair in self._losses], "lost": self.lost_in_a_row}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged.
        """
        self._losses.clear()
        self._losses.extend((float(first), float(second)) for first, second in state["losses"])
        self.lost_in_a_row = int(state["lost"])
        self._judge()

    @property
    def _on_trial(self) -> bool:
        return len(self._losses) < self._trial

    def _judge(self) -> None:
        total = sum(champion for champion, _ in self._losses)
        ahead = sum(champion - challenger for champion, challenger in self._losses)
        self.won = ahead > 0.0 and not self._on_trial
        self.gain = ahead / total if total else None
