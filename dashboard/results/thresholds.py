"""What a movable threshold finds: rates at every stop of a slider, counted once so that the browser only looks up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard.results.scales import BINS, ScoreAxis, score_axis
from engine.assessment.values import CLAIMABLE_FALSE_ALARMS, Answers, Assessment, ScoreHistogram

STOPS = 4 * BINS
"""Steps of the slider between the ends of the histogram."""

PRIORS = (0.5, 0.1, 0.01, 0.001)
"""Shares of members among those asked about, for which the slider tells how many accusations are right."""


@dataclass(frozen=True, kw_only=True)
class Cuts:
    """What is accused at each of T thresholds, pooled over targets; a score at the threshold is accused.

    Attributes:
        axis: on which the thresholds stand.
        threshold: (T,) increasing.
        found: (T,) members at or above it.
        alarms: (T,) non-members at or above it.
        members: all members, each counted once for each target that trained on it.
        non_members: all non-members, likewise.
    """

    axis: ScoreAxis
    threshold: NDArray[np.float64]
    found: NDArray[np.int64]
    alarms: NDArray[np.int64]
    members: int
    non_members: int

    @property
    def tpr(self) -> NDArray[np.float64]:
        """(T,) share of the members at or above each threshold."""
        return self.found / max(1, self.members)

    @property
    def fpr(self) -> NDArray[np.float64]:
        """(T,) share of the non-members at or above each threshold."""
        return self.alarms / max(1, self.non_members)

    @property
    def claimable(self) -> NDArray[np.bool_]:
        """(T,) whether enough false alarms were counted for a statement about accusations."""
        return self.alarms >= CLAIMABLE_FALSE_ALARMS


def cuts(found: Assessment) -> Cuts:
    """The rates at the stops of the slider; in assessments without single scores, at the histogram's inner edges."""
    if found.answers is None:
        return _at_edges(found.histogram)
    return _at(score_axis(found.answers.scores), found.answers)


def _at(axis: ScoreAxis, answers: Answers) -> Cuts:
    """Counts from the scores themselves."""
    stops = axis.steps(STOPS)
    sides = (np.sort(answers.scores[answers.masks]), np.sort(answers.scores[~answers.masks]))
    found, alarms = (side.size - np.searchsorted(side, stops, side="left") for side in sides)
    members, non_members = (side.size for side in sides)
    return Cuts(axis=axis, threshold=stops, found=found, alarms=alarms, members=members, non_members=non_members)


def _at_edges(bins: ScoreHistogram) -> Cuts:
    """Counts from a histogram; its outermost edges say nothing, for the outer bins hold everything beyond."""
    above = [np.cumsum(counts[::-1])[::-1][1:] for counts in (bins.members, bins.non_members)]
    return Cuts(
        axis=ScoreAxis(low=float(bins.edges[0]), high=float(bins.edges[-1]), unit=None),
        threshold=bins.edges[1:-1],
        found=above[0],
        alarms=above[1],
        members=int(bins.members.sum()),
        non_members=int(bins.non_members.sum()),
    )


def ppv(tpr: float, fpr: float, prior: float) -> float | None:
    """πt / (πt + (1 − π)f), the share of accusations that are right (Jayaraman et al. 2021, at a prior π).

    Args:
        tpr: t in [0, 1].
        fpr: f in [0, 1].
        prior: π in (0, 1), the share of members among those asked about.

    Returns:
        None where nobody is accused.
    """
    right, wrong = prior * tpr, (1 - prior) * fpr
    return right / (right + wrong) if right + wrong > 0 else None


def for_browser(made: Cuts) -> dict[str, Any]:
    """The stops as the slider's script reads them."""
    rates = list(zip(made.tpr.tolist(), made.fpr.tolist(), strict=True))
    return {
        "at": made.axis.place(made.threshold).round(6).tolist(),
        "score": made.threshold.round(6).tolist(),
        "tpr": made.tpr.round(6).tolist(),
        "fpr": made.fpr.round(6).tolist(),
        "claimable": made.claimable.tolist(),
        "right": {f"{prior:g}": [_rounded(ppv(t, f, prior)) for t, f in rates] for prior in PRIORS},
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
