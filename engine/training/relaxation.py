"""RelaxLoss: the loss gradient that stops a model's loss from falling below a level."""

from __future__ import annotations

import torch
from torch import Tensor


def relaxed(logits: Tensor, targets: Tensor, real: Tensor, level: float, *, ascend: bool) -> Tensor:
    """Gradients of each record's loss with respect to its logits (Chen, Yu & Fritz 2022, algorithm 1).

    A model whose batch loss is at least the level descends as ever. Below it, the gradient is turned around, or the
    posterior is flattened: p − t with t the model's own confidence in the true class there and an equal share of the
    rest elsewhere, a constant of the gradient.

    Args:
        logits: (M, B, C).
        targets: (M, B, C), the class with the largest share counts as the true one.
        real: (M, B), 1 for a record, 0 for padding.
        level: α.
        ascend: gradient ascent below the level, else flattening.
    """
    log_probabilities = torch.log_softmax(logits, dim=2)
    losses = -(targets * log_probabilities).sum(dim=2)
    loss = (losses * real).sum(dim=1) / real.sum(dim=1).clamp(min=1)
    probabilities = log_probabilities.exp()
    descent = probabilities - targets
    below = -descent if ascend else probabilities - flattened(probabilities, targets)
    return torch.where((loss < level)[:, None, None], below, descent)


def flattened(probabilities: Tensor, targets: Tensor) -> Tensor:
    """The confidence of the true class where it is, the rest shared evenly by the other classes, (M, B, C).

    Source: Chen, Yu & Fritz 2022, algorithm 1.
    """
    truth = targets.argmax(dim=2, keepdim=True)
    confidence = probabilities.gather(2, truth)
    rest = (1 - confidence) / (probabilities.shape[2] - 1)
    return rest.expand_as(probabilities).scatter(2, truth, confidence)
