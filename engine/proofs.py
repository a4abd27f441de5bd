"""What audits and the accountant say about a cohort: ε from below and above, and the ceiling of the ROC."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.assessment.values import Assessment
from engine.attacks import ATTACKS
from engine.attacks.catalogue import CATALOGUE
from engine.audits.audit import DELTA, audit
from engine.audits.ceilings import tightest_ceiling
from engine.audits.cohort import audited_cohort
from engine.audits.crossing import crossing
from engine.recipe import Recipe
from engine.release.values import Release
from engine.signals import Signals
from engine.training.profile import profile

MOST_PAIRS = 8
"""Larger cohorts are audited by halves, as costly attacks are: rehearsals for all pairs of pairs take too long."""


def with_proofs(
    assessment: Assessment,
    recipe: Recipe,
    release: Release,
    signals: Signals,
    masks: NDArray[np.bool_],
    shadows: Signals | None = None,
) -> Assessment:
    """The assessment with lower bounds of ε, the ceiling, and whether the attack crosses it.

    What is done to weights and answers after training cannot weaken what DP-SGD proves, so one ceiling serves every
    release of an epoch.

    Args:
        assessment: without them.
        recipe: of the cohort.
        release: what its owner publishes.
        signals: of the M models, one draw.
        masks: (M, N), rows 2p and 2p + 1 complementary; at least four pairs.
        shadows: of M models trained on the same masks, if not those of the cohort.
    """
    attack, claim = assessment.headline.attack, assessment.headline.claim
    halves = CATALOGUE[attack].costly or len(masks) > 2 * MOST_PAIRS
    cohort = audited_cohort(ATTACKS[attack], signals, masks, shadows, costly=halves)
    proved = profile(recipe, release.epoch)
    ceilings = () if proved is None else (tightest_ceiling(proved),)
    return replace(
        assessment,
        audits=audit(cohort, delta=claim.delta if claim else DELTA),
        ceilings=ceilings,
        crossing=crossing(cohort, ceilings[0]) if ceilings else None,
    )
