"""The risk of each record and of groups of records, who is at the highest risk, and whether posteriors come true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from engine.assessment.intervals import of_means, reach
from engine.assessment.values import GroupRisk, PrecisionRecall, RecordRisk, Reliability, Riskiest
from engine.attacks.attack import Attack
from engine.attacks.leave_pair_out import cohort_scores, halves, models_of, scores_without
from engine.signals import Signals
from engine.validate import number

_BINS = 10
_THRESHOLDS = 101
_HALVINGS = 20
_NAMED = 24  # records that are shown one by one


@dataclass(frozen=True, kw_only=True)
class PairRisk:
    """Posteriors by pair: of two complementary models exactly one trained on each record.

    Attributes:
        posterior: (K, M, N) at the prior that was asked for, ½ unless said otherwise.
        member: (P, N) of the model of each pair that trained on the record, mean over draws.
        non_member: (P, N) of the model that did not.
        deleted: (P, N) the mean of ``member`` over all other pairs when pair p is no shadow either, at p's slope.
    """

    posterior: NDArray[np.float64]
    member: NDArray[np.float64]
    non_member: NDArray[np.float64]
    deleted: NDArray[np.float64]


def pair_risk(draws: Sequence[Signals], masks: NDArray[np.bool_], attack: Attack, *, prior: float = 0.5) -> PairRisk:
    """Posteriors of a cohort of at least three pairs: 1 / (1 + e^(−b · log likelihood ratio)), 0 ≤ b ≤ 1.

    At another prior π than ½, log(π / (1 − π)) is added to every b · log likelihood ratio before any mean.

    Trained models are not LiRA's normal distributions, and its ratios can be too sure of themselves: their surest
    claims are then true less often than they say; with b the gap is smaller. The slope b of pair p is the one at
    which the ratios of all other pairs, attacked without p among the shadows, have the smallest log-loss (Platt 1999,
    without an intercept, for masks are fair coins). The masks and models of p play no part in it. It never makes a
    ratio surer, which with tails heavier than normal would push the surest claims farther from the truth.

    Args:
        draws: K signals of the same M models.
        masks: (M, N).
        attack: one whose scores are log likelihood ratios, such as ``lira``.
        prior: π, the share of members among those asked about, in (0, 1).

    Raises:
        InvalidValueError: for a prior outside (0, 1).
    """
    odds = logit(number("prior", prior, above=0, below=1))
    ratios = np.stack([cohort_scores(attack, signals, masks) for signals in draws])
    without = np.stack([_without_each_pair(attack, signals, masks) for signals in draws])
    slopes = np.array([_slope(without[:, pair], masks) for pair in range(len(masks) // 2)])
    posterior = expit(np.repeat(slopes, 2)[:, None] * ratios + odds)
    mean = posterior.mean(axis=0)
    deleted = [
        of_members(expit(slope * without[:, pair] + odds).mean(axis=0), masks) for pair, slope in enumerate(slopes)
    ]
    return PairRisk(
        posterior=posterior,
        member=of_members(mean, masks),
        non_member=of_members(mean, ~masks),
        deleted=np.array([np.delete(each, pair, axis=0).mean(axis=0) for pair, each in enumerate(deleted)]),
    )


def record_risk(pairs: PairRisk) -> RecordRisk:
    """Mean posterior over the targets with, and over the targets without, each record.

    Intervals are those of ``of_means``, from the delete-one-pair jackknife.
    """
    member = pairs.member.mean(axis=0)
    low, high = of_means(member, pairs.deleted)
    return RecordRisk(member=member, non_member=pairs.non_member.mean(axis=0), low=low, high=high)


def group_risk(pairs: PairRisk, groups: NDArray[np.integer], *, by: str) -> GroupRisk:
    """Mean risk of the records of each group, with the jackknife interval of that mean.

    Args:
        pairs: of the cohort.
        groups: (N,) the group of each record.
        by: what the groups are.
    """
    numbers, counts, within = grouped(groups)
    risk, half = within @ pairs.member.mean(axis=0), reach(pairs.deleted @ within.T)
    return GroupRisk(
        by=by,
        group=numbers.astype(np.int64),
        records=counts,
        risk=risk,
        low=np.maximum(risk - half, 0.0),
        high=np.minimum(risk + half, 1.0),
    )


def grouped(groups: NDArray[np.integer]) -> tuple[NDArray[np.integer], NDArray[np.intp], NDArray[np.float64]]:
    """The numbers of the G groups, how many records each has, and (G, N) weights that take the mean of each."""
    numbers, index, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return numbers, counts, (index == np.arange(numbers.size)[:, None]) / counts[:, None]


def riskiest(pairs: PairRisk, *, named: int = _NAMED) -> Riskiest:
    """The records with the highest risk over the targets of the first half of the pairs.

    What is reported comes from the targets of the second half. They had no say in the choice but as shadows, which
    leaves little of its favour: with 8 pairs, in a simulation, less than a quarter of what the first half reports too
    much (``tests/test_risk.py``). The interval is that of ``of_means`` over those pairs.

    Args:
        pairs: of a cohort of at least four pairs.
        named: R, how many.
    """
    first, second = halves(len(pairs.member))
    chosen_by = pairs.member[first.start : first.stop].mean(axis=0)
    record = np.argsort(-chosen_by, kind="stable")[:named]
    member = pairs.member[second.start : second.stop, record]
    low, high = of_means(member.mean(axis=0), member, independent=True)
    return Riskiest(
        record=record.astype(np.int64),
        chosen=chosen_by[record],
        member=member.mean(axis=0),
        non_member=pairs.non_member[second.start : second.stop, record].mean(axis=0),
        low=low,
        high=high,
    )


def reliability(posterior: NDArray[np.float64], masks: NDArray[np.bool_]) -> Reliability:
    """Posteriors in ten equal bins against the share of members in each.

    Args:
        posterior: (K, M, N) at prior ½.
        masks: (M, N).
    """
    edges = np.linspace(0.0, 1.0, _BINS + 1)
    bins = np.minimum((posterior * _BINS).astype(np.int64), _BINS - 1).ravel()
    members = np.broadcast_to(masks, posterior.shape).ravel()
    counts = np.bincount(bins, minlength=_BINS)
    present = np.where(counts > 0, counts, np.nan)
    return Reliability(
        edges=edges,
        counts=counts,
        claimed=np.bincount(bins, weights=posterior.ravel(), minlength=_BINS) / present,
        observed=np.bincount(bins, weights=members, minlength=_BINS) / present,
    )


def precision_recall(posterior: NDArray[np.float64], masks: NDArray[np.bool_]) -> PrecisionRecall:
    """Precision and recall of calling every record with a posterior of at least t a member.

    Source: Song & Mittal 2021, section 4.2.

    Args:
        posterior: (K, M, N) at prior ½.
        masks: (M, N).
    """
    threshold = np.linspace(0.0, 1.0, _THRESHOLDS)
    members = np.broadcast_to(masks, posterior.shape)
    found, blamed = (_at_least(posterior[which], threshold) for which in (members, ~members))
    called = found + blamed
    return PrecisionRecall(
        threshold=threshold,
        precision=found / np.where(called > 0, called, np.nan),
        recall=found / members.sum(),
    )


def at_prior(posterior: NDArray[np.float64], *, prior: float) -> NDArray[np.float64]:
    """Posteriors at another prior, from posteriors at prior ½: the odds are multiplied by π / (1 − π).

    For single targets and records; a mean of posteriors does not move like this.

    Args:
        posterior: any shape, in [0, 1].
        prior: π, the share of members among those asked about, in (0, 1).

    Raises:
        InvalidValueError: for a prior outside (0, 1).
    """
    number("prior", prior, above=0, below=1)
    return prior * posterior / (prior * posterior + (1 - prior) * (1 - posterior))


def _at_least(values: NDArray[np.float64], thresholds: NDArray[np.float64]) -> NDArray[np.intp]:
    """How many of the values are at least each threshold."""
    return values.size - np.searchsorted(np.sort(values), thresholds, side="left")


def of_members(values: NDArray[np.float64], masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(P, N) of values (M, N): that of the model of each pair whose mask is set."""
    return np.where(masks[::2], values[::2], values[1::2])


def _without_each_pair(attack: Attack, signals: Signals, masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(P, M, N): the scores of all other models when pair p is no shadow; 0 for pair p itself."""
    pairs = len(masks) // 2
    scores = np.zeros((pairs, *masks.shape))
    for p, q in combinations(range(pairs), 2):
        both = scores_without((p, q), attack, signals, masks)
        scores[q, models_of((p,))], scores[p, models_of((q,))] = both[:2], both[2:]
    return scores


def _slope(ratios: NDArray[np.float64], masks: NDArray[np.bool_]) -> float:
    """The b in [0, 1] with the smallest log-loss Σ log(1 + e^(−b · margin)); ratios that are 0 have no say.

    The margin of a member is its ratio, that of a non-member minus its ratio. The derivative rises with b, so its
    root is found by halving.
    """
    margins = np.where(masks, ratios, -ratios)
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if (margins * expit(-middle * margins)).sum() > 0:  # minus the derivative
            low = middle
        else:
            high = middle
    return (low + high) / 2
