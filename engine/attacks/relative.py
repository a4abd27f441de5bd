"""RMIA: does the target prefer a record to public records, more than models at large do?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from engine.attacks.attack import required
from engine.signals import Signals

_LEAST_PROBABILITY = np.finfo(np.float64).tiny
_OFFLINE_A = 0.3


def rmia(
    target: Signals, shadows: Signals, masks: NDArray[np.bool_], /, *, gamma: float = 1.0
) -> NDArray[np.float64]:
    """Relative membership inference: the share of public records z with LR(x, z) ≥ γ, minus ½.

    Source: Zarifzadeh, Liu & Shokri 2024, section 3. LR(x, z) = [P(x|θ) / P(x)] / [P(z|θ) / P(z)], where P(x|θ) is
    the target's probability of the label, P(x) = ½ (mean over shadows with x + mean over shadows without), and P(z)
    the mean over all shadows, none of which has z. A record without shadows on one side takes the mean of the other.
    Plain softmax and γ = 1, as in the authors' current library.

    Args:
        target: signals of T models, with those on public records.
        shadows: signals of S models, with those on public records.
        masks: (..., S, N) of the shadows.
        gamma: γ, above 0.

    Returns:
        (..., T, N) in [−½, ½].
    """
    shadows_public = required(shadows.public, "rmia", "the model's answers on public records")
    inside, outside = _means(shadows, masks)
    expected = (np.where(np.isnan(inside), outside, inside) + np.where(np.isnan(outside), inside, outside)) / 2
    return _share(target, expected, expit(shadows_public.phi).mean(axis=0), gamma, "rmia")


def rmia_offline(
    target: Signals, shadows: Signals, masks: NDArray[np.bool_], /, *, gamma: float = 1.0, a: float = _OFFLINE_A
) -> NDArray[np.float64]:
    """RMIA that reads only shadows without the record, and guesses P(x) = ½ [(1 + a) mean_out + 1 − a].

    Source: Zarifzadeh, Liu & Shokri 2024, section 3 (offline): models with x are expected to give it
    a · mean_out + 1 − a. P(z) is guessed alike. a = 0.3 is the paper's value for CIFAR-10. A record that all
    shadows trained on scores 0.

    Args:
        target: signals of T models, with those on public records.
        shadows: signals of S models, with those on public records.
        masks: (..., S, N) of the shadows.
        gamma: γ, above 0.
        a: in [0, 1].

    Returns:
        (..., T, N) in [−½, ½].
    """
    shadows_public = required(shadows.public, "rmia_offline", "the model's answers on public records")
    _, outside = _means(shadows, masks)
    unknown = np.isnan(outside)

    def guessed(mean: NDArray[np.float64]) -> NDArray[np.float64]:
        return ((1 + a) * mean + 1 - a) / 2

    expected = guessed(np.where(unknown, 1.0, outside))
    scores = _share(target, expected, guessed(expit(shadows_public.phi).mean(axis=0)), gamma, "rmia_offline")
    return np.where(unknown[..., None, :], 0.0, scores)


def _means(shadows: Signals, masks: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean probability of the label over shadows with and without each record, (..., N); NaN where there are none."""
    confidence = expit(shadows.phi)
    inside, outside = masks.sum(axis=-2), (~masks).sum(axis=-2)
    return (
        np.where(inside > 0, np.einsum("...sn,sn->...n", masks, confidence) / np.maximum(inside, 1), np.nan),
        np.where(outside > 0, np.einsum("...sn,sn->...n", ~masks, confidence) / np.maximum(outside, 1), np.nan),
    )


def _share(
    target: Signals, of_records: NDArray[np.float64], of_public: NDArray[np.float64], gamma: float, attack: str
) -> NDArray[np.float64]:
    """Share of public records with LR ≥ γ minus ½, (..., T, N), from P(x) (..., N) and P(z) (Z,).

    LR(x, z) ≥ γ is r(x) − log γ ≥ r(z) with r = log P(·|θ) − log P(·): counting is a search in the sorted r(z).
    """
    public = required(target.public, attack, "the model's answers on public records")
    ratio = -target.loss - _log(of_records)[..., None, :] - np.log(gamma)
    of_z = np.sort(-public.loss - _log(of_public))
    counts = [np.searchsorted(rising, ratio[..., t, :], "right") for t, rising in enumerate(of_z)]
    return np.stack(counts, axis=-2) / public.phi.shape[1] - 0.5


def _log(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Finite also at 0."""
    return np.log(np.maximum(probability, _LEAST_PROBABILITY))
