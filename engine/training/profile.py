"""What DP-SGD proves at every ε at once: the line P(E | in) ≤ e^ε P(E | out) + δ(ε) for each of many ε.

By the accountants of ``accounting``: PRV where its grid is fine, else RDP. PRV's privacy loss is that of a training
with the record against one without, a dominating pair, for which the lines hold at negative ε as well (Zhu, Dong &
Wang 2022).
All prove (ε, δ)-DP both ways, whose second half is the line of −ε: P(E | in) ≤ 1 − e^−ε (1 − δ − P(E | out)).
PRV gets both kinds, for its error of ε weighs on the first kind where FPR is near 1.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.audits.values import PrivacyProfile
from engine.recipe import Recipe
from engine.release.gaussian import delta_of, epsilon_of
from engine.training.accounting import steps_until
from engine.training.prv import PrivacyLoss, privacy_loss
from engine.training.renyi import epsilon_by_rdp

_LINES = 401
_DELTA = 1e-6  # for which PRV's grid is made; its error of δ is a thousandth of that
_SMALLEST = 1e-9  # δ at the largest ε
_RDP_DELTAS = np.logspace(math.log10(_SMALLEST), math.log10(0.5), 100)


def profile(recipe: Recipe, epoch: int | None = None) -> PrivacyProfile | None:
    """What is proved about one training by the recipe; None without DP-SGD or without noise.

    Args:
        recipe: how the models are trained.
        epoch: the epoch that is kept, from 1; None is the last.
    """
    if recipe.privacy is None or recipe.privacy.noise_multiplier == 0:
        return None
    return profile_of(recipe.privacy.noise_multiplier, recipe.sampling_rate, steps_until(recipe, epoch))


@lru_cache(maxsize=256)
def profile_of(noise_multiplier: float, sampling_rate: float, steps: int) -> PrivacyProfile:
    """What is proved about Poisson-sampled Gaussian steps.

    Args:
        noise_multiplier: σ, above 0.
        sampling_rate: q in (0, 1].
        steps: how many steps, at least 1.
    """
    if sampling_rate == 1:
        return _exact(noise_multiplier / math.sqrt(steps))
    loss = privacy_loss(noise_multiplier, sampling_rate, steps, _DELTA)
    if loss is not None and loss.fine:
        return _by_prv(loss, epsilon_by_rdp(noise_multiplier, sampling_rate, steps, _SMALLEST))
    epsilons = np.array([epsilon_by_rdp(noise_multiplier, sampling_rate, steps, delta) for delta in _RDP_DELTAS])
    return _both_ways(epsilons, _RDP_DELTAS, "RDP")


def _exact(sigma: float) -> PrivacyProfile:
    """One Gaussian mechanism of sensitivity 1."""
    epsilons = np.linspace(0.0, epsilon_of(_SMALLEST, sensitivity=1.0, sigma=sigma), _LINES)
    deltas = np.array([delta_of(float(epsilon), sensitivity=1.0, sigma=sigma) for epsilon in epsilons])
    return _both_ways(epsilons, deltas, "exact")


def _by_prv(loss: PrivacyLoss, reach: float) -> PrivacyProfile:
    """Lines at even steps of ε from −reach to reach; for those below 0 the better one of the two kinds."""
    epsilons = np.linspace(0.0, reach, _LINES)
    both = _both_ways(epsilons, loss.deltas(epsilons), "PRV")
    return replace(both, deltas=np.minimum(both.deltas, loss.deltas(both.epsilons)))


def _both_ways(epsilons: NDArray[np.float64], deltas: NDArray[np.float64], accountant: str) -> PrivacyProfile:
    """The lines of (ε, δ)-DP for ε ≥ 0, and those of its other half."""
    mirrored = 1 - np.exp(-epsilons) * (1 - deltas)
    lines = np.concatenate((-epsilons, epsilons)), np.concatenate((mirrored, deltas))
    order = np.argsort(lines[0], kind="stable")
    return PrivacyProfile(epsilons=lines[0][order], deltas=lines[1][order], accountant=accountant)
