"""Models × records → logits: the only place where trained models are evaluated."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.memory import RECORDS_AT_ONCE
from engine.models.layers import Weights
from engine.models.network import Network
from engine.populations.records import Records


def view_tensor(net: Network, records: Records, *, device: str = "cpu") -> Tensor:
    """The view of the records that the network reads, float32: flat, sequence, or picture with one channel last."""
    match net.view:
        case "flat":
            return torch.tensor(records.flat, device=device)
        case "sequence":
            return torch.tensor(records.sequence, device=device)
        case "picture":
            return torch.tensor(records.pictures[..., None], device=device)


@torch.no_grad()
def logits(net: Network, weights: Weights, inputs: Tensor) -> NDArray[np.float64]:
    """Logits of M models on n records that all of them answer.

    Args:
        net: the network.
        weights: parameters of M models.
        inputs: (n, …), the records in the network's view.

    Returns:
        (M, n, C) float64.
    """
    parts = [net.forward(weights, chunk)[0].cpu().double() for chunk in inputs.split(RECORDS_AT_ONCE)]
    return torch.cat(parts, dim=1).numpy()
