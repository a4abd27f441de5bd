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
from engine.attacks.leave_pair_out import cohort_scores, scores_without
from engine.signals import Signals


@dataclass(frozen=True, kw_only=True)
class AuditedCohort:
    """Scores of a cohort of P pairs, M = 2P models.

    Attributes:
        scores: (M, N), each target attacked with its own pair left out.
        masks: (M, N).
        rehearsal: (P, M, N); entry p holds the scores of the targets when pair p is no shadow either. Its own two
            rows are NaN.
    """

    scores: NDArray[np.float64]
    masks: NDArray[np.bool_]
    rehearsal: NDArray[np.float64]

    def elsewhere(self, pair: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Scores and masks (M − 2, N) on which the guesses about a pair are fixed."""
        others = np.delete(np.arange(len(self.masks)), [2 * pair, 2 * pair + 1])
        return self.rehearsal[pair, others], self.masks[others]


def audited_cohort(attack: Attack, signals: Signals, masks: NDArray[np.bool_]) -> AuditedCohort:
    """The cohort as audits read it.

    Args:
        attack: one of ``ATTACKS``.
        signals: of the M models, one draw; at least three pairs.
        masks: (M, N), rows 2p and 2p + 1 complementary.
    """
    pairs = len(masks) // 2
    rehearsal = np.full((pairs, *masks.shape), np.nan)
    for p, q in combinations(range(pairs), 2):
        scores = scores_without((p, q), attack, signals, masks)
        rehearsal[q, 2 * p : 2 * p + 2] = scores[:2]
        rehearsal[p, 2 * q : 2 * q + 2] = scores[2:]
    return AuditedCohort(scores=cohort_scores(attack, signals, masks), masks=masks, rehearsal=rehearsal)
