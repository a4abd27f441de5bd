"""Is one setting really better than another? Paired differences of two cohorts trained on the same masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.assessment.assess import accuracy
from engine.assessment.intervals import over_pairs
from engine.assessment.leakage import AUC, FIRST_TPR, leakage, one_record, pair_figures, setup_of
from engine.assessment.looks import Look, more_waves, verdict_of
from engine.assessment.ranks import rank_correlation
from engine.assessment.values import Comparison, Interval
from engine.attacks import ATTACKS
from engine.attacks.leave_pair_out import halves, models_of
from engine.recipe import PAIRS_PER_WAVE
from engine.signals import Signals
from engine.validate import InvalidValueError, choice, whole

_SMALLEST_HALF = 3  # pairs: the jackknife leaves one out, and the pair under attack needs another as shadows


@dataclass(frozen=True, kw_only=True)
class AttackComparison:
    """Two attacks on one cohort.

    Attributes:
        first: AUC of the first attack, with its 95 % interval.
        second: likewise of the second.
        difference: second minus first, in [−1, 1]; positive means that the second finds more.
    """

    first: Interval
    second: Interval
    difference: Interval


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """The setting that leaked least among those accurate enough, chosen on one half of the pairs.

    Attributes:
        name: of the setting.
        chosen_auc: the AUC that made it the choice; too low on average, because it was the lowest.
        auc: measured on the other half, which had no part in the choice.
        test_accuracy: likewise.
        pairs: in the half that reports.
    """

    name: str
    chosen_auc: float
    auc: Interval
    test_accuracy: Interval
    pairs: int


def compare(first: Sequence[Signals], second: Sequence[Signals], masks: NDArray[np.bool_], attack: str) -> Comparison:
    """Paired comparison of two cohorts.

    Masks are common random numbers: pair p of both cohorts was trained on the same records, so what the choice of
    records does to both cancels in their difference. Accuracies use Student t over pairs of the pair's difference;
    the leakage of attacks with shadows uses the delete-one-pair jackknife of the difference, the pair left out on
    both sides. The p-value is that of the same t, so it is below 5 % where the interval excludes 0.

    Args:
        first: the signals of the first cohort, one for each of its draws.
        second: likewise of the second; the number of draws may differ.
        masks: (M, N) of both.
        attack: a key of ``ATTACKS``.

    Raises:
        InvalidValueError: for an unknown attack or cohorts of different shape.
    """
    choice("attack", attack, ATTACKS)
    for signals in (*first, *second):
        if signals.phi.shape != masks.shape:
            raise InvalidValueError(f"signals must have shape {masks.shape}, got {signals.phi.shape}")
    one, two = (pair_figures(draws, masks, setup_of(attack)) for draws in (first, second))
    difference, worth = two.minus(one), one_record(masks)
    auc = difference.interval(AUC, least=worth, bottom=-1.0)
    now = _look(auc, len(masks) // 2)
    verdict = verdict_of(_looks(first, second, masks, attack, now))
    return Comparison(
        train_accuracy=_accuracy_difference(first, second, masks),
        test_accuracy=_accuracy_difference(first, second, ~masks),
        auc=auc,
        tpr=difference.interval(FIRST_TPR, least=worth, bottom=-1.0),
        loss_rank=loss_rank_correlation(first[0], second[0], masks),
        pairs=now.pairs,
        p_value=now.p_value,
        verdict=verdict,
        more_waves=0 if verdict != "cannot tell yet" else more_waves(now),
    )


def compare_attacks(draws: Sequence[Signals], masks: NDArray[np.bool_], first: str, second: str) -> AttackComparison:
    """Two attacks on the same models, pair by pair: what the choice of records does to both cancels.

    The difference uses the delete-one-pair jackknife, the pair left out of both attacks, unless neither ranks by
    shadows.

    Args:
        draws: of the cohort, with the signals that both attacks read.
        masks: (M, N).
        first: a key of ``ATTACKS``.
        second: likewise.

    Raises:
        InvalidValueError: for an unknown attack.
    """
    one, two = (pair_figures(draws, masks, setup_of(choice("attack", name, ATTACKS))) for name in (first, second))
    worth = one_record(masks)
    return AttackComparison(
        first=one.interval(AUC, least=worth),
        second=two.interval(AUC, least=worth),
        difference=two.minus(one).interval(AUC, least=worth, bottom=-1.0),
    )


def loss_rank_correlation(first: Signals, second: Signals, masks: NDArray[np.bool_]) -> Interval:
    """Spearman's ρ between the losses of two models with the same members on those members, Student t over pairs.

    Source: Kaya & Dumitraș 2021, section 6, with the loss on the scale of φ, which has no ties where it is small.
    """
    rho = [
        float(rank_correlation(one[members], two[members]))
        for one, two, members in zip(first.phi, second.phi, masks, strict=True)
    ]
    return over_pairs(np.reshape(rho, (-1, 2)).mean(axis=1), least=one_record(masks), bottom=-1.0)


def recommended(
    settings: Mapping[str, Sequence[Signals]], masks: NDArray[np.bool_], attack: str, *, least_accuracy: float
) -> Recommendation | None:
    """The setting with the lowest AUC among those with enough test accuracy, honestly reported.

    Each half of the pairs is a cohort of its own: the choice is made on the first, the report comes from the second.
    None where no setting was accurate enough.

    Args:
        settings: the draws of each cohort by name, all on the same masks.
        masks: (M, N) of all.
        attack: a key of ``ATTACKS``.
        least_accuracy: in [0, 1].

    Raises:
        InvalidValueError: for an unknown attack or fewer than six pairs.
    """
    choice("attack", attack, ATTACKS)
    whole("pairs of a cohort", len(masks) // 2, at_least=2 * _SMALLEST_HALF)
    first, second = (models_of(half) for half in halves(len(masks) // 2))
    aucs: dict[str, float] = {}
    for name, draws in settings.items():
        part = [each.of_models(first) for each in draws]
        if accuracy(part, ~masks[first]).estimate >= least_accuracy:
            aucs[name] = float(pair_figures(part, masks[first], setup_of(attack)).by_pair[:, AUC].mean())
    if not aucs:
        return None
    best = min(aucs, key=lambda name: (aucs[name], name))
    report = [each.of_models(second) for each in settings[best]]
    return Recommendation(
        name=best,
        chosen_auc=aucs[best],
        auc=leakage(pair_figures(report, masks[second], setup_of(attack)), masks[second]).auc,
        test_accuracy=accuracy(report, ~masks[second]),
        pairs=second.size // 2,
    )


def _looks(
    first: Sequence[Signals], second: Sequence[Signals], masks: NDArray[np.bool_], attack: str, now: Look
) -> list[Look]:
    """The looks at 1, 2, 4, … waves of the cohort, in order; ``now`` is the one at all pairs."""
    looks, pairs = [], PAIRS_PER_WAVE
    while pairs <= now.pairs:
        looks.append(now if pairs == now.pairs else _look(_begun(first, second, masks, attack, pairs), pairs))
        pairs *= 2
    return looks


def _begun(
    first: Sequence[Signals], second: Sequence[Signals], masks: NDArray[np.bool_], attack: str, pairs: int
) -> Interval:
    """The difference of the AUCs on the first pairs of the cohorts."""
    part, mask = slice(0, 2 * pairs), masks[: 2 * pairs]
    one, two = (
        pair_figures([each.of_models(part) for each in draws], mask, setup_of(attack)) for draws in (first, second)
    )
    return two.minus(one).interval(AUC, least=one_record(mask), bottom=-1.0)


def _look(difference: Interval, pairs: int) -> Look:
    return Look(difference=difference.estimate, half_width=_half_width(difference), pairs=pairs)


def _half_width(interval: Interval) -> float:
    """Of an interval of which one end may have been cut off."""
    return max(interval.estimate - interval.low, interval.high - interval.estimate)


def _accuracy_difference(first: Sequence[Signals], second: Sequence[Signals], chosen: NDArray[np.bool_]) -> Interval:
    """Difference of the accuracies on the chosen records (M, N), Student t over pairs."""
    one, two = (np.mean([signals.correct for signals in draws], axis=0) for draws in (first, second))
    counts = chosen.sum(axis=1)
    by_model = ((two - one) * chosen).sum(axis=1) / counts
    return over_pairs(by_model.reshape(-1, 2).mean(axis=1), least=1 / float(counts.mean()), bottom=-1.0)
