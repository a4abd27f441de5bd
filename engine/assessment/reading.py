"""What a screen works out from an assessment while a threshold or a prior moves: NumPy alone, in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.assessment.values import Answers
from engine.validate import number


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What a threshold finds, mean over targets.

    Attributes:
        tpr: share of the members that are accused.
        fpr: share of the non-members that are accused.
        ppv: share of members among the accused, at the prior that was asked for; None where nobody is accused.
    """

    tpr: float
    fpr: float
    ppv: float | None


def rates_at(answers: Answers, threshold: float, *, prior: float = 0.5) -> Rates:
    """TPR, FPR and PPV when a record is accused at scores of at least the threshold.

    Args:
        answers: of the assessment.
        threshold: on the scale of the scores; the attack's own is 0.
        prior: share of members among those whom an attacker asks about, in (0, 1).
    """
    accused, masks = answers.scores >= threshold, answers.masks
    tpr = float(((accused & masks).sum(axis=1) / masks.sum(axis=1)).mean())
    fpr = float(((accused & ~masks).sum(axis=1) / (~masks).sum(axis=1)).mean())
    return Rates(tpr=tpr, fpr=fpr, ppv=ppv(tpr, fpr, prior=prior))


def ppv(tpr: float, fpr: float, *, prior: float) -> float | None:
    """Positive predictive value: the share of members among the accused; None where nobody is accused.

    Source: Jayaraman et al. 2021, section 3.3: π·TPR / (π·TPR + (1 − π)·FPR).

    Args:
        tpr: in [0, 1].
        fpr: in [0, 1].
        prior: π, in (0, 1).

    Raises:
        InvalidValueError: for a prior outside (0, 1).
    """
    number("prior", prior, above=0, below=1)
    found, blamed = prior * tpr, (1 - prior) * fpr
    return found / (found + blamed) if found + blamed > 0 else None


def at_prior(posterior: NDArray[np.float64], *, prior: float) -> NDArray[np.float64]:
    """Posteriors at another prior, from posteriors at prior ½: the odds are multiplied by π / (1 − π).

    For single targets and records; a mean of posteriors does not move like this.

    Args:
        posterior: any shape, in [0, 1].
        prior: π, in (0, 1).

    Raises:
        InvalidValueError: for a prior outside (0, 1).
    """
    number("prior", prior, above=0, below=1)
    return prior * posterior / (prior * posterior + (1 - prior) * (1 - posterior))
