"""What mechanisms do to targets: pure functions on probabilities, classes on the last axis."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def one_hot(labels: np.ndarray, classes: int, *, device: str = "cpu") -> Tensor:
    """(N,) labels → (N, C) probabilities, float32."""
    return torch.nn.functional.one_hot(torch.from_numpy(labels), classes).to(device, torch.float32)


def probabilities(logits: Tensor) -> Tensor:
    """Softmax over the last of the dimensions (M, B, C).

    Done with the classes in the middle: torch's softmax over a short last dimension takes longer.
    """
    return torch.softmax(logits.transpose(1, 2).contiguous(), dim=1).transpose(1, 2).contiguous()


def smoothed(targets: Tensor, alpha: float) -> Tensor:
    """(1 − α) · target + α/C (Szegedy et al. 2016, section 7)."""
    return targets * (1 - alpha) + alpha / targets.shape[-1]


def disturbed(targets: Tensor, replaced: Tensor, classes: Tensor) -> Tensor:
    """The targets, where ``replaced`` the one-hot label of ``classes`` instead (Xie et al. 2016, section 3).

    Args:
        targets: (M, B, C).
        replaced: (M, B) bool, true with probability θ.
        classes: (M, B) int64, uniform on the C classes, the true one included.
    """
    others = torch.nn.functional.one_hot(classes, targets.shape[-1]).to(targets)
    return torch.where(replaced.unsqueeze(-1), others, targets)


def softened(logits: Tensor, temperature: float) -> Tensor:
    """softmax(z/T) over the last axis (Hinton, Vinyals & Dean 2015, equation 1)."""
    return torch.softmax(logits / temperature, dim=-1)
