"""What an audit reads: every target's scores, and a rehearsal on which everything that can be chosen is chosen.

How many records to guess about and which threshold to use is decided for a target on the targets of all *other*
pairs, attacked with the target's own pair left out as shadows too. So neither the masks nor the complement of a
target have a say in how it is judged, and its bound needs no correction for the choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from engine.attacks.attack import Attack
from engine.attacks.leave_pair_out import cohort_scores, halved_scores, halves, models_of, scores_without
from engine.signals import Signals


@dataclass(frozen=True, kw_only=True)
class AuditedCohort:
    """Scores of a cohort of P pairs, M = 2P models.

    Attributes:
        scores: (M, N), each target attacked with its own pair left out.
        masks: (M, N).
        rehearsal: (P, M, N); entry p holds the scores of other targets when pair p is no shadow either. The rows of
            pair p, and of targets without such scores, are NaN.
    """

    scores: NDArray[np.float64]
    masks: NDArray[np.bool_]
    rehearsal: NDArray[np.float64]

    def elsewhere(self, pair: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Scores and masks (T, N) of the other targets, on which the guesses about a pair are fixed."""
        others = np.flatnonzero(~np.isnan(self.rehearsal[pair, :, 0]))
        return self.rehearsal[pair, others], self.masks[others]


def audited_cohort(
    attack: Attack,
    signals: Signals,
    masks: NDArray[np.bool_],
    shadows: Signals | None = None,
    *,
    costly: bool = False,
) -> AuditedCohort:
    """The cohort as audits read it.

    Args:
        attack: one of ``ATTACKS``.
        signals: of the M models, one draw; at least three pairs, or four for a costly attack.
        masks: (M, N), rows 2p and 2p + 1 complementary.
        shadows: of M models trained on the same masks, if not those of the cohort.
        costly: whether the attack is run by two halves, as the catalogue says. Then the rehearsal of a pair is on the
            targets of its own half, which has no shadow among them, and takes no further fit.
    """
    rehearsal = np.full((len(masks) // 2, *masks.shape), np.nan)
    if costly:
        scores = halved_scores(attack, signals, masks, shadows)
        _rehearse_by_halves(rehearsal, scores)
    else:
        scores = cohort_scores(attack, signals, masks, shadows)
        for p, q in combinations(range(len(rehearsal)), 2):
            both = scores_without((p, q), attack, signals, masks, shadows)
            rehearsal[q, models_of([p])], rehearsal[p, models_of([q])] = both[:2], both[2:]
    return AuditedCohort(scores=scores, masks=masks, rehearsal=rehearsal)


def _rehearse_by_halves(rehearsal: NDArray[np.float64], scores: NDArray[np.float64]) -> None:
    """Fill in, for each pair, the scores of the other targets of its half."""
    for half in halves(len(rehearsal)):
        for pair in half:
            others = models_of(other for other in half if other != pair)
            rehearsal[pair, others] = scores[others]
