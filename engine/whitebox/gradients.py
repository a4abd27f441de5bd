"""Gradients of M models on records: with respect to all weights as norms, with respect to the records themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.models.layers import Weights
from engine.models.network import Network
from engine.training.clipping import squared_norms

_RECORDS_AT_ONCE = 128


@torch.no_grad()
def gradient_norms(net: Network, weights: Weights, inputs: Tensor, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """‖∇_θ loss‖₂ of each record's cross-entropy, over all weights of a model (Nasr, Shokri & Houmansadr 2019).

    By ghost norms, as in DP-SGD: no gradient is formed. The norm is linear in the loss's gradient with respect to the
    logits, which is scaled to 1 before and back after, so that the smallest losses are not lost in float32.

    Args:
        net: the network.
        weights: parameters of M models.
        inputs: (n, …), the records in the network's view.
        labels: (n,) their true classes.

    Returns:
        (M, n) float64.
    """
    models = len(next(iter(weights.values())))
    truth = torch.from_numpy(labels).to(inputs.device)
    norms = []
    for shown, own in zip(inputs.split(_RECORDS_AT_ONCE), truth.split(_RECORDS_AT_ONCE), strict=True):
        logits, saved = net.forward(weights, shown.expand(models, *shown.shape))
        slope = loss_slope(logits.double(), own.expand(models, -1))
        scale = slope.abs().amax(dim=2).clamp_min(torch.finfo(slope.dtype).tiny)
        taps = net.backward(weights, saved, (slope / scale.unsqueeze(2)).to(logits.dtype))
        norms.append(squared_norms(taps).double().sqrt() * scale)
    return torch.cat(norms, dim=1).cpu().numpy()


def loss_slope(logits: Tensor, labels: Tensor) -> Tensor:
    """The gradient p − 1[y] of the cross-entropy with respect to the logits (M, B, C); labels (M, B).

    At the label it is minus the sum of the others, without the cancellation of p_y − 1.
    """
    p = torch.softmax(logits, dim=2).scatter(2, labels.unsqueeze(2), 0.0)
    return p.scatter(2, labels.unsqueeze(2), -p.sum(dim=2, keepdim=True))


def confidence(logits: Tensor, labels: Tensor) -> Tensor:
    """φ = z_y − log Σ_{i≠y} exp z_i, (M, B), as in ``engine.signals``; from logits (M, B, C) and labels (M, B)."""
    own = logits.gather(2, labels.unsqueeze(2)).squeeze(2)
    return own - logits.scatter(2, labels.unsqueeze(2), -torch.inf).logsumexp(dim=2)


def confidence_slope(net: Network, weights: Weights, shown: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """φ (M, B) of records (M, B, …) with labels (M, B), and its gradients with respect to the records, (M, B, …)."""
    logits, saved = net.forward(weights, shown)
    own = labels.unsqueeze(2)
    others = torch.softmax(logits.scatter(2, own, -torch.inf), dim=2)
    return confidence(logits, labels), input_deltas(net, weights, saved, (-others).scatter(2, own, 1.0))


def input_deltas(net: Network, weights: Weights, saved: list[Any], deltas: Tensor) -> Tensor:
    """Gradients with respect to the records, (M, B, …), from those with respect to the logits, (M, B, C)."""
    for layer, kept in zip(reversed(net.layers), reversed(saved), strict=True):
        before, _ = layer.backward(weights, kept, deltas, inputs_too=True)
        assert before is not None  # noqa: S101 - every layer is asked for it
        deltas = before
    return deltas
