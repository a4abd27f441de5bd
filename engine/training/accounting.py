"""What DP-SGD proves: ε of a recipe, and the noise for a wanted ε.

Neighbouring data sets differ in one record, added or removed; batches are Poisson samples at the recipe's own
rate, and the accountant is told that same rate. Which accountant speaks is decided by (σ, q, steps, δ) alone:

- "exact": q = 1, where all steps together are one Gaussian mechanism with noise σ/√steps;
- "PRV": Opacus's privacy random variables (Gopi, Lee & Wutschitz 2021), and beyond some 100,000 steps as close as its
  largest grid allows;
- "RDP": Opacus's Rényi accountant where it proves less than PRV, whose bound holds the error of its grid, and where
  PRV does not reach: an ε in the hundreds, whose e^ε would leave the range of doubles; a δ below 1e-10, which its
  Fourier transform cannot resolve; where PRV itself reports an error; or very many steps at a tiny rate, whose
  rounded means move its grid below what it has to hold.

Every accountant states an upper bound at the same δ, so the smaller one is a bound, too. How close it is depends on
who speaks (``tests/test_accounting.py``): "exact" and PRV are within 2 % or .02 of an independent accountant, up to
those 100,000 steps; RDP is an upper bound only, in those tests up to 15 % above where it speaks, and by far more for
few steps or a tiny rate. ε falls with σ without a jump, except at a σ from which on PRV reaches.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from engine.assessment.values import PrivacyClaim
from engine.recipe import LEAST_NOISE, Recipe
from engine.release.gaussian import delta, epsilon_of
from engine.training.prv import privacy_loss
from engine.training.renyi import epsilon_by_rdp
from engine.validate import InvalidValueError, number, whole

RELATION = "add or remove one record, Poisson sampling"
MOST_NOISE = 1000.0
MOST_EPSILON = 300.0

_CLOSE = 0.01  # of a wanted ε, relative
_STEEP, _NOTHING = 1e-3, 1e-8  # of ln σ: a step in which ε rarely falls by more than that, and one that is no step

# Noise multipliers from which the search for a wanted ε starts: at 1, away from where accounting is slow.
_RUNGS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, MOST_NOISE)


@dataclass(frozen=True, kw_only=True)
class Spent:
    """An ε and who says so.

    Attributes:
        epsilon: an upper bound of the true ε.
        accountant: "PRV" or "exact", which are within 2 % or .02 up to some 100,000 steps; or "RDP", an upper bound
            only.
    """

    epsilon: float
    accountant: str


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """The noise for a wanted ε.

    Attributes:
        noise_multiplier: σ.
        spent: what σ proves, at most the wanted ε.
    """

    noise_multiplier: float
    spent: Spent


def claim(recipe: Recipe, epoch: int | None = None) -> PrivacyClaim | None:
    """What is proved about one training by the recipe; None without DP-SGD.

    Without noise ("clip only", or no clip at all) no ε is finite, and the claim says so.

    Args:
        recipe: how the models are trained.
        epoch: the epoch that is kept, from 1; None is the last.
    """
    if recipe.privacy is None:
        return None
    steps = steps_until(recipe, epoch)
    promised, noise = delta(recipe.population.contested), recipe.privacy.noise_multiplier
    if noise == 0:
        return PrivacyClaim(epsilon=None, delta=promised, accountant="none", relation=RELATION)
    found = spent(noise, recipe.sampling_rate, steps, promised)
    return PrivacyClaim(epsilon=found.epsilon, delta=promised, accountant=found.accountant, relation=RELATION)


def steps_until(recipe: Recipe, epoch: int | None) -> int:
    """Steps of one training up to the end of the epoch that is kept, from 1; None is the last.

    Raises:
        InvalidValueError: when there is no such epoch.
    """
    kept = recipe.epochs if epoch is None else whole("kept epoch", epoch, at_least=1, at_most=recipe.epochs)
    return sum(recipe.steps_in_epoch(done) for done in range(1, kept + 1))


@lru_cache(maxsize=4096)
def spent(noise_multiplier: float, sampling_rate: float, steps: int, delta: float) -> Spent:
    """ε at δ of Poisson-sampled Gaussian steps.

    Args:
        noise_multiplier: σ, from .001 to 1,000.
        sampling_rate: q in (0, 1].
        steps: how many steps, at least 1.
        delta: δ in (0, 1).

    Raises:
        InvalidValueError: when one of them is out of range.
    """
    number("noise multiplier", noise_multiplier, at_least=LEAST_NOISE, at_most=MOST_NOISE)
    _check(sampling_rate, steps, delta)
    if sampling_rate == 1:
        together = epsilon_of(delta, sensitivity=math.sqrt(steps), sigma=noise_multiplier)
        return Spent(epsilon=together, accountant="exact")
    loss = privacy_loss(noise_multiplier, sampling_rate, steps, delta)
    by_prv = None if loss is None else loss.epsilon(delta)
    by_rdp = epsilon_by_rdp(noise_multiplier, sampling_rate, steps, delta)
    if by_prv is not None and by_prv <= by_rdp:
        return Spent(epsilon=by_prv, accountant="PRV")
    return Spent(epsilon=by_rdp, accountant="RDP")


def rdp_epsilon(recipe: Recipe, delta: float) -> float | None:
    """ε at δ of all steps of the recipe by Rényi DP, for comparison; None where no ε is finite."""
    if recipe.privacy is None or recipe.privacy.noise_multiplier == 0:
        return None
    return epsilon_by_rdp(recipe.privacy.noise_multiplier, recipe.sampling_rate, recipe.steps, delta)


def noise_for(epsilon: float, sampling_rate: float, steps: int, delta: float) -> Calibrated:
    """The smallest noise multiplier σ that proves ε: by ``spent`` it proves at most ε and at least 99 % of it.

    Args:
        epsilon: the wanted ε, above 0 and at most 300.
        sampling_rate: q in (0, 1].
        steps: how many steps, at least 1.
        delta: δ in (0, 1).

    Raises:
        InvalidValueError: when one of them is out of range, or no σ from .1 to 1,000 has this ε, be it that ε jumps
            over it where PRV begins to reach; the sentence then names the nearest ε that can be had.
    """
    wanted = number("target ε", epsilon, above=0, at_most=MOST_EPSILON)
    _check(sampling_rate, steps, delta)

    def excess(log_noise: float) -> float:
        return math.log(max(spent(math.exp(log_noise), sampling_rate, steps, delta).epsilon, 1e-12) / wanted)

    low, high = _crossing(excess, *_rungs_around(excess, wanted, steps))
    noise = min(math.exp(high), MOST_NOISE)
    found = spent(noise, sampling_rate, steps, delta)
    if found.epsilon < (1 - _CLOSE) * wanted:
        before = spent(math.exp(low), sampling_rate, steps, delta)
        raise InvalidValueError(
            f"target ε must be at most {found.epsilon:.3g} or at least {before.epsilon:.3g} for {steps:,} steps at "
            f"this sampling rate and δ: from noise multiplier {noise:.4g} on {found.accountant} speaks, "
            f"below it {before.accountant}, and no noise has an ε between, got {wanted:g}"
        )
    return Calibrated(noise_multiplier=noise, spent=found)


def _check(sampling_rate: float, steps: int, delta: float) -> None:
    """Refuse what no accountant can speak about."""
    number("sampling rate", sampling_rate, above=0, at_most=1)
    whole("steps", steps, at_least=1)
    number("δ", delta, above=0, below=1)


def _rungs_around(excess: Callable[[float], float], wanted: float, steps: int) -> tuple[float, float]:
    """Two neighbours of ``_RUNGS``, as logarithms, between which ln(ε/wanted) falls through 0.

    Raises:
        InvalidValueError: when there are none.
    """
    here = _RUNGS.index(1.0)
    above = excess(math.log(_RUNGS[here])) > 0
    onward = 1 if above else -1
    while 0 <= here + onward < len(_RUNGS):
        if (excess(math.log(_RUNGS[here + onward])) > 0) != above:
            low, high = sorted((_RUNGS[here], _RUNGS[here + onward]))
            return math.log(low), math.log(high)
        here += onward
    rule, even = ("least", "still leaves that much") if above else ("most", "already proves that")
    bound = wanted * math.exp(excess(math.log(_RUNGS[here])))
    raise InvalidValueError(
        f"target ε must be at {rule} {bound:.3g} for {steps:,} steps at this sampling rate and δ: "
        f"noise multiplier {_RUNGS[here]:g} {even}, got {wanted:g}"
    )


def _crossing(excess: Callable[[float], float], low: float, high: float) -> tuple[float, float]:
    """Two places around the one where a falling function passes 0, at the second of which it is not positive.

    By false position, kept from stalling, until the second is within 1 % of ε; where ε falls steeply, by halves until
    the places are all but the same.
    """
    above, below = excess(low), excess(high)
    while below < -_CLOSE / 5 and high - low > (_STEEP if below > -_CLOSE else _NOTHING):
        share = min(max(above / (above - below), 0.1), 0.9) if high - low > _STEEP else 0.5
        middle = low + (high - low) * share
        value = excess(middle)
        low, above, high, below = (middle, value, high, below) if value > 0 else (low, above, middle, value)
    return low, high
