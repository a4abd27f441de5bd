"""Privacy random variables (Gopi, Lee & Wutschitz 2021) of Poisson-sampled Gaussian steps, as Opacus composes them.

The variable is the privacy loss Y = ln(p_in / p_out) of a training that had the record, all its steps together.
Then P(E | in) ≤ e^ε P(E | out) + δ(ε) for every event E and every real ε, with δ(ε) = E[(1 − e^{ε − Y})₊].
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.training.renyi import epsilon_by_rdp

if TYPE_CHECKING:
    from opacus.accountants.analysis.prv import DiscretePRV

# Where PRV stops: the farthest loss on its grid, the points of the grid, the smallest δ.
_PRV_REACH = 500.0
_PRV_POINTS = 2**21
_PRV_DELTA = 1e-10

_LOST = 2.0  # what rounding may take from that farthest loss: Opacus makes its grid longer by 3 than theory asks
_MEAN_SHARE = 0.1  # of the error of ε: how far the mean of all steps may fall short of the true one

_MEAN_POINTS = 4_001
_MEAN_TAIL = 12.0  # standard deviations, beyond which a Gaussian's share is below that of rounding

_DELTA_ERROR = 1e-3  # of δ, relative to the δ that is asked for: Opacus's own default
_FAILURES = (RuntimeError, ValueError, ArithmeticError)  # means that differ, δ lost in rounding, no ε found

# e^−y of a loss y below −709, on the long grid that little noise needs, overflows: left of every ε that can be read.
_QUIETLY = np.errstate(over="ignore", invalid="ignore")


@dataclass(frozen=True, kw_only=True)
class PrivacyLoss:
    """The privacy loss of all steps together, and how far ε and δ read from it may be off.

    Attributes:
        composed: the loss on a grid.
        epsilon_error: of ε.
        delta_error: of δ.
        fine: whether the error of ε is at most 1 % or .01; of very many steps it is larger.
    """

    composed: DiscretePRV
    epsilon_error: float
    delta_error: float
    fine: bool

    @_QUIETLY
    def epsilon(self, delta: float) -> float | None:
        """The upper end of ε at δ; None where it is lost in rounding."""
        try:
            return max(0.0, float(self.composed.compute_epsilon(delta, self.delta_error, self.epsilon_error)[2]))
        except _FAILURES:
            return None

    @_QUIETLY
    def deltas(self, epsilons: NDArray[np.float64]) -> NDArray[np.float64]:
        """The upper ends (L,) of δ at any real ε: δ(ε) ≤ δ_grid(ε − error of ε) + error of δ.

        Source: Gopi, Lee & Wutschitz 2021, section 5.
        δ_grid(ε) = Σ_{y > ε} P(y) (1 − e^{ε − y}), by sums from the far end.
        """
        losses, shares = self.composed.domain.ts, self.composed.pmf
        above = np.append(np.cumsum(shares[::-1])[::-1], 0.0)
        weighed = np.append(np.cumsum((shares * np.exp(-losses))[::-1])[::-1], 0.0)
        shifted = epsilons - self.epsilon_error
        first = np.searchsorted(losses, shifted, side="right")
        return np.clip(above[first] - np.exp(shifted) * weighed[first] + self.delta_error, 0.0, 1.0)


def privacy_loss(noise_multiplier: float, sampling_rate: float, steps: int, delta: float) -> PrivacyLoss | None:
    """The privacy loss of all steps, fit for δ and larger ones; None where PRV does not reach.

    The error of ε on the grid is set to .3 % of what RDP says, at least .002: Opacus's .01 is needlessly coarse for
    an ε of .1, and for one of 100 takes long. For some 100,000 steps and more it is what the largest grid allows:
    every error is a valid one, so that ε, which includes it, changes with σ without a jump.

    The mean of one step is rounded, and all steps multiply that: of very many at a tiny rate it may shift the whole
    grid below what it has to hold. Such a grid is none.
    """
    from opacus.accountants import PRVAccountant

    rough = epsilon_by_rdp(noise_multiplier, sampling_rate, steps, delta)
    reach = epsilon_by_rdp(noise_multiplier, sampling_rate, steps, delta / 4000) + 3  # as Opacus's safe domain
    finest = 2 * reach * math.sqrt(steps * math.log(12_000 / delta) / 2) / _PRV_POINTS
    error = max(0.002, min(0.5, 0.003 * rough), finest)
    if delta < _PRV_DELTA or reach > _PRV_REACH:
        return None
    accountant = PRVAccountant()
    accountant.history = [(noise_multiplier, sampling_rate, steps)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about outer orders of RDP, which only sets the size of the grid
        try:
            # Opacus shows ε alone; the grid behind it also has δ at every ε.
            composed = accountant._get_dprv(eps_error=error, delta_error=delta * _DELTA_ERROR)  # noqa: SLF001
        except _FAILURES:
            return None
    least = steps * mean_loss(noise_multiplier, sampling_rate) - _MEAN_SHARE * error
    if composed.domain.t_max < reach - _LOST or composed.domain.ts @ composed.pmf < least:
        return None
    fine = error <= max(0.01, 0.01 * rough)
    return PrivacyLoss(composed=composed, epsilon_error=error, delta_error=delta * _DELTA_ERROR, fine=fine)


def mean_loss(noise_multiplier: float, sampling_rate: float) -> float:
    """E[Y] of one step, a Kullback–Leibler divergence: p_in = (1 − q) N(0, σ²) + q N(1, σ²) from p_out = N(0, σ²).

    It is never negative. Integrated is p_in ln(p_in / p_out) − (p_in − p_out), the second term of which adds up to 0:
    it keeps what is integrated from being negative, so that nothing of a tiny rate is lost in cancelling.
    """
    q, tail = sampling_rate, _MEAN_TAIL * noise_multiplier
    z = np.linspace(-tail, 1 + tail, _MEAN_POINTS)
    without, shifted = (np.exp(-((z - at) ** 2) / (2 * noise_multiplier**2)) for at in (0, 1))
    loss = np.logaddexp(np.log1p(-q), np.log(q) + (2 * z - 1) / (2 * noise_multiplier**2))
    integrand = ((1 - q) * without + q * shifted) * loss - q * (shifted - without)
    return float(integrand.sum() * (z[1] - z[0]) / (noise_multiplier * math.sqrt(2 * math.pi)))
