"""Gradients of M models from taps, with per-record clipping by ghost norms.

The norm of one record's gradient follows from inner products of its inputs and deltas alone, so that per-record
gradients are never formed (Goodfellow 2015, "Efficient per-example gradient computations"; for sequences Li et al.
2022, "Large language models can be strong differentially private learners", section 4):

    ‖Σ_t δ_t ⊗ a_t‖² = Σ_{t,s} (δ_t · δ_s)(a_t · a_s)

That takes 2T² numbers a record; where the gradient itself, out · in numbers, is smaller, it is formed instead
(Bu et al. 2022, "Scalable and efficient training of large convolutional neural networks with DP", section 3).
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
    deltas, (steps, outputs) = tap.deltas, tap.deltas.shape[2:]
    if steps == 1:
        inputs = sum(values.square().sum(dim=(2, 3)) for values in tap.weights.values())
        return deltas.square().sum(dim=(2, 3)) * (inputs + len(tap.biases))
    ghosts = [values for values in tap.weights.values() if 2 * steps**2 <= outputs * values.shape[3]]
    others = [values for values in tap.weights.values() if 2 * steps**2 > outputs * values.shape[3]]
    total = len(tap.biases) * deltas.sum(dim=2).square().sum(dim=2)
    if ghosts:
        total = total + (_gram(deltas) * sum(_gram(values) for values in ghosts)).sum(dim=(2, 3))
    for values in others:
        total = total + _per_record(deltas, values).square().sum(dim=(1, 2)).view(deltas.shape[:2])
    return total


def _per_record(deltas: Tensor, inputs: Tensor) -> Tensor:
    """Gradients of single records, (M · B, out, in)."""
    return torch.bmm(deltas.flatten(0, 1).transpose(1, 2), inputs.flatten(0, 1))


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
        taps: of one backward pass; with factors their deltas are scaled in place.
        into: (M, …) for every parameter named by a tap; overwritten.
        factors: (M, B); None is 1 for every record.
    """
    for tap in taps:
        if factors is not None:
            tap.deltas.mul_(factors[:, :, None, None])
        deltas = tap.deltas.flatten(1, 2)
        for name, inputs in tap.weights.items():
            torch.bmm(deltas.transpose(1, 2), inputs.flatten(1, 2), out=into[name])
        for name in tap.biases:
            torch.sum(deltas, dim=1, out=into[name])
