"""Champion/challenger comparison of two forecasts."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any

from streamer.readings.saved import count, number, numbers

FULL_LEAD = 6.0
"""Lead, in standard errors, from which the challenger has its full weight."""

LEAD_KEPT = 0.9995
"""Weight kept by the lead of a round from one round to the next."""


class ChampionChallenger:
    """Weight of a challenger beside a champion, from their losses so far.

    The challenger's weight is its lead over the champion, summed over all rounds of which the
    older count less, in units of six standard errors, and from 0 to 1: it is small
    while little is known, and 1 once the lead is beyond doubt. It is 0 in a trial of some
    rounds, and whenever the lead over the last rounds is below minus its standard error.

    **Source.** The standard error of a sum of leads ``d`` is ``sqrt(Σ d²)``, as in the
    self-normalized sums of de la Peña (1999, Annals of Probability 27:1).

    **Guarantee.** If neither forecast is better, and leads are as likely to be positive as
    negative, the weight exceeds ``s`` in a given round with probability ``exp(-18 s²)`` at most.
    A challenger that has become worse in every round has no weight after one window at the latest.

    **What breaks it.** Losses so uneven that one round outweighs all others, for the
    challenger or against it; the caller must bound them.

    Args:
        rounds: length of the window of the last rounds.
        trial: rounds to complete before the challenger may have weight.

    >>> comparison = ChampionChallenger(rounds=3, trial=2)
    >>> for champion, challenger in ((1.0, 0.5), (1.0, 0.9), (1.0, 1.1)):
    ...     comparison.add(champion, challenger)
    >>> round(comparison.weight, 3), round(comparison.gain, 3), comparison.lost_in_a_row
    (0.16, 0.167, 0)
    """

    def __init__(self, rounds: int, trial: int) -> None:
        self._losses: deque[tuple[float, float]] = deque(maxlen=rounds)
        self._trial = trial
        self._lead = self._squares = 0.0
        self.weight = 0.0
        self.gain: float | None = None
        self.lost_in_a_row = 0

    def add(self, champion: float, challenger: float) -> None:
        """Add one round, with the loss of each."""
        self._losses.append((champion, challenger))
        lead = champion - challenger
        self._lead = LEAD_KEPT * self._lead + lead
        self._squares = LEAD_KEPT**2 * self._squares + lead * lead
        ahead = self._judge()
        self.lost_in_a_row = 0 if ahead > 0.0 or self._on_trial else self.lost_in_a_row + 1

    def state(self) -> dict[str, Any]:
        """Everything that the next round depends on, as plain JSON values."""
        return {
            "losses": [list(pair) for pair in self._losses],
            "lost": self.lost_in_a_row,
            "lead": [self._lead, self._squares],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state; in one of version 0.2 the window is all that is known.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        losses = [(number(first), number(second)) for first, second in state["losses"]]
        leads = [champion - challenger for champion, challenger in losses]
        window = sum(leads), sum(lead * lead for lead in leads)
        lead, squares = numbers(state.get("lead", window), most=2)
        if squares < 0.0:
            raise ValueError(f"the squared standard error of the lead is {squares:g}")
        self.lost_in_a_row = count(state["lost"])
        self._losses.clear()
        self._losses.extend(losses)
        self._lead, self._squares = lead, squares
        self._judge()

    @property
    def _on_trial(self) -> bool:
        return len(self._losses) < self._trial

    def _judge(self) -> float:
        """Update the weight and the gain; returns the lead over the window."""
        leads = [champion - challenger for champion, challenger in self._losses]
        ahead, total = sum(leads), sum(champion for champion, _ in self._losses)
        self.gain = ahead / total if total else None
        withdrawn = ahead < -math.sqrt(sum(lead * lead for lead in leads))
        self.weight = 0.0
        if self._lead > 0.0 and not self._on_trial and not withdrawn:
            full = FULL_LEAD * math.sqrt(self._squares)
            self.weight = self._lead / full if self._lead < full else 1.0
        return ahead
