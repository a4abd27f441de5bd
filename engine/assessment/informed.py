"""Leakage to attackers whose thresholds come from the target itself: known members, and the oracle.

Targets have no shadows in common, so every interval is Student t over pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.assessment.leakage import PairFigures, blocks, row_figures
from engine.assessment.null import redrawn
from engine.assessment.roc import auc, sweep
from engine.assessment.values import NullTest
from engine.attacks.informed import KnownMembers, Oracle
from engine.seeds import generator
from engine.signals import Signals

Informed = KnownMembers | Oracle

_DRAWS = 99  # each takes a fit for every target


def informed_figures(
    draws: Sequence[Signals], masks: NDArray[np.bool_], attacker: Informed
) -> tuple[PairFigures, NDArray[np.bool_]]:
    """Leakage of a cohort on the records that are judged, and which these are, (M, N).

    Args:
        draws: K signals of the same M models.
        masks: (M, N).
        attacker: who knows of the masks what his type says.
    """
    found = [attacker(signals, masks) for signals in draws]
    scores, judged = np.stack([each.scores for each in found]), found[0].judged
    rows = [row_figures(*block) for block in blocks(scores, masks, judged)]
    by_pair = np.concatenate(rows, axis=1).mean(axis=0).reshape(len(masks) // 2, 2, -1).mean(axis=1)
    without = (by_pair.sum(axis=0) - by_pair) / (len(by_pair) - 1)  # whose jackknife is Student t over pairs
    return PairFigures(alone=True, scores=scores, by_pair=by_pair, deleted=without), judged


def informed_test(signals: Signals, masks: NDArray[np.bool_], attacker: Informed, *, seed: int) -> NullTest:
    """Exact test of "signals do not depend on masks" with thresholds chosen anew for each draw of the masks.

    Thresholds that see what they are judged on make an AUC above ½ of no leakage at all; here they do so for the
    drawn masks, too, so that P(p ≤ α) ≤ α holds for the oracle as well.

    Args:
        signals: of the M models.
        masks: (M, N).
        attacker: whose mean AUC over targets, on what is judged, is the statistic.
        seed: of the masks drawn anew.
    """
    drawn = redrawn((_DRAWS, *masks.shape), generator(seed, "no leakage"))
    statistics = np.array([_mean_auc(attacker, signals, each) for each in (masks, *drawn)])
    return NullTest(p_value=float((statistics >= statistics[0]).mean()), draws=_DRAWS)


def _mean_auc(attacker: Informed, signals: Signals, masks: NDArray[np.bool_]) -> float:
    """The mean over targets of the AUC on what is judged."""
    found = attacker(signals, masks)
    rows = zip(found.scores, masks, found.judged, strict=True)
    return float(np.mean([auc(sweep(scores[where], members[where])) for scores, members, where in rows]))
