"""Does an attack do better than is proved possible? Then there is a bug, or an assumption does not hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.audits.ceilings import highest_tpr
from engine.audits.cohort import AuditedCohort
from engine.audits.rates import at_least, at_most
from engine.audits.values import Ceiling, Crossing
from engine.validate import number

BAND_LEVEL = 0.01

# FPRs of the band's thresholds on the rehearsal. More of them would widen the band, by Bonferroni.
_FPRS = (0.001, 0.003, 0.01, 0.03, 0.06, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9)


def crossing(cohort: AuditedCohort, ceiling: Ceiling, *, level: float = BAND_LEVEL) -> Crossing:
    """Whether the simultaneous one-sided lower band of any target's ROC goes above the ceiling.

    The band of a target has J points, at thresholds that are quantiles of the non-members' scores on other pairs. At
    each, FPR is bounded from above and TPR from below by Clopper–Pearson at level/(2JM), so by Bonferroni all bounds
    of all M targets hold at once with probability 1 − level, whatever the targets have to do with each other. Where
    they hold and the ceiling does, no point is above it. Records of a target are assumed independent; their rates
    may differ, for the mean of different rates obeys the ceiling (see ``ceilings``), and the sum over a random half
    of unequal Bernoulli variables has lighter tails than the binomial of their mean rate (Hoeffding 1956, 1963).

    Args:
        cohort: of ``audited_cohort``.
        ceiling: of the recipe.
        level: one minus the confidence of the band.

    Raises:
        InvalidValueError: when the level is outside (0, 1).
    """
    number("level", level, above=0, below=1)
    thresholds = np.repeat(
        [_thresholds(*cohort.elsewhere(pair)) for pair in range(len(cohort.masks) // 2)], 2, axis=0
    )
    each = level / (2 * thresholds.size)
    accused = cohort.scores[:, None, :] >= thresholds[:, :, None]
    member = cohort.masks[:, None, :]
    fpr = at_most((accused & ~member).sum(axis=-1), (~member).sum(axis=-1), each)
    tpr = at_least((accused & member).sum(axis=-1), member.sum(axis=-1), each)
    above = tpr - highest_tpr(ceiling, fpr)
    target, worst = np.unravel_index(int(above.argmax()), above.shape)
    excess = float(above[target, worst])
    return Crossing(
        crossed=excess > 0,
        level=level,
        target=int(target),
        fpr=fpr[target],
        tpr=tpr[target],
        excess=excess,
        sentence=_sentence(float(tpr[target, worst]), float(fpr[target, worst]), excess, ceiling, level),
    )


def _thresholds(scores: NDArray[np.float64], masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(J,) the scores (T, N) of other targets that these shares of their non-members reach."""
    falling = np.sort(scores[~masks])[::-1]
    return falling[(np.array(_FPRS) * falling.size).astype(np.int64)]


def _sentence(tpr: float, fpr: float, excess: float, ceiling: Ceiling, level: float) -> str:
    """What to make of the point that is highest over the ceiling."""
    if excess <= 0:
        return f"No target's {1 - level:.0%} band goes above the ceiling."
    fault = (
        "a bug or a broken assumption" if ceiling.proved else "the true Δ is larger than the measured one, or a bug"
    )
    return (
        f"At most {fpr:.1%} false alarms and at least {tpr:.1%} of the members found, where the ceiling is "
        f"{tpr - excess:.1%} ({1 - level:.0%} band over all targets and thresholds): {fault}."
    )
