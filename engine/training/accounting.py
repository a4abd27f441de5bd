"""What DP-SGD proves: ε of a recipe, and the noise for a wanted ε.

Neighbouring data sets differ in one record, added or removed; batches are Poisson samples at the recipe's own
rate, and the accountant is told that same rate. Which accountant speaks is decided by (σ, q, steps, δ) alone:

- "exact": q = 1, where all steps together are one Gaussian mechanism with noise σ/√steps;
- "PRV": Opacus's privacy random variables (Gopi, Lee & Wutschitz 2021), within 2 % or .02 of the truth;
- "RDP": Opacus's Rényi accountant where PRV does not reach: an ε in the hundreds, whose e^ε would leave the range
  of doubles; a δ below 1e-10, which its Fourier transform cannot resolve; so many steps that its grid would be too
  fine to fit; or where PRV itself reports an error. RDP is about a tenth larger, and far larger for few steps.

Every accountant states an upper bound.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.assessment.values import PrivacyClaim
from engine.recipe import Recipe
from engine.release.gaussian import epsilon_of
from engine.validate import InvalidValueError, number, whole

RELATION = "add or remove one record, Poisson sampling"
MOST_NOISE = 1000.0
MOST_EPSILON = 300.0

# Opacus's own orders end at 63 and start at 1.1, which loosens ε where there is much or very little noise.
_ORDERS = (
    [1 + step / 100 for step in range(1, 10)]
    + [1 + step / 10 for step in range(1, 100)]
    + list(range(12, 64))
    + [2.0**power for power in range(6, 13)]
)

# Where PRV stops: the farthest loss on its grid, the points of the grid, the smallest δ.
_PRV_REACH = 500.0
_PRV_POINTS = 2**21
_PRV_DELTA = 1e-10

# Noise multipliers from which the search for a wanted ε starts: at 1, away from where accounting is slow.
_RUNGS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, MOST_NOISE)


@dataclass(frozen=True, kw_only=True)
class Spent:
    """An ε and who says so.

    Attributes:
        epsilon: an upper bound of the true ε.
        accountant: "PRV", "RDP" or "exact".
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
    kept = recipe.epochs if epoch is None else whole("kept epoch", epoch, at_least=1, at_most=recipe.epochs)
    promised, noise = delta(recipe.population.contested), recipe.privacy.noise_multiplier
    if noise == 0:
        return PrivacyClaim(epsilon=None, delta=promised, accountant="none", relation=RELATION)
    steps = sum(recipe.steps_in_epoch(done) for done in range(1, kept + 1))
    found = spent(noise, recipe.sampling_rate, steps, promised)
    return PrivacyClaim(epsilon=found.epsilon, delta=promised, accountant=found.accountant, relation=RELATION)


def delta(contested: int) -> float:
    """δ = 1e-5, or for N > 10,000 contested records the next power of ten that is at most 1 / (10 N)."""
    return min(1e-5, 10.0 ** math.floor(-math.log10(10 * contested)))


@lru_cache(maxsize=4096)
def spent(noise_multiplier: float, sampling_rate: float, steps: int, delta: float) -> Spent:
    """ε at δ of Poisson-sampled Gaussian steps.

    Args:
        noise_multiplier: σ, above 0 and at most 1,000.
        sampling_rate: q in (0, 1].
        steps: how many steps, at least 1.
        delta: δ in (0, 1).

    Raises:
        InvalidValueError: when one of them is out of range.
    """
    number("noise multiplier", noise_multiplier, above=0, at_most=MOST_NOISE)
    _check(sampling_rate, steps, delta)
    if sampling_rate == 1:
        together = epsilon_of(delta, sensitivity=math.sqrt(steps), sigma=noise_multiplier)
        return Spent(epsilon=together, accountant="exact")
    by_prv = _prv(noise_multiplier, sampling_rate, steps, delta)
    if by_prv is not None:
        return Spent(epsilon=by_prv, accountant="PRV")
    return Spent(epsilon=_rdp(noise_multiplier, sampling_rate, steps, delta), accountant="RDP")


def rdp_epsilon(recipe: Recipe, delta: float) -> float | None:
    """ε at δ of all steps of the recipe by Rényi DP, for comparison; None where no ε is finite."""
    if recipe.privacy is None or recipe.privacy.noise_multiplier == 0:
        return None
    return _rdp(recipe.privacy.noise_multiplier, recipe.sampling_rate, recipe.steps, delta)


def noise_for(epsilon: float, sampling_rate: float, steps: int, delta: float) -> Calibrated:
    """The smallest noise multiplier σ that proves ε, found to 1 % of ε with the accountants of ``spent``.

    Args:
        epsilon: the wanted ε, above 0 and at most 300.
        sampling_rate: q in (0, 1].
        steps: how many steps, at least 1.
        delta: δ in (0, 1).

    Raises:
        InvalidValueError: when one of them is out of range, or no σ from .1 to 1,000 has this ε; the sentence then
            names the nearest ε that can be had.
    """
    wanted = number("target ε", epsilon, above=0, at_most=MOST_EPSILON)
    _check(sampling_rate, steps, delta)

    def excess(log_noise: float) -> float:
        return math.log(max(spent(math.exp(log_noise), sampling_rate, steps, delta).epsilon, 1e-12) / wanted)

    low, high = _rungs_around(excess, wanted, steps)
    noise = min(math.exp(_crossing(excess, low, high)), MOST_NOISE)
    return Calibrated(noise_multiplier=noise, spent=spent(noise, sampling_rate, steps, delta))


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


def _crossing(excess: Callable[[float], float], low: float, high: float) -> float:
    """The least place, to 1e-3, where a falling function is not positive; false position, kept from stalling."""
    above, below = excess(low), excess(high)
    while high - low > 1e-3 and below < -2e-3:
        middle = low + (high - low) * min(max(above / (above - below), 0.1), 0.9)
        value = excess(middle)
        low, above, high, below = (middle, value, high, below) if value > 0 else (low, above, middle, value)
    return high


def _rdp(noise_multiplier: float, sampling_rate: float, steps: int, delta: float) -> float:
    """ε by Rényi DP, converted by Balle et al. 2020, theorem 21, as Opacus does it."""
    from opacus.accountants.analysis import rdp

    total = [steps * one for one in _rdp_of_a_step(noise_multiplier, sampling_rate)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns when the best order is an outer one: still a valid bound
        return max(0.0, float(rdp.get_privacy_spent(orders=_ORDERS, rdp=total, delta=delta)[0]))


@lru_cache(maxsize=256)
def _rdp_of_a_step(noise_multiplier: float, sampling_rate: float) -> tuple[float, ...]:
    """Rényi divergence of one Poisson-sampled Gaussian step at ``_ORDERS`` (Mironov, Talwar & Zhang 2019)."""
    from opacus.accountants.analysis import rdp

    spent = rdp.compute_rdp(q=sampling_rate, noise_multiplier=noise_multiplier, steps=1, orders=_ORDERS)
    return tuple(np.asarray(spent, dtype=np.float64).tolist())


def _prv(noise_multiplier: float, sampling_rate: float, steps: int, delta: float) -> float | None:
    """Privacy random variables as Opacus composes them, the upper end of their error; None where they do not reach.

    The error of ε on the grid is set to .3 % of what RDP says, at least .002: Opacus's .01 is needlessly coarse for
    an ε of .1, and for one of 100 takes a minute.
    """
    from opacus.accountants import PRVAccountant

    rough = _rdp(noise_multiplier, sampling_rate, steps, delta)
    reach = _rdp(noise_multiplier, sampling_rate, steps, delta / 4000) + 3  # as Opacus's safe domain
    finest = 2 * reach * math.sqrt(steps * math.log(12_000 / delta) / 2) / _PRV_POINTS
    error = max(0.002, min(0.5, 0.003 * rough), finest)
    if delta < _PRV_DELTA or reach > _PRV_REACH or error > max(0.01, 0.01 * rough):
        return None
    accountant = PRVAccountant()
    accountant.history = [(noise_multiplier, sampling_rate, steps)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about outer orders of RDP, which only sets the size of the grid
        try:
            return max(0.0, float(accountant.get_epsilon(delta, eps_error=error)))
        except (RuntimeError, ValueError, ArithmeticError):  # means that differ, δ lost in rounding, no ε found
            return None
