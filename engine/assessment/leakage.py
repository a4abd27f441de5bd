"""How much the scores of an attack say about membership, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from engine.assessment.intervals import at_least_binomial, jackknife, over_pairs
from engine.assessment.roc import auc, balanced_accuracy, sweep, tpr_at_fpr
from engine.assessment.values import Interval, LowFprRate
from engine.attacks.attack import Attack
from engine.attacks.leave_pair_out import cohort_scores, scores_without
from engine.signals import Signals

LOW_FPRS = (0.01, 0.001)
AUC, BALANCED, FIRST_TPR = 0, 1, 2  # columns of PairFigures


@dataclass(frozen=True, kw_only=True)
class Leakage:
    """The leakage figures of one cohort, fields as in ``Headline``, and the scores behind them.

    Attributes:
        scores: (K, M, N), K draws.
    """

    scores: NDArray[np.float64]
    auc: Interval
    balanced_accuracy: Interval
    low_fpr: tuple[LowFprRate, ...]


@dataclass(frozen=True, kw_only=True)
class PairFigures:
    """What every interval of a cohort's leakage is made of; columns AUC, balanced accuracy, TPR at each low FPR.

    Attributes:
        scores: (K, M, N), K draws.
        by_pair: (P, 2 + F) means over the pair's two targets and over draws.
        deleted: (P, 2 + F) means over all other targets when pair p is neither target nor shadow.
    """

    scores: NDArray[np.float64]
    by_pair: NDArray[np.float64]
    deleted: NDArray[np.float64]

    def interval(self, column: int, *, shadows: bool, least: float) -> Interval:
        """The interval of a column: the jackknife where shadows matter to it, else Student t over pairs."""
        if shadows:
            return jackknife(float(self.by_pair[:, column].mean()), self.deleted[:, column], least=least)
        return over_pairs(self.by_pair[:, column], least=least)


def pair_figures(draws: Sequence[Signals], masks: NDArray[np.bool_], attack: Attack) -> PairFigures:
    """Leakage of a cohort of at least three pairs, pair by pair, averaged over draws.

    Args:
        draws: K signals of the same M models; draw k of the target is attacked with draw k of the shadows.
        masks: (M, N).
        attack: one of ``ATTACKS``.
    """
    scores = np.stack([cohort_scores(attack, signals, masks) for signals in draws])
    measured = _measured(scores, np.broadcast_to(masks, scores.shape)).mean(axis=0)
    return PairFigures(
        scores=scores,
        by_pair=measured.reshape(len(measured) // 2, 2, -1).mean(axis=1),
        deleted=np.mean([_without_each_pair(attack, signals, masks) for signals in draws], axis=0),
    )


def leakage(
    draws: Sequence[Signals], masks: NDArray[np.bool_], attack: Attack, *, ranks_without_shadows: bool
) -> Leakage:
    """Leakage of a cohort of at least three pairs; numbers are averaged over draws before intervals.

    Args:
        draws: K signals of the same M models; draw k of the target is attacked with draw k of the shadows.
        masks: (M, N).
        attack: one of ``ATTACKS``.
        ranks_without_shadows: whether shadows set only the attack's threshold; then AUC and TPR use
            Student t over pairs.
    """
    figures = pair_figures(draws, masks, attack)
    worth = one_record(masks)

    def interval(column: int) -> Interval:
        return figures.interval(column, shadows=column == BALANCED or not ranks_without_shadows, least=worth)

    tprs = [at_least_binomial(interval(FIRST_TPR + i), masks.sum(axis=1).mean()) for i in range(len(LOW_FPRS))]
    return Leakage(
        scores=figures.scores,
        auc=interval(AUC),
        balanced_accuracy=interval(BALANCED),
        low_fpr=tuple(_low_fpr(fpr, tpr, figures.scores, masks) for fpr, tpr in zip(LOW_FPRS, tprs, strict=True)),
    )


def one_record(masks: NDArray[np.bool_]) -> float:
    """What one record is worth in a rate: 1 / the mean number of members or non-members, whichever is smaller."""
    members = float(masks.sum(axis=1).mean())
    return 1 / min(members, masks.shape[1] - members)


def _measured(scores: NDArray[np.float64], members: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(..., 2 + F): AUC, balanced accuracy and TPR at each of ``LOW_FPRS``, for rows (..., N)."""
    swept = sweep(scores, members)
    tprs = [tpr_at_fpr(swept, fpr)[0] for fpr in LOW_FPRS]
    return np.stack([auc(swept), balanced_accuracy(scores, members), *tprs], axis=-1)


def _without_each_pair(attack: Attack, signals: Signals, masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(P, 2 + F): the mean of ``_measured`` over targets when pair p is neither target nor shadow.

    Target p of the cohort without q has the same shadows as target q of the cohort without p, so one call of
    the attack on both pairs serves the two.
    """
    pairs = len(masks) // 2
    totals = np.zeros((pairs, 2 + len(LOW_FPRS)))
    for p, q in combinations(range(pairs), 2):
        rows = [2 * p, 2 * p + 1, 2 * q, 2 * q + 1]
        measured = _measured(scores_without((p, q), attack, signals, masks), masks[rows])
        totals[q] += measured[:2].sum(axis=0)
        totals[p] += measured[2:].sum(axis=0)
    return totals / (2 * pairs - 2)


def _low_fpr(fpr: float, tpr: Interval, scores: NDArray[np.float64], masks: NDArray[np.bool_]) -> LowFprRate:
    """The rate together with what stands behind it."""
    swept = sweep(scores, np.broadcast_to(masks, scores.shape))
    return LowFprRate(
        asked_fpr=fpr,
        tpr=tpr,
        achieved_fpr=float(tpr_at_fpr(swept, fpr)[1].mean()),
        expected_false_alarms=fpr * float((~masks).sum()),
        non_members=int((~masks).any(axis=0).sum()),
    )
