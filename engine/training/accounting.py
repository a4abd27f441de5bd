"""What DP-SGD proves: ε of a recipe, by Opacus's RDP accountant.

Neighbouring data sets differ in one record, added or removed; batches are Poisson samples at the recipe's own
rate, and the accountant is told that same rate.
"""

from __future__ import annotations

import math
import warnings

from engine.assessment.values import PrivacyClaim
from engine.recipe import Recipe

# Opacus's own orders end at 63 and start at 1.1, which loosens ε where there is much or very little noise.
_ORDERS = (
    [1 + step / 100 for step in range(1, 10)]
    + [1 + step / 10 for step in range(1, 100)]
    + list(range(12, 64))
    + [2.0**power for power in range(6, 13)]
)


def claim(recipe: Recipe) -> PrivacyClaim | None:
    """What is proved about one training by the recipe; None without DP-SGD.

    Without noise ("clip only", or no clip at all) no ε is finite, and the claim says so.
    """
    if recipe.privacy is None:
        return None
    promised = delta(recipe.population.contested)
    return PrivacyClaim(epsilon=epsilon(recipe, promised), delta=promised, accountant="RDP")


def delta(contested: int) -> float:
    """δ = 1e-5, or for N > 10,000 contested records the next power of ten that is at most 1 / (10 N)."""
    return min(1e-5, 10.0 ** math.floor(-math.log10(10 * contested)))


def epsilon(recipe: Recipe, delta: float) -> float | None:
    """ε at δ of all steps of the recipe; None where no ε is finite.

    Rényi DP of the Poisson-sampled Gaussian mechanism (Mironov, Talwar & Zhang 2019), composed over the steps and
    converted by Balle et al. 2020, theorem 21; both as Opacus computes them.
    """
    from opacus.accountants.analysis import rdp

    if recipe.privacy is None or recipe.privacy.noise_multiplier == 0:
        return None
    spent = rdp.compute_rdp(
        q=recipe.sampling_rate,
        noise_multiplier=recipe.privacy.noise_multiplier,
        steps=recipe.steps,
        orders=_ORDERS,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns when the best order is an outer one: still a valid bound
        return float(rdp.get_privacy_spent(orders=_ORDERS, rdp=spent, delta=delta)[0])
