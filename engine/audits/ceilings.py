"""What a proof allows any attack: the highest TPR at every FPR, AUC and advantage.

The game is membership with one record in or out with probability ½, which is what "add or remove one record" means;
the proof holds for every record, whatever is known of all others. An attack on a cohort accuses many records, each
with its own TPR and FPR: their means obey the same ceiling, because a ceiling is concave in FPR, and the mean of
points below a concave curve is below it (Jensen). So it holds for a target's ROC over records and for the mean of
targets.

Sources: Wasserman & Zhou 2010; Kairouz, Oh & Viswanath 2015; Dong, Roth & Su 2022, section 2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from engine.audits.values import MEASURED, Ceiling, PrivacyProfile
from engine.release.knowledge import LABEL
from engine.release.values import Release
from engine.validate import number

_GAUSSIAN_POINTS = 401


def tightest_ceiling(profile: PrivacyProfile) -> Ceiling:
    """The f-DP curve of a profile: TPR(FPR) = min{1, min over ε of e^ε FPR + δ(ε)}, with its exact AUC.

    The advantage max(TPR − FPR) is at most δ(0), taken here from the curve itself.
    """
    slopes, heights = _envelope(np.exp(profile.epsilons), profile.deltas)
    fpr, tpr = _corners(slopes, heights)
    return Ceiling(
        fpr=fpr,
        tpr=tpr,
        auc=float(np.trapezoid(tpr, fpr)),
        advantage=float((tpr - fpr).max()),
        proved=True,
        sentence=f"proved by the accountant ({profile.accountant}) from δ at every ε: the highest TPR at every FPR",
    )


def single_ceiling(epsilon: float, delta: float) -> Ceiling:
    """What one pair (ε, δ) allows: TPR ≤ min{e^ε FPR + δ, 1 − e^−ε (1 − δ − FPR), 1}.

    AUC ≤ 1 − (1 − δ)²/(1 + e^ε): the area above the curve is two triangles that meet where FPR = FNR =
    (1 − δ)/(1 + e^ε), each with base 1 − δ. Advantage ≤ (e^ε − 1 + 2δ)/(e^ε + 1).

    Raises:
        InvalidValueError: when ε is negative or δ outside [0, 1).
    """
    number("ε", epsilon, at_least=0, at_most=700)
    number("δ", delta, at_least=0, below=1)
    even = (1 - delta) / (1 + np.exp(epsilon))
    fpr = np.array([0.0, even, 1 - delta, 1.0])
    return Ceiling(
        fpr=fpr,
        tpr=np.array([delta, 1 - even, 1.0, 1.0]),
        auc=float(1 - (1 - delta) * even),
        advantage=float(1 - 2 * even),
        proved=True,
        sentence=f"proved from ε = {epsilon:.4g} at δ = {delta:g} alone; the whole of δ(ε) allows less",
    )


def measured_noise_ceiling(sensitivity: float, sigma: float) -> Ceiling:
    """What Gaussian noise σ on weights that one record moves by Δ allows, with μ = Δ/σ.

    Source: Dong, Roth & Su 2022, section 2. TPR = Φ(Φ⁻¹(FPR) + μ), AUC = Φ(μ/√2), advantage = 2Φ(μ/2) − 1.
    Δ is measured by leaving records out, not proved, and the ceiling says so.

    Args:
        sensitivity: Δ, the largest joint L2 change of the weights.
        sigma: σ of the noise on every weight.

    Raises:
        InvalidValueError: when Δ or σ is not positive.
    """
    mu = number("sensitivity", sensitivity, above=0) / number("σ", sigma, above=0)
    # Even steps of Φ⁻¹(FPR) around −μ/2, where the curve bends; and of FPR, for where it does not.
    bend = ndtr(np.linspace(-8, 8, _GAUSSIAN_POINTS) - mu / 2)
    fpr = np.unique(np.concatenate((bend, np.linspace(0, 1, 101))))
    return Ceiling(
        fpr=fpr,
        tpr=ndtr(ndtri(fpr) + mu),
        auc=float(ndtr(mu / np.sqrt(2))),
        advantage=float(2 * ndtr(mu / 2) - 1),
        proved=False,
        sentence=f"{MEASURED}: Δ/σ = {mu:.3g} ({LABEL})",
    )


def weight_noise_ceiling(sensitivity: float, release: Release) -> Ceiling | None:
    """``measured_noise_ceiling`` of a release; None where its noise has none.

    Noise on the output layer alone leaves the other weights as they are, and noise relative to a tensor depends on
    the records through the tensor's norm. The attacker sees one of the K copies, and what is done to answers after
    the noise cannot tell more than the weights.

    Args:
        sensitivity: Δ of the weights that the release publishes.
        release: what the owner publishes.
    """
    noise = release.weight_noise
    if noise is None or noise.tensors != "all" or noise.scale != "absolute" or sensitivity <= 0:
        return None
    return measured_noise_ceiling(sensitivity, noise.sigma)


def highest_tpr(ceiling: Ceiling, fpr: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ceiling at any FPRs (...,) in [0, 1]."""
    return np.interp(fpr, ceiling.fpr, ceiling.tpr)


def _envelope(
    slopes: NDArray[np.float64], heights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The lines that are lowest somewhere on [0, 1], steepest first, with the line TPR = 1 as the last."""
    kept: list[tuple[float, float]] = []
    steep_first = np.lexsort((heights, -slopes))
    for slope, height in [*zip(slopes[steep_first], heights[steep_first], strict=True), (0.0, 1.0)]:
        while kept and (height <= kept[-1][1] or (len(kept) > 1 and _useless(kept[-2], kept[-1], (slope, height)))):
            kept.pop()
        if not kept or slope < kept[-1][0]:
            kept.append((slope, height))
    lines = np.array(kept)
    return lines[:, 0], lines[:, 1]


def _useless(steeper: tuple[float, float], line: tuple[float, float], flatter: tuple[float, float]) -> bool:
    """Whether a line lies nowhere below both of its neighbours."""
    return _meet(steeper, flatter) <= _meet(steeper, line)


def _meet(steeper: tuple[float, float], flatter: tuple[float, float]) -> float:
    """The FPR at which two lines (slope, height) meet."""
    return (flatter[1] - steeper[1]) / (steeper[0] - flatter[0])


def _corners(
    slopes: NDArray[np.float64], heights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """FPR and TPR (G,) of the corners of a lower envelope on [0, 1], both ends included."""
    meets = (heights[1:] - heights[:-1]) / (slopes[:-1] - slopes[1:])
    levels = heights[1:] + slopes[1:] * meets
    inside = meets < 1
    last = min(1.0, float((slopes + heights).min()))
    return np.concatenate(([0.0], meets[inside], [1.0])), np.concatenate(([heights[0]], levels[inside], [last]))
