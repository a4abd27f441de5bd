"""Lower bounds on ε from a cohort's scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.audits.choice import best_counts, best_threshold, outcome
from engine.audits.cohort import AuditedCohort
from engine.audits.one_run import one_run_epsilon, one_run_roughly
from engine.audits.rates import at_most, clopper_pearson_epsilon, gaussian_dp_epsilon, gaussian_dp_mu
from engine.audits.values import BoundName, Guesses, LowerBound
from engine.validate import number

DELTA = 1e-5
LEVEL = 0.05


@dataclass(frozen=True, kw_only=True)
class TargetBound:
    """The bound of one target, and how the guesses about it came out."""

    epsilon: float
    guesses: Guesses


def audit(cohort: AuditedCohort, *, delta: float = DELTA, level: float = LEVEL) -> tuple[LowerBound, ...]:
    """One bound of each kind: one-run, Clopper–Pearson, Gaussian DP.

    Each target is bounded at half the level and the cohort shows the median (of an even number, the lower of the two
    in the middle). Should the median lie above the true ε, then so do at least half of the targets' bounds; each does
    with probability at most level/2, and by Markov's inequality at least half of them do with probability at most
    level, whatever the targets have to do with each other. The largest bound or counts pooled over targets, which
    share shadows and complementary masks, would hold at no such level.

    Args:
        cohort: scores, masks and rehearsals, of ``audited_cohort``.
        delta: δ of the statements.
        level: the probability, at most, that a bound lies above the true ε.

    Raises:
        InvalidValueError: when δ or the level is outside (0, 1).
    """
    number("δ", delta, above=0, below=1)
    number("level", level, above=0, below=1)
    targets, records = cohort.masks.shape
    bounds = target_bounds(cohort, delta=delta, level=level / 2)
    medians: dict[BoundName, TargetBound] = {name: _middle(of_targets) for name, of_targets in bounds.items()}
    return tuple(
        LowerBound(
            name=name,
            epsilon=median.epsilon,
            delta=delta,
            level=level,
            guesses=median.guesses,
            records=records,
            targets=targets,
        )
        for name, median in medians.items()
    )


def target_bounds(cohort: AuditedCohort, *, delta: float, level: float) -> dict[BoundName, tuple[TargetBound, ...]]:
    """The M bounds of each kind; each alone lies above the true ε with probability at most ``level``."""

    def exact(fpr: NDArray[np.float64], fnr: NDArray[np.float64]) -> NDArray[np.float64]:
        return clopper_pearson_epsilon(fpr, fnr, delta)

    def of_mu(mu: float) -> float:
        return gaussian_dp_epsilon(mu, delta)

    return {
        "one-run": _one_run(cohort, delta, level),
        "Clopper–Pearson": _by_rates(cohort, level, worth=exact, epsilon=float),
        "Gaussian DP": _by_rates(cohort, level, worth=gaussian_dp_mu, epsilon=of_mu),
    }


def _middle(bounds: Sequence[TargetBound]) -> TargetBound:
    """The median; of an even number, the lower of the two in the middle."""
    return sorted(bounds, key=lambda bound: bound.epsilon)[(len(bounds) - 1) // 2]


def _one_run(cohort: AuditedCohort, delta: float, level: float) -> tuple[TargetBound, ...]:
    """The k₊ highest scores are called members, the k₋ lowest non-members; the rest abstain."""
    records = cohort.masks.shape[1]

    def worth(guesses: NDArray[np.float64], correct: NDArray[np.float64]) -> NDArray[np.float64]:
        return one_run_roughly(records=records, guesses=guesses, correct=correct, delta=delta, level=level)

    chosen = [best_counts(*cohort.elsewhere(pair), worth) for pair in range(len(cohort.masks) // 2)]

    def bound(target: int) -> TargetBound:
        guesses = chosen[target // 2].guesses(cohort.scores[target], cohort.masks[target])
        made, correct = guesses.made, guesses.correct
        epsilon = one_run_epsilon(records=records, guesses=made, correct=correct, delta=delta, level=level)
        return TargetBound(epsilon=epsilon, guesses=guesses)

    return tuple(bound(target) for target in range(len(cohort.masks)))


def _by_rates(
    cohort: AuditedCohort,
    level: float,
    *,
    worth: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
    epsilon: Callable[[float], float],
) -> tuple[TargetBound, ...]:
    """Bounds from the two error rates at one threshold, each error bounded at half of the level.

    Args:
        cohort: as of ``audit``.
        level: of one target.
        worth: from upper bounds of FPR and FNR to what the threshold is to make large.
        epsilon: from that to ε.
    """

    def of_counts(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        true_positives, false_positives, true_negatives, false_negatives = counts
        return worth(
            at_most(false_positives, false_positives + true_negatives, level / 2),
            at_most(false_negatives, true_positives + false_negatives, level / 2),
        )

    chosen = [best_threshold(*cohort.elsewhere(pair), of_counts) for pair in range(len(cohort.masks) // 2)]

    def bound(target: int) -> TargetBound:
        accused = cohort.scores[target] >= chosen[target // 2]
        guesses = outcome(accused, ~accused, cohort.masks[target])
        return TargetBound(epsilon=epsilon(float(of_counts(np.array(guesses.counts)))), guesses=guesses)

    return tuple(bound(target) for target in range(len(cohort.masks)))
