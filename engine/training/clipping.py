"""Gradients of M models from taps, with per-record clipping by ghost norms.

The norm of one record's gradient follows from inner products of its inputs and deltas alone, so that per-record
gradients are never formed (Goodfellow 2015, "Efficient per-example gradient computations"; for sequences Li et al.
2022, "Large language models can be strong differentially private learners", section 4):

    ‖Σ_t δ_t ⊗ a_t‖² = Σ_{t,s} (δ_t · δ_s)(a_t · a_s)

That takes 2T² numbers a record; where the gradient itself, out · in numbers, is smaller, it is formed instead
(Bu et al. 2022, "Scalable and efficient training of large convolutional neural networks with DP", section 3), and
then serves for the sum as well.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.models.layers import Tap, Weights


def squared_norms(taps: list[Tap]) -> Tensor:
    """‖gradient of record b of model m‖² over all parameters, shape (M, B)."""
    return torch.stack([_tap_norms(tap) for tap in taps]).sum(dim=0)


def _tap_norms(tap: Tap) -> Tensor:
    """One tap's share of the squared norms; every bias counts, as each is a parameter of its own."""
    if tap.deltas.shape[2] == 1:
        inputs = sum(values.square().sum(dim=(2, 3)) for values in tap.weights.values())
        return tap.deltas.square().sum(dim=(2, 3)) * (inputs + len(tap.biases))
    total = len(tap.biases) * tap.record_bias.square().sum(dim=2)
    for gradients in tap.per_record.values():
        total = total + gradients.square().sum(dim=(2, 3))
    ghosts = [values for name, values in tap.weights.items() if name not in tap.per_record]
    if ghosts:
        total = total + (_gram(tap.deltas) * sum(_gram(values) for values in ghosts)).sum(dim=(2, 3))
    return total


def _gram(values: Tensor) -> Tensor:
    """(M, B, T, d) → inner products of steps, (M, B, T, T)."""
    models, records, steps, _ = values.shape
    flat = values.flatten(0, 1)
    return torch.bmm(flat, flat.transpose(1, 2)).view(models, records, steps, steps)


def clip_factors(taps: list[Tap], clip: float) -> Tensor:
    """min(1, C / ‖gradient of record b‖) for each model and record, shape (M, B) (Abadi et al. 2016, algorithm 1).

    A zero gradient has the factor 1.
    """
    return (clip / squared_norms(taps).sqrt().clamp_min(torch.finfo(taps[0].deltas.dtype).tiny)).clamp_max(1.0)


def sum_gradients(taps: list[Tap], into: Weights, factors: Tensor | None = None) -> None:
    """Write Σ_b factors[:, b] · (gradient of record b) of every parameter into tensors of its shape.

    Args:
        taps: of one backward pass; with factors they are used up, their deltas may be scaled in place.
        into: (M, …) for every parameter named by a tap; overwritten.
        factors: (M, B); None is 1 for every record.
    """
    for tap in taps:
        if factors is None:
            formed = {name: gradients.sum(dim=1) for name, gradients in tap.per_record.items()}
            bias = tap.deltas.sum(dim=(1, 2))
        else:
            formed = {name: _weighted_sum(factors, gradients) for name, gradients in tap.per_record.items()}
            bias = _weighted_sum(factors, tap.record_bias)
            if len(formed) < len(tap.weights):
                tap.deltas.mul_(factors[:, :, None, None])
        deltas = tap.deltas.flatten(1, 2).transpose(1, 2)
        for name, inputs in tap.weights.items():
            if name in formed:
                into[name].copy_(formed[name])
            else:
                torch.bmm(deltas, inputs.flatten(1, 2), out=into[name])
        for name in tap.biases:
            into[name].copy_(bias)


def _weighted_sum(factors: Tensor, gradients: Tensor) -> Tensor:
    """Σ_b factors[:, b] · gradients[:, b], (M, …) from (M, B) and (M, B, …)."""
    return torch.bmm(factors.unsqueeze(1), gradients.flatten(2)).view(len(factors), *gradients.shape[2:])
