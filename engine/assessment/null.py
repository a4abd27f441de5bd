"""The randomization test of "no leakage"."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.assessment.roc import auc, sweep
from engine.assessment.values import NullTest
from engine.attacks.attack import Attack
from engine.attacks.leave_pair_out import cohort_scores
from engine.seeds import generator
from engine.signals import Signals

_DRAWS = 999
_ELEMENTS_AT_ONCE = 300_000  # of (draws, models, records): arrays of 2.4 MB, which caches still hold


def no_leakage_test(
    attack: Attack, signals: Signals, masks: NDArray[np.bool_], *, ranks_without_shadows: bool, seed: int
) -> NullTest:
    """Exact test of "signals do not depend on masks": the signals stay, every pair's mask is drawn anew.

    Source: Fisher 1935. The statistic is the mean AUC over targets. Without leakage the actual masks are one more
    i.i.d. Bernoulli(½) draw, so P(p ≤ α) ≤ α for every number of records and models.

    Args:
        attack: one of ``ATTACKS``.
        signals: of the M models.
        masks: (M, N).
        ranks_without_shadows: whether the order of the attack's scores depends on no mask.
        seed: of the masks drawn anew.
    """
    fixed = cohort_scores(attack, signals, masks) if ranks_without_shadows else None
    statistics = np.concatenate(
        [
            auc(sweep(cohort_scores(attack, signals, drawn) if fixed is None else fixed, drawn)).mean(axis=-1)
            for drawn in _actual_and_drawn(masks, seed)
        ]
    )
    return NullTest(p_value=float((statistics >= statistics[0]).mean()), draws=_DRAWS)


def redrawn(shape: tuple[int, int, int], random: np.random.Generator) -> NDArray[np.bool_]:
    """Fresh masks of whole cohorts: (draws, M, N), a Bernoulli(½) draw and its complement for every pair."""
    draws, models, records = shape
    first = random.integers(0, 2, size=(draws, models // 2, records), dtype=np.bool_)
    return np.stack([first, ~first], axis=2).reshape(shape)


def _actual_and_drawn(masks: NDArray[np.bool_], seed: int) -> Iterator[NDArray[np.bool_]]:
    """Chunks of (draws, M, N) masks; the very first entry is the actual masks."""
    random = generator(seed, "no leakage")
    chunk = max(1, _ELEMENTS_AT_ONCE // masks.size)
    yield masks[None]
    for start in range(0, _DRAWS, chunk):
        yield redrawn((min(chunk, _DRAWS - start), *masks.shape), random)
