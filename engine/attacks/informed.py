"""Where thresholds come from when not from shadows: from records of the target whose membership the attacker knows.

These attackers receive the target's own masks, so they are types of their own and never one of ``ATTACKS``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.attacks.thresholds import Known, Thresholded
from engine.seeds import generator
from engine.signals import Signals


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Scores of an attacker who knows the membership of some records, and where they may be judged.

    Attributes:
        scores: (T, N), "member" where at least 0.
        judged: (T, N), the records that count; the attacker's own knowledge does not.
        upper_bound: whether thresholds were chosen on the very records that count: no real attacker does as well.
    """

    scores: NDArray[np.float64]
    judged: NDArray[np.bool_]
    upper_bound: bool


@dataclass(frozen=True, kw_only=True)
class KnownMembers:
    """The attacker knows half of the target's members and as many non-members, and is judged on the other records.

    Source: Nasr et al. 2018; Song & Mittal 2021, section 5 (rows on adversarial regularization).

    Attributes:
        attack: whose thresholds are chosen on the known records.
        seed: of the draw of the known records.
    """

    attack: Thresholded
    seed: int

    def __call__(self, target: Signals, masks: NDArray[np.bool_]) -> Judged:
        """Scores of T targets, each with its own known records; ``masks`` (T, N) are the targets' own."""
        known = np.stack([self._known(row, members) for row, members in enumerate(masks)])
        return Judged(scores=_scores(self.attack, target, masks, known), judged=~known, upper_bound=False)

    def _known(self, row: int, members: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(N,) whether the attacker knows of each record; one of each side is left to be judged."""
        random = generator(self.seed, "known members", row)
        count = int(members.sum()) // 2
        known = np.zeros(members.shape, dtype=bool)
        for side in (members, ~members):
            known[random.permutation(np.flatnonzero(side))[: min(count, int(side.sum()) - 1)]] = True
        return known


@dataclass(frozen=True, kw_only=True)
class Oracle:
    """The best threshold there is: chosen on all of the target's records, and judged on the same.

    An upper bound on every attacker with this statistic and rule, and no attacker itself.

    Attributes:
        attack: whose thresholds are chosen on the target.
    """

    attack: Thresholded

    def __call__(self, target: Signals, masks: NDArray[np.bool_]) -> Judged:
        """Scores of T targets; ``masks`` (T, N) are the targets' own."""
        everything = np.ones(masks.shape, dtype=bool)
        return Judged(scores=_scores(self.attack, target, masks, everything), judged=everything, upper_bound=True)


def _scores(
    attack: Thresholded, target: Signals, masks: NDArray[np.bool_], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(T, N): the statistic minus the threshold from each target's known records."""
    values = attack.statistic(target)
    tau = [
        np.broadcast_to(
            attack.rule(
                Known(values=own[chosen], members=members[chosen], labels=target.labels[chosen]), target.labels
            ),
            own.shape,
        )
        for own, members, chosen in zip(values, masks, known, strict=True)
    ]
    return values - np.stack(tau)
