"""How much the scores of an attack say about membership, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from engine.assessment.intervals import at_least_binomial, band, jackknife, over_pairs
from engine.assessment.roc import CURVE_FPR, auc, balanced_accuracy, curve, sweep, tpr_at_fpr
from engine.assessment.values import Attackers, Interval, LowFprRate, RocCurve
from engine.attacks import ATTACKS
from engine.attacks.attack import Attack
from engine.attacks.catalogue import CATALOGUE
from engine.attacks.leave_pair_out import (
    cohort_scores,
    halved_scores,
    halves,
    models_of,
    scores_with,
    scores_without,
)
from engine.attacks.percentiles import undecided
from engine.signals import Signals

LOW_FPRS = (0.01, 0.001)
AUC, BALANCED, FIRST_TPR = 0, 1, 2  # columns of PairFigures
CURVE = FIRST_TPR + len(LOW_FPRS)  # the first of the columns that are the ROC curve


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How a cohort is attacked.

    Attributes:
        attack: one of ``ATTACKS``.
        ranks_without_shadows: whether shadows set only the attack's threshold; then AUC and TPR use
            Student t over pairs.
        costly: whether the attack is costly to fit; then each half of the pairs serves as shadows for the other,
            which takes P + 2 fits instead of P(P + 1)/2.
        median: whether it decides at the median of the shadows without a record.
    """

    attack: Attack
    ranks_without_shadows: bool = False
    costly: bool = False
    median: bool = False

    def scores(self, signals: Signals, shadows: Signals | None, masks: NDArray[np.bool_]) -> NDArray[np.float64]:
        """(..., M, N) of all models of a cohort, arguments as of ``cohort_scores``."""
        of_cohort = halved_scores if self.costly else cohort_scores
        return of_cohort(self.attack, signals, masks, shadows)

    def shadows(self, models: int) -> int:
        """How many models each target of a cohort is attacked with, at least."""
        return models // 4 * 2 if self.costly else models - 2


def setup_of(attack: str) -> Setup:
    """How a listed attack is run: its function, with what the catalogue says of it."""
    info = CATALOGUE[attack]
    return Setup(
        attack=ATTACKS[attack],
        ranks_without_shadows=info.ranks_without_shadows,
        costly=info.costly,
        median=info.median,
    )


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
    roc: RocCurve


@dataclass(frozen=True, kw_only=True)
class PairFigures:
    """What every interval of a cohort's leakage is made of.

    Columns: AUC, balanced accuracy, TPR at each low FPR, TPR at each point of the ROC curve.

    Attributes:
        alone: whether the attack ranks records without shadows, so that pairs are independent but for its threshold.
        scores: (K, M, N), K draws.
        by_pair: (P, columns) means over the pair's two targets and over draws.
        deleted: (P, columns) means over all other targets when pair p is neither target nor shadow.
    """

    alone: bool
    scores: NDArray[np.float64]
    by_pair: NDArray[np.float64]
    deleted: NDArray[np.float64]

    def interval(self, column: int, *, least: float, bottom: float = 0.0) -> Interval:
        """The interval of a column: the jackknife where shadows matter to it, else Student t over pairs."""
        by_pair, deleted = self.by_pair[:, column], self.deleted[:, column]
        if self.alone and column != BALANCED:
            return over_pairs(by_pair, least=least, bottom=bottom)
        return jackknife(float(by_pair.mean()), deleted, least=least, bottom=bottom)

    def minus(self, other: PairFigures) -> PairFigures:
        """Pair by pair, these figures minus others on the same masks; the scores stay these.

        Where only one of the two ranks without shadows, the difference is still one that shadows matter to.
        """
        return replace(
            self,
            alone=self.alone and other.alone,
            by_pair=self.by_pair - other.by_pair,
            deleted=self.deleted - other.deleted,
        )


def pair_figures(
    draws: Sequence[Signals],
    masks: NDArray[np.bool_],
    setup: Setup,
    shadows: Sequence[Signals] | None = None,
) -> PairFigures:
    """Leakage of a cohort of at least three pairs, pair by pair, averaged over draws.

    Args:
        draws: K signals of the same M models; draw k of the target is attacked with draw k of the shadows.
        masks: (M, N).
        setup: how it is attacked.
        shadows: the draws of another cohort on the same masks, if the shadows are not the cohort's own; used in
            turn where they are fewer than K.
    """
    helpers = [None if shadows is None else shadows[draw % len(shadows)] for draw in range(len(draws))]
    scores = np.stack([setup.scores(*both, masks) for both in zip(draws, helpers, strict=True)])
    measured = row_figures(scores, np.broadcast_to(masks, scores.shape))
    without = _without_each_pair_halved if setup.costly else _without_each_pair
    deleted = [without(setup, *each, masks) for each in zip(draws, helpers, measured, strict=True)]
    return PairFigures(
        alone=setup.ranks_without_shadows,
        scores=scores,
        by_pair=measured.mean(axis=0).reshape(len(masks) // 2, 2, -1).mean(axis=1),
        deleted=np.mean(deleted, axis=0),
    )


def leakage(figures: PairFigures, masks: NDArray[np.bool_], judged: NDArray[np.bool_] | None = None) -> Leakage:
    """Leakage of a cohort of at least three pairs; numbers were averaged over draws before intervals.

    Args:
        figures: of the cohort.
        masks: (M, N).
        judged: (M, N), the records that count; all where None.
    """
    counted = np.ones_like(masks) if judged is None else judged
    worth, members = one_record(masks, counted), float((masks & counted).sum(axis=1).mean())
    tprs = [
        at_least_binomial(figures.interval(FIRST_TPR + index, least=worth), members) for index in range(len(LOW_FPRS))
    ]
    rates = zip(LOW_FPRS, tprs, strict=True)
    low, high = band(
        figures.by_pair[:, CURVE:],
        None if figures.alone else figures.deleted[:, CURVE:],
        least=worth,
        trials=members,
    )
    return Leakage(
        scores=figures.scores,
        auc=figures.interval(AUC, least=worth),
        balanced_accuracy=figures.interval(BALANCED, least=worth),
        low_fpr=tuple(_low_fpr(fpr, tpr, figures.scores, masks, judged) for fpr, tpr in rates),
        roc=RocCurve(fpr=CURVE_FPR.copy(), tpr=figures.by_pair[:, CURVE:].mean(axis=0), low=low, high=high),
    )


def attackers(own: PairFigures, other: PairFigures, masks: NDArray[np.bool_]) -> Attackers:
    """The attacker with shadows of the target's own recipe and release beside the one with other shadows.

    Args:
        own: figures with the cohort's own shadows.
        other: figures of the same cohort and attack with the others.
        masks: (M, N).
    """
    worth = one_record(masks)
    return Attackers(
        adaptive=own.interval(AUC, least=worth),
        non_adaptive=other.interval(AUC, least=worth),
        difference=own.minus(other).interval(AUC, least=worth, bottom=-1.0),
    )


def one_record(masks: NDArray[np.bool_], counted: NDArray[np.bool_] | None = None) -> float:
    """What one record is worth in a rate: 1 / the mean number of members or non-members, whichever is smaller."""
    where = np.ones_like(masks) if counted is None else counted
    return 1 / min(float((side & where).sum(axis=1).mean()) for side in (masks, ~masks))


def blocks(
    scores: NDArray[np.float64], masks: NDArray[np.bool_], judged: NDArray[np.bool_] | None
) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """Scores (K, M, N) and masks of as many, cut to what is judged; one block where all records are."""
    if judged is None:
        return [(scores, np.broadcast_to(masks, scores.shape))]
    cut = [(scores[:, [row]][..., where], masks[row, where]) for row, where in enumerate(judged)]
    return [(part, np.broadcast_to(members, part.shape)) for part, members in cut]


def row_figures(
    scores: NDArray[np.float64], members: NDArray[np.bool_], *, undecided: float = 0.0
) -> NDArray[np.float64]:
    """(..., columns) of ``PairFigures``, for rows (..., N); ``undecided`` as of ``balanced_accuracy``."""
    swept = sweep(scores, members)
    tprs = [tpr_at_fpr(swept, fpr)[0] for fpr in LOW_FPRS]
    numbers = np.stack([auc(swept), balanced_accuracy(scores, members, undecided=undecided), *tprs], axis=-1)
    return np.concatenate([numbers, curve(swept)], axis=-1)


def _without_each_pair(
    setup: Setup,
    signals: Signals,
    shadows: Signals | None,
    own: NDArray[np.float64],
    masks: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """(P, columns): the mean of ``row_figures`` over targets when pair p is neither target nor shadow.

    Target p of the cohort without q has the same shadows as target q of the cohort without p, so one call of
    the attack on both pairs serves the two.

    An attack that decides at a median needs care where the pairs are even in number: without one, the median is
    halfway between two losses, and on which side of it the target's loss falls is a noise that all pairs together do
    not have. The jackknife, which asks that numbers without a pair be made as those with all, would multiply it
    by P − 1. So losses between the two are decided by a coin: the same attack where there is one middle loss.
    """
    pairs = len(masks) // 2
    coin = undecided(pairs - 2) if setup.median else 0.0
    totals = np.zeros((pairs, own.shape[-1]))
    for p, q in combinations(range(pairs), 2):
        rows = [2 * p, 2 * p + 1, 2 * q, 2 * q + 1]
        scores = scores_without((p, q), setup.attack, signals, masks, shadows)
        measured = row_figures(scores, masks[rows], undecided=coin)
        totals[q] += measured[:2].sum(axis=0)
        totals[p] += measured[2:].sum(axis=0)
    return totals / (2 * pairs - 2)


def _without_each_pair_halved(
    setup: Setup,
    signals: Signals,
    shadows: Signals | None,
    own: NDArray[np.float64],
    masks: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Likewise where each half attacks the other: without pair p its half has a target and a shadow less.

    The targets of p's own half have the shadows they had, so what they gave, ``own`` (M, columns), serves again.
    """
    deleted = []
    for mine, others in zip(halves(len(masks) // 2), reversed(halves(len(masks) // 2)), strict=True):
        for pair in mine:
            rest = [each for each in mine if each != pair]
            scores = scores_with(others, rest, setup.attack, signals, masks, shadows)
            measured = row_figures(scores, masks[models_of(others)])
            deleted.append(np.concatenate([measured, own[models_of(rest)]]).mean(axis=0))
    return np.array(deleted)


def _low_fpr(
    fpr: float,
    tpr: Interval,
    scores: NDArray[np.float64],
    masks: NDArray[np.bool_],
    judged: NDArray[np.bool_] | None,
) -> LowFprRate:
    """The rate together with what stands behind it."""
    outside = ~masks if judged is None else ~masks & judged
    achieved = [tpr_at_fpr(sweep(*block), fpr)[1].ravel() for block in blocks(scores, masks, judged)]
    return LowFprRate(
        asked_fpr=fpr,
        tpr=tpr,
        achieved_fpr=float(np.concatenate(achieved).mean()),
        expected_false_alarms=fpr * float(outside.sum()),
        non_members=int(outside.any(axis=0).sum()),
    )
