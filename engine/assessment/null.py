"""The randomization test of "no leakage"."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.assessment.leakage import Setup
from engine.assessment.roc import auc, auc_once, sweep
from engine.assessment.values import NullTest
from engine.attacks.attack import Attack
from engine.attacks.leave_pair_out import halved_scores, halves, models_of
from engine.attacks.likelihood_ratio import lira
from engine.attacks.paired import FEWEST_PAIRS, Fit, ranked_pairs
from engine.seeds import generator
from engine.signals import Signals, lazily_of_models

_DRAWS = 999
_DRAWS_AT_ONCE = 250  # whose masks are held: 16 MB at 64 models and 1,000 records
_MOST_PAIRS = 8  # that are fitted anew for every draw, which takes time with the square of their number
_ELEMENTS_AT_ONCE = 300_000  # of (draws, shadows, records): arrays of 2.4 MB, which caches still hold


def no_leakage_test(
    setup: Setup,
    signals: Signals,
    masks: NDArray[np.bool_],
    *,
    seed: int,
    shadows: Signals | None = None,
) -> NullTest:
    """Exact test of "signals do not depend on masks": the signals stay, every pair's mask is drawn anew.

    Source: Fisher 1935. The statistic is the mean AUC over targets. Without leakage the actual masks are one more
    i.i.d. Bernoulli(½) draw, so P(p ≤ α) ≤ α for every number of records and models. Where the attack is costly to
    fit or pairs are many, it is fitted on one half of the pairs with their actual masks, and only the masks of the
    other half are drawn anew, which is exact too; both ways, p = min(1, 2 · the smaller) by Bonferroni.

    Args:
        setup: how the cohort is attacked.
        signals: of the M models.
        masks: (M, N).
        seed: of the masks drawn anew.
        shadows: of M models trained on the same masks, if the shadows are not the cohort's own.
    """
    alone = setup.ranks_without_shadows
    if setup.costly or (not alone and len(masks) > 2 * _MOST_PAIRS):
        return _by_halves(halved_scores(setup.attack, signals, masks, shadows), masks, seed)
    fixed = setup.scores(signals, shadows, masks) if alone else None
    statistics = np.concatenate(
        [
            _mean_auc(fixed, drawn) if fixed is not None else _refitted(setup.attack, signals, shadows, drawn)
            for drawn in _actual_and_drawn(masks, generator(seed, "no leakage"))
        ]
    )
    return NullTest(p_value=float((statistics >= statistics[0]).mean()), draws=_DRAWS)


def redrawn(shape: tuple[int, int, int], random: np.random.Generator) -> NDArray[np.bool_]:
    """Fresh masks of whole cohorts: (draws, M, N), a Bernoulli(½) draw and its complement for every pair."""
    draws, models, records = shape
    first = random.integers(0, 2, size=(draws, models // 2, records), dtype=np.bool_)
    return np.stack([first, ~first], axis=2).reshape(shape)


def _refitted(
    attack: Attack, signals: Signals, shadows: Signals | None, drawn: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(draws,) the mean AUC where the attack is fitted to each of the masks (draws, M, N)."""
    draws, models, records = drawn.shape
    chunk = max(1, _ELEMENTS_AT_ONCE // (models * records))
    helpers = signals if shadows is None else shadows
    quick = attack is lira and models // 2 >= FEWEST_PAIRS
    fit = ranked_pairs(signals, helpers) if quick else _fitted_pairs(attack, signals, helpers)
    total = np.zeros(draws)
    for start in range(0, draws, chunk):
        part = drawn[start : start + chunk]
        for pair, scores in enumerate(fit(part)):
            total[start : start + chunk] += auc_once(scores, part[:, 2 * pair : 2 * pair + 2]).sum(axis=-1)
    return total / models


def _fitted_pairs(attack: Attack, signals: Signals, helpers: Signals) -> Fit:
    """Scores (draws, 2, N) of each pair by the attack itself."""
    pairs = range(len(signals.phi) // 2)
    rest = [models_of(each for each in pairs if each != pair) for pair in pairs]
    # Signals are cut once for all draws: at 64 models the copies take longer than the attack.
    cut = [(lazily_of_models(signals, models_of([pair])), lazily_of_models(helpers, rest[pair])) for pair in pairs]

    def fit(masks: NDArray[np.bool_]) -> Iterator[NDArray[np.float64]]:
        return (attack(*cut[pair], masks[:, rest[pair]]) for pair in pairs)

    return fit


def _by_halves(scores: NDArray[np.float64], masks: NDArray[np.bool_], seed: int) -> NullTest:
    """The test of scores (M, N) of which each half of the pairs was fitted on the other half alone."""
    p_values = []
    for half, pairs in enumerate(halves(len(masks) // 2)):
        rows = models_of(pairs)
        drawn = _actual_and_drawn(masks[rows], generator(seed, "no leakage", half))
        statistics = np.concatenate([_mean_auc(scores[rows], each) for each in drawn])
        p_values.append(float((statistics >= statistics[0]).mean()))
    return NullTest(p_value=min(1.0, 2 * min(p_values)), draws=_DRAWS, halves=True)


def _mean_auc(scores: NDArray[np.float64], drawn: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(draws,) the mean over targets of scores (M, N) that depend on none of the masks (draws, M, N)."""
    return auc(sweep(scores, drawn)).mean(axis=-1)


def _actual_and_drawn(masks: NDArray[np.bool_], random: np.random.Generator) -> Iterator[NDArray[np.bool_]]:
    """Chunks of (draws, M, N) masks; the very first entry is the actual masks."""
    yield masks[None]
    for start in range(0, _DRAWS, _DRAWS_AT_ONCE):
        yield redrawn((min(_DRAWS_AT_ONCE, _DRAWS - start), *masks.shape), random)
